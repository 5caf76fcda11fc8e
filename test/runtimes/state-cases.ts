import assert from "node:assert/strict";
import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileState, inspectState, k, MillraceError, memory, open, type Sink, table } from "millrace";
import { startProgram } from "./programs.ts";
import { stalled } from "./stalled.ts";
import { firstNumbers, sorted, upTo } from "./unpack.ts";
import type { Case } from "./world.ts";

const shape = table("Kept", { n: k.int(), text: k.string() });

async function write(sink: Sink<{ n: number; text: string }>, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) if (!sink.write({ n, text: `é ${n}` })) await sink.ready;
}

function filesIn(folder: string, pattern: RegExp): string[] {
  return (readdirSync(folder, { recursive: true }) as string[])
    .filter((name) => pattern.test(name))
    .map((name) => join(folder, name));
}

const coded = (code: string) => (error: unknown) => error instanceof MillraceError && error.code === code;

/** A state with a checkpoint of 1 000 records at position 1 000, and 500 more behind it in the log; the process gone. */
async function abandoned(folder: string): Promise<void> {
  const sink = await open({ table: shape, to: stalled(), deliveryGuarantee: "exactly-once", state: fileState(folder) });
  assert.deepEqual(sink.restored, { epoch: 0, positions: {} });
  await write(sink, 0, 1_000);
  const { epoch, records } = await sink.checkpoint({ positions: { source: 1_000 } });
  assert.deepEqual({ epoch, records }, { epoch: 1, records: 1_000 });
  await write(sink, 1_000, 1_500);
  await sink.flush();
  await sink.abort(new Error("as if it were killed"));
}

/** Goes on where the newest checkpoint stands, to 2 000 records, each of them once. */
async function goOn(folder: string): Promise<void> {
  const to = memory();
  const sink = await open({ table: shape, to, deliveryGuarantee: "exactly-once", state: fileState(folder) });
  assert.deepEqual(sink.restored, { epoch: 1, positions: { source: 1_000 } });
  await write(sink, 1_000, 2_000);
  await sink.checkpoint({ positions: { source: 2_000 } });
  await sink.close();
  assert.deepEqual(sorted(firstNumbers(to.batches)), upTo(2_000));
  const { epoch, positions, pending } = await inspectState(folder);
  assert.deepEqual({ epoch, positions, pending }, { epoch: 2, positions: { source: 2_000 }, pending: [] });
}

export const stateCases: readonly Case[] = [
  {
    name: "log: a checkpoint is on the disk, and the next sink commits it and reads on",
    async run({ folder }) {
      const state = join(folder, "state");
      await abandoned(state);
      const { epoch, records, pending, openBy } = await inspectState(state);
      assert.deepEqual({ epoch, records, openBy }, { epoch: 1, records: 1_000, openBy: undefined });
      assert.deepEqual(
        pending.map(({ epoch, rows }) => ({ epoch, rows })),
        [{ epoch: 1, rows: 1_000 }],
      );
      if (process.platform !== "win32")
        for (const file of filesIn(state, /journal|epoch/)) assert.equal(statSync(file).mode & 0o077, 0, file);
      await goOn(state);
    },
  },
  {
    name: "recovery: torn tails of the journal and of the log are cut",
    async run({ folder }) {
      const state = join(folder, "torn");
      await abandoned(state);
      const journals = filesIn(state, /journal/);
      const segments = filesIn(state, /epoch-/);
      assert.ok(journals.length > 0 && segments.length > 0, filesIn(state, /./).join());
      for (const file of [...journals, ...segments]) {
        // The beginning of another frame: of the first one, for instance, which begins behind the head.
        const torn = readFileSync(file).subarray(16, 27);
        assert.ok(torn.length > 0, file);
        appendFileSync(file, torn);
      }
      await goOn(state);
    },
  },
  {
    name: "recovery: a log that is not as it was written is told of, not sent",
    async run({ folder }) {
      const state = join(folder, "damaged");
      await abandoned(state);
      for (const file of filesIn(state, /epoch-0*1-/)) {
        const bytes = readFileSync(file);
        bytes[bytes.length >> 1]! ^= 1;
        writeFileSync(file, bytes);
      }
      const to = memory();
      await assert.rejects(async () => {
        const sink = await open({ table: shape, to, deliveryGuarantee: "exactly-once", state: fileState(state) });
        await sink.committed();
        await sink.close();
      }, coded("STATE_DAMAGED"));
      assert.deepEqual(to.batches, []);
    },
  },
  {
    name: "log: one process at a time, and a dead one's lock is taken over",
    async run(world) {
      const state = join(world.folder, "locked");
      const { child, line, ended } = startProgram(world, "lock-holder", { STATE: state });
      assert.equal(await line("locked"), "locked");
      await assert.rejects(
        open({ table: shape, to: memory(), state: fileState(state) }),
        (error) => coded("STATE_IN_USE")(error) && String(error).includes(String(child.pid)),
      );
      child.kill("SIGKILL");
      await ended;
      const sink = await open({ table: shape, to: memory(), state: fileState(state) });
      await assert.rejects(open({ table: shape, to: memory(), state: fileState(state) }), coded("STATE_IN_USE"));
      await sink.close();
    },
  },
];
