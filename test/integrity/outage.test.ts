import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { after, before, test } from "node:test";
import { type KustoAdmin, kustoAdmin } from "../../src/connectors/kusto/admin.ts";
import { kusto } from "../../src/connectors/kusto/index.ts";
import { type Emulator, startEmulator } from "../../src/emulator/index.ts";
import type { RetryEvent } from "../../src/events.ts";
import { open } from "../../src/open.ts";
import { createMergeTableCommand } from "../../src/schema/kql.ts";
import { k, table } from "../../src/schema/table.ts";

// The network is killed half-way in every manner there is: all rows land, none is lost. Rows may land twice: at least
// once is what is promised here.

let emulator: Emulator;
let admin: KustoAdmin;

before(async () => {
  emulator = await startEmulator({ databases: ["db"] });
  admin = await kustoAdmin({ cluster: emulator.url, database: "db" });
});

after(async () => {
  admin?.close();
  await emulator?.close();
});

const batchSize = 100;

interface Story {
  readonly name: string;
  readonly records: number;
  /** What happens when half of the records are written. */
  strike(): void;
  /** The retries that this must have caused, by code; an outage that nobody met would prove nothing. */
  readonly met: RegExp;
}

const stories: Story[] = [
  {
    name: "everything refuses connections for 30 s",
    records: 4_000,
    strike: () => void emulator.faults.refuse("all", 30_000),
    met: /UNREACHABLE/,
  },
  {
    name: "storage refuses connections for 3 s",
    records: 2_000,
    strike: () => void emulator.faults.refuse("storage", 3_000),
    met: /UNREACHABLE/,
  },
  {
    name: "429 and 503 with Retry-After, at blobs and at queues",
    records: 4_000,
    strike() {
      emulator.faults.answer("blob", 429, { requests: 5, retryAfterSeconds: 1 });
      emulator.faults.answer("blob", 503, { requests: 5 });
      emulator.faults.answer("queue", 503, { requests: 5, retryAfterSeconds: 1 });
      emulator.faults.answer("queue", 500, { requests: 3 });
    },
    met: /SERVICE_UNAVAILABLE.*THROTTLED|THROTTLED.*SERVICE_UNAVAILABLE/,
  },
  {
    name: "connections reset before and after the server acted",
    records: 4_000,
    strike() {
      emulator.faults.reset("blob", "before", { requests: 4 });
      emulator.faults.reset("blob", "after", { requests: 4 });
      emulator.faults.reset("queue", "before", { requests: 3 });
      emulator.faults.reset("queue", "after", { requests: 3 });
    },
    met: /UNREACHABLE/,
  },
  {
    name: "the SAS of blobs and queues expires",
    records: 4_000,
    strike() {
      emulator.faults.expireSas({ requests: 3, place: "blob" });
      emulator.faults.expireSas({ requests: 3, place: "queue" });
    },
    met: /SAS_EXPIRED/,
  },
];

for (const [i, { name, records, strike, met }] of stories.entries())
  test(name, async () => {
    const target = table(`Outage${i}`, { id: k.int(), text: k.string() });
    await admin.execute(createMergeTableCommand(target));
    const codes = new Set<string>();
    const listen = (message: unknown) => codes.add((message as RetryEvent).code);
    subscribe("millrace:retry", listen);
    const sink = await open({
      table: target,
      to: kusto({
        cluster: emulator.url,
        database: "db",
        flushImmediately: true,
        pollForIngestionStatus: true,
        pollIntervalMs: 100,
      }),
      batchSize,
      retryMaxMs: 2_000,
    });
    for (let id = 0; id < records; id++) {
      if (id === records / 2) strike();
      if (!sink.write({ id, text: `record ${id}` })) await sink.ready;
    }
    await sink.close();
    unsubscribe("millrace:retry", listen);

    const { rows } = await admin.query(`${target.name} | summarize dcount(id), min(id), max(id), count()`);
    const [distinct, least, greatest, total] = rows[0]!.map(Number);
    assert.deepEqual({ least, greatest }, { least: 0, greatest: records - 1 });
    assert.ok(total! >= records, `${total} rows of ${records}`);
    const ids = await admin.query(`${target.name} | summarize by id | count`);
    assert.equal(
      Number(ids.rows[0]![0]),
      records,
      `lost ${records - Number(ids.rows[0]![0])}; dcount says ${distinct}`,
    );
    assert.equal(sink.stats.delivered, records);
    assert.match([...codes].sort().reverse().join(" "), met, "the fault was met");
  });
