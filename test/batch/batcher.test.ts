import assert from "node:assert/strict";
import { test } from "node:test";
import { type Batcher, type BatcherHooks, batcher } from "../../src/batch/batcher.ts";
import { inlineSubtask } from "../../src/batch/inline-subtask.ts";
import type { SubtaskHooks, SubtaskPort } from "../../src/batch/subtask-port.ts";
import { threadedSubtask } from "../../src/batch/threaded-subtask.ts";
import type { Encoder } from "../../src/encode/encoder.ts";
import { jsEncoder } from "../../src/encode/js-encoder.ts";
import { compilePacker } from "../../src/encode/packer.ts";
import { embeddedWasm } from "../../src/encode/wasm-embedded.ts";
import type { MillraceError } from "../../src/errors.ts";
import { k, table } from "../../src/schema/table.ts";
import { until } from "../gated.ts";

const numbers = table("Numbers", { n: k.int() });
const plan = {
  table: "Numbers",
  format: "csv",
  maxRows: 10_000,
  index: 0,
  hasOwnBatch: true,
  segmentBytes: 100_000,
} as const;
const limits = { maxRows: 10_000, maxBytes: 1_000_000 };

interface Seen {
  rows: number;
  readonly failures: MillraceError[];
}

function start(
  intervalMs: number,
  startSubtasks: (hooks: SubtaskHooks) => SubtaskPort[],
): { work: Batcher<{ n: number }>; seen: Seen } {
  const seen: Seen = { rows: 0, failures: [] };
  const hooks: BatcherHooks = {
    onSealed: (batch) => {
      seen.rows += batch.rows;
    },
    onHandedOver() {},
    onRoom() {},
    onRawTaken() {},
    onRawRefused() {},
    onRestarted() {},
    onFailed: (error) => seen.failures.push(error),
  };
  const packer = compilePacker(numbers, { format: "csv", maxRecordBytes: 1_000 });
  const noRaw = () => assert.fail("no raw rows here");
  const batching = { ...plan, maxBytes: 1_000_000, intervalMs, rowsPerChunk: 256, batchPerSubtask: true };
  return { work: batcher(batching, packer, noRaw, startSubtasks, hooks), seen };
}

/** The JavaScript encoder, out of memory at its second chunk. */
function failing(): Encoder {
  const encoder = jsEncoder(numbers, "csv", limits);
  let chunks = 0;
  return Object.create(encoder, {
    append: {
      value(...args: Parameters<Encoder["append"]>) {
        if (++chunks === 2) throw new RangeError("Maximum memory size exceeded");
        return encoder.append(...args);
      },
    },
  });
}

test("an encoder that fails inline is told of, once and for all: no chunk goes missing in silence", async () => {
  const { work, seen } = start(0, (hooks) => [inlineSubtask(plan, failing(), hooks)]);
  for (let n = 0; n < 1_024; n++) work.write({ n }, undefined);
  assert.equal(seen.failures[0]!.code, "SUBTASK_FAILED");
  assert.match(seen.failures[0]!.message, /Subtask 0 of table Numbers ended: Maximum memory size exceeded/);
  await assert.rejects(work.seal("flush"), /Subtask 0/);
  assert.equal(seen.rows, 0, "what was begun before is not passed off as whole");
  await work.close();
});

test("a worker that died does not end the process when the timer hands it the next chunk", async () => {
  let subtask: SubtaskPort | undefined;
  const { work, seen } = start(100, (hooks) => {
    subtask = threadedSubtask(
      { plan, table: { name: "Numbers", list: numbers.list }, limits, gzipLevel: 1, wasm: embeddedWasm() },
      hooks,
    );
    return [subtask];
  });
  const packer = compilePacker(numbers, { format: "csv", maxRecordBytes: 1_000 });
  packer.pack({ n: 1 });
  // No packer makes such a chunk: the encoder throws, and the thread ends.
  subtask!.submit({ ...packer.take()!, rows: 50, tape: new ArrayBuffer(0), tapeBytes: 2 ** 31 }, 0);
  await until(() => seen.failures.length > 0, "the death of the worker");
  work.write({ n: 2 }, undefined);
  await new Promise((resolve) => setTimeout(resolve, 250));
  assert.ok(seen.failures.every((error) => error.code === "SUBTASK_FAILED"));
  await assert.rejects(work.seal("flush"), /Subtask 0/);
  await work.close();
});
