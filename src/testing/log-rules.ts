import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { SealedBatch } from "../batch/sealed-batch.ts";
import type { LoggedBatch, WriteAheadLog } from "../log/write-ahead-log.ts";
import { refused, refusedWith } from "./expected-error.ts";
import { batchOf, bytesOf, openState, takeOver } from "./open-state.ts";
import type { Rule } from "./rule.ts";
import type { StateUnderTest } from "./state-under-test.ts";

const documented = "docs/api.md#writeaheadlog";

/** Rules of the log of batches that a state has. */
export const logRules: readonly Rule<StateUnderTest>[] = [
  {
    name: "the log: a batch is read as it was appended, before and after reopening",
    documented,
    async check(subject, context) {
      const opened = await openState(subject, context);
      await opened.log.retain(new Set());
      const batches = [batchOf("first"), batchOf("large", 700_000), batchOf("third", 1)];
      const logged: LoggedBatch[] = [];
      for (const batch of batches) logged.push(await opened.log.append(1, batch));
      await opened.log.seal(1);
      for (const [i, batch] of batches.entries()) {
        const { parts: _parts, ...rest } = batch;
        const { epoch, segment, offset, sha256, ...kept } = logged[i]!;
        assert.deepEqual(kept, rest, "append() gives all that is known of the batch");
        assert.equal(epoch, 1);
        assert.equal(typeof segment, "string");
        assert.equal(typeof offset, "number");
        assert.equal(sha256, createHash("sha256").update(bytesOf(batch)).digest("hex"), "the SHA-256 of its bytes");
        await assertRead(opened.log, logged[i]!, batch);
      }
      await opened.close();
      const again = await openState(subject, context);
      // An epoch is stored as JSON.
      const stored: LoggedBatch[] = JSON.parse(JSON.stringify(logged));
      await again.log.retain(new Set(stored.map(({ segment }) => segment)));
      for (const [i, batch] of batches.entries()) await assertRead(again.log, stored[i]!, batch);
    },
  },
  {
    name: "the log: epochs that are open at once do not mix",
    documented,
    async check(subject, context) {
      const { log } = await openState(subject, context);
      await log.retain(new Set());
      const batches = ["1a", "2a", "1b", "2b"].map((id) => batchOf(id));
      const [a1, a2, b1] = await Promise.all([
        log.append(1, batches[0]!),
        log.append(2, batches[1]!),
        log.append(1, batches[2]!),
      ]);
      await log.seal(1);
      const b2 = await log.append(2, batches[3]!);
      await assertRead(log, a1, batches[0]!);
      await assertRead(log, b1, batches[2]!);
      await log.seal(2);
      await log.trim(1);
      await assertRead(log, a2, batches[1]!);
      await assertRead(log, b2, batches[3]!);
    },
  },
  {
    name: "the log: retain() keeps the segments that it is given, and removes all others",
    documented,
    async check(subject, context) {
      const { opened, logged, batches } = await withEpochs(subject, context, 3);
      await opened.close();
      const { log } = await openState(subject, context);
      await log.retain(new Set([logged[1]!.segment]));
      await assertRead(log, logged[1]!, batches[1]!);
      for (const i of [0, 2]) await refused(log.read(logged[i]!), `reading epoch ${i + 1}, which was not retained,`);
    },
  },
  {
    name: "the log: trim() removes the batches of its epoch, and no others",
    documented,
    async check(subject, context) {
      const { opened, logged, batches } = await withEpochs(subject, context, 12);
      await opened.log.trim(1);
      await refused(opened.log.read(logged[0]!), "reading an epoch that was trimmed");
      for (const i of [1, 9, 10, 11]) await assertRead(opened.log, logged[i]!, batches[i]!);
      await opened.log.trim(1);
      await opened.log.trim(99);
    },
  },
  {
    name: "the log: damaged bytes are STATE_DAMAGED, and the batches of other epochs are read",
    documented,
    lacks: ({ damage }) => (damage ? undefined : "damage() is not given, so no byte can be changed"),
    async check(subject, context) {
      const { opened, logged, batches } = await withEpochs(subject, context, 2);
      await opened.close();
      await subject.damage!(logged[0]!);
      const { log } = await openState(subject, context);
      await log.retain(new Set(logged.map(({ segment }) => segment)));
      await refusedWith("STATE_DAMAGED", log.read(logged[0]!), "reading a batch with a changed byte");
      await assertRead(log, logged[1]!, batches[1]!);
    },
  },
  {
    name: "the log: `bytes` counts what is stored, also after reopening",
    documented,
    async check(subject, context) {
      const { opened, logged } = await withEpochs(subject, context, 3);
      const packed = logged.reduce((sum, { packedBytes }) => sum + packedBytes, 0);
      const all = opened.log.bytes;
      assert.ok(all >= packed, `${all} bytes are counted, and ${packed} were appended`);
      await opened.close();
      const { log } = await openState(subject, context);
      await log.retain(new Set(logged.map(({ segment }) => segment)));
      assert.equal(log.bytes, all, "after reopening");
      await log.trim(2);
      const left = log.bytes;
      assert.ok(left <= all - logged[1]!.packedBytes && left > 0, `${left} of ${all} bytes after trim()`);
      await log.trim(1);
      await log.trim(3);
      assert.equal(log.bytes, 0, "nothing is stored any more");
    },
  },
  {
    name: "the log: an older lease changes no byte of the newer one's",
    documented,
    async check(subject, context) {
      const older = await openState(subject, context);
      await older.log.retain(new Set());
      await older.log.append(1, batchOf("begun by the older"));
      const newer = await takeOver(subject, context);
      await newer.log.retain(new Set());
      const batch = batchOf("of the newer");
      const logged = await newer.log.append(1, batch);
      for (const act of [
        () => older.log.append(1, batchOf("late, of the older")),
        () => older.log.seal(1),
        () => older.log.append(2, batchOf("the next, of the older")),
      ])
        await act().catch(() => {});
      await newer.log.seal(1);
      await assertRead(newer.log, logged, batch);
    },
  },
];

/** A log with a sealed epoch for each number from 1, of one batch. */
async function withEpochs(subject: StateUnderTest, context: Parameters<typeof openState>[1], count: number) {
  const opened = await openState(subject, context);
  await opened.log.retain(new Set());
  const batches = Array.from({ length: count }, (_, i) => batchOf(`of epoch ${i + 1}`, 500 * (i + 1)));
  const logged: LoggedBatch[] = [];
  for (const [i, batch] of batches.entries()) {
    logged.push(await opened.log.append(i + 1, batch));
    await opened.log.seal(i + 1);
  }
  return { opened, logged, batches };
}

async function assertRead(log: WriteAheadLog, logged: LoggedBatch, batch: SealedBatch): Promise<void> {
  const read = await log.read(logged);
  assert.ok(bytesOf(batch).equals(read), `batch ${batch.id} is not read as it was appended`);
}
