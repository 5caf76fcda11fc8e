import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileState } from "../../src/checkpoint/file-state.ts";
import { inspectState } from "../../src/checkpoint/inspect.ts";
import { type KustoAdmin, kustoAdmin } from "../../src/connectors/kusto/admin.ts";
import { kusto } from "../../src/connectors/kusto/index.ts";
import { type Emulator, startEmulator } from "../../src/emulator/index.ts";
import { open } from "../../src/open.ts";
import type { SinkOptions } from "../../src/options.ts";
import { k, table } from "../../src/schema/table.ts";

/**
 * State folders as the code before format 2 of the journal left them, one for each way to commit. Five checkpoints of ten rows each, numbered
 * from 0: the first is committed; the process ended when the others stood in the steps that are named here.
 */
const states = {
  move: ["SUBMITTED", "LANDED", "MOVING", "PREPARED"],
  append: ["SUBMITTED", "LANDED", "MOVING", "PREPARED"],
  // Its epochs claim their numbers one after another.
  tag: ["SUBMITTED", "PREPARED", "PREPARED", "PREPARED"],
  "at-least-once": ["SUBMITTED", "SUBMITTED", "PREPARED", "PREPARED"],
} as const;

const root = mkdtempSync(join(tmpdir(), "millrace-format-1-"));
let emulator: Emulator;
let admin: KustoAdmin;
before(async () => {
  emulator = await startEmulator({ databases: Object.keys(states) });
});
after(async () => {
  await emulator.close();
  rmSync(root, { recursive: true, force: true });
});

const target = table("T", { n: k.long(), text: k.string() });

for (const [mode, steps] of Object.entries(states))
  test(`a state of format 1 opens and finishes: ${mode}`, async () => {
    const folder = join(root, mode);
    cpSync(join(import.meta.dirname, "format-1", mode), folder, { recursive: true });
    const { pending } = await inspectState(folder);
    const stepOf = (detail: unknown) => (detail as { step: string } | undefined)?.step;
    assert.deepEqual(
      pending.map(({ state, detail }) => stepOf(detail) ?? state),
      steps,
    );

    admin = await kustoAdmin({ cluster: emulator.url, database: mode });
    await admin.execute(".create table T (n: long, text: string)");
    const isExact = mode !== "at-least-once";
    const delivery: SinkOptions = isExact ? { deliveryGuarantee: "exactly-once" } : {};
    const ingestion = { flushImmediately: true, pollIntervalMs: 100, ...(isExact && { commitMode: mode as "move" }) };
    // What a state belongs to holds the port, which is another one here.
    const to = { ...kusto({ cluster: emulator.url, database: mode, ...ingestion }), identity: "fixture" };
    const options = { ...delivery, job: "nightly", state: fileState(folder), parallelism: 0 } as const;
    const sink = await open({ table: target, to, ...options });
    assert.deepEqual(sink.restored, { epoch: 5, positions: { source: 50 } });
    sink.write({ n: 50n, text: "row 50" });
    await sink.checkpoint({ positions: { source: 51 } });
    await sink.close();

    let numbers: number[] = [];
    // With delivery at least once, a batch that was taken is there when the service has loaded it.
    for (let look = 0; look < 100 && numbers.length < 41; look++) {
      const { rows } = await admin.query("T | where text == strcat('row ', n) | project n | order by n asc");
      numbers = rows.map(([n]) => Number(n));
      if (numbers.length < 41) await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.deepEqual(
      numbers,
      Array.from({ length: 41 }, (_, i) => i + 10),
      "the first ten went into another table, before",
    );
    assert.deepEqual((await inspectState(folder)).pending, []);
    admin.close();
  });
