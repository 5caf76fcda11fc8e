import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { type KustoAdmin, kustoAdmin } from "../../../src/connectors/kusto/admin.ts";
import { kusto } from "../../../src/connectors/kusto/index.ts";
import { type BatchRetry, deliverer } from "../../../src/deliver/deliverer.ts";
import type { DestinationSession } from "../../../src/destination/destination.ts";
import { type Emulator, startEmulator } from "../../../src/emulator/index.ts";
import { createMergeTableCommand } from "../../../src/schema/kql.ts";
import { batchOf, contextOf, twoColumns } from "./batch-of.ts";

let emulator: Emulator;
let admin: KustoAdmin;
let session: DestinationSession;
const never = new AbortController().signal;
const patient = { retryBaseMs: 10, retryMaxMs: 200, retryTimeoutMs: 15_000 };
const polling = { pollForIngestionStatus: true, pollIntervalMs: 50, pollTimeoutMs: 15_000 };

before(async () => {
  emulator = await startEmulator({ databases: ["db"] });
  admin = await kustoAdmin({ cluster: emulator.url, database: "db" });
  await admin.execute(createMergeTableCommand(twoColumns));
  session = await kusto({ cluster: emulator.url, database: "db", ...polling }).open(contextOf());
});
afterEach(() => emulator.faults.clear());
after(async () => {
  await session?.close();
  admin?.close();
  await emulator?.close();
});

let nextRow = 0;

/** Delivers some batches of two rows at once while a fault is on; every row must be there, and once. */
async function deliverUnder(fault: () => void, batches = 4): Promise<BatchRetry[]> {
  const retries: BatchRetry[] = [];
  const { deliver } = deliverer(session, patient, never, { onRetry: (retry) => void retries.push(retry) });
  const from = nextRow;
  fault();
  const delivered = await Promise.all(
    Array.from({ length: batches }, () => deliver(batchOf(`${nextRow++},x\n${nextRow++},y\n`))),
  );
  assert.ok(delivered.every(({ status }) => status === "landed"));
  const { rows } = await admin.query("T");
  const landed = rows.map(([number]) => Number(number)).filter((number) => number >= from && number < nextRow);
  const sent = Array.from({ length: 2 * batches }, (_, i) => from + i);
  assert.deepEqual(
    landed.sort((a, b) => a - b),
    sent,
  );
  return retries;
}

test("without faults everything lands once, with no retry", async () => {
  assert.deepEqual(await deliverUnder(() => {}), []);
});

test("an expired SAS at the blobs is asked for again", async () => {
  const retries = await deliverUnder(() => emulator.faults.expireSas({ requests: 2 }));
  assert.deepEqual(
    new Set(retries.map(({ stage, error }) => `${stage} ${error.code}`)),
    new Set(["stage SAS_EXPIRED"]),
  );
});

test("an expired SAS at the queues is asked for again", async () => {
  const retries = await deliverUnder(() => emulator.faults.expireSas({ requests: 1, place: "queue" }), 1);
  assert.ok(retries.length >= 1 && retries.every(({ error }) => error.code === "SAS_EXPIRED"));
});

test("429 and 503 at the storage are waited out as long as the service asks", async () => {
  for (const [status, code] of [
    [429, "THROTTLED"],
    [503, "SERVICE_UNAVAILABLE"],
  ] as const) {
    const retries = await deliverUnder(() =>
      emulator.faults.answer("blob", status, { requests: 3, retryAfterSeconds: 1 }),
    );
    const [first] = retries;
    assert.ok(first && [code, "THROTTLED"].includes(first.error.code), first?.error.message);
    assert.ok(first.delayMs >= 1000, `${first.delayMs}`);
  }
});

test("connections that break before the storage acts, and after it acted", async () => {
  for (const when of ["before", "after"] as const) {
    const retries = await deliverUnder(() => emulator.faults.reset("blob", when, { requests: 3 }));
    assert.ok(retries.length >= 3);
    assert.ok(retries.every(({ error }) => error.code === "UNREACHABLE" && error.retryable));
  }
});

test("storage that is away for two seconds loses nothing", async () => {
  const retries = await deliverUnder(() => void emulator.faults.refuse("storage", 2_000));
  assert.ok(retries.length > 0);
});

test("a blob that the service cannot load is reported with its code and the records concerned", async () => {
  const { deliver } = deliverer(session, patient, never);
  const broken = batchOf("x\n", { packed: Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]) });
  await assert.rejects(deliver({ ...broken, rows: 1, firstRecord: 7, lastRecord: 7 }), {
    code: "INGESTION_FAILED",
    message: /batch .* \(records 7 to 7\) failed/,
  });
});

test("commands: the answer is exact, and an error has the service's words", async () => {
  await deliverer(session, patient, never).deliver(batchOf("9007199254740993,exact\n"));
  const { columns, rows } = await admin.query("T");
  assert.deepEqual(columns, [
    { name: "a", type: "long" },
    { name: "b", type: "string" },
  ]);
  assert.deepEqual(
    rows.filter(([, text]) => text === "exact"),
    [[9007199254740993n, "exact"]],
  );
  await assert.rejects(admin.query("nope | count"), { code: "BAD_REQUEST", message: /nope/ });
  await assert.rejects(admin.execute(".nope"), { code: "BAD_REQUEST" });
  assert.deepEqual(await admin.columns("T"), [
    { name: "a", type: "long" },
    { name: "b", type: "string" },
  ]);
  assert.equal(await admin.columns("Nope"), undefined);
});

test("opening on a table or database that does not exist says so", async () => {
  const open = (database: string, name: string) =>
    kusto({ cluster: emulator.url, database }).open({ ...contextOf(), table: { ...twoColumns, name } });
  await assert.rejects(open("db", "Nope"), { code: "NOT_FOUND", message: /Table Nope does not exist in database db/ });
  await assert.rejects(open("nodb", "T"), { code: "NOT_FOUND", message: /nodb/ });
});
