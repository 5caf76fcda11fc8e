import assert from "node:assert/strict";
import { test } from "node:test";
import type { SealedBatch } from "../../src/batch/sealed-batch.ts";
import type { SubtaskPort } from "../../src/batch/subtask-port.ts";
import { workerSubtask } from "../../src/batch/worker-subtask.ts";
import { compilePacker } from "../../src/encode/packer.ts";
import type { RawTally } from "../../src/encode/raw-slab.ts";
import { embeddedWasm } from "../../src/encode/wasm-embedded.ts";
import { MillraceError } from "../../src/errors.ts";
import { k, table } from "../../src/schema/table.ts";
import { textOf } from "../rows-of.ts";

const numbers = table("Numbers", { n: k.int() });

interface Seen {
  readonly sealed: SealedBatch[];
  readonly failures: MillraceError[];
  readonly tallies: RawTally[];
  encoded: number;
}

function start(wasm: Uint8Array | undefined): { subtask: SubtaskPort; seen: Seen } {
  const seen: Seen = { sealed: [], failures: [], tallies: [], encoded: 0 };
  const subtask = workerSubtask(
    {
      plan: { table: "Numbers", format: "csv", maxRows: 100, index: 3 },
      table: { name: numbers.name, list: numbers.list },
      limits: { maxRows: 100, maxBytes: 10_000 },
      gzipLevel: 1,
      wasm,
    },
    {
      onSealed: (batch) => seen.sealed.push(batch),
      onEncoded: () => seen.encoded++,
      onRawEncoded: (_subtask, _bytes, tally) => seen.tallies.push(tally),
      onFailed: (error) => seen.failures.push(error),
    },
  );
  return { subtask, seen };
}

function chunkOf(values: number[]) {
  const packer = compilePacker(numbers, { format: "csv", maxRecordBytes: 1_000 });
  for (const n of values) packer.pack({ n });
  return packer.take()!;
}

for (const [encoder, wasm] of [
  ["WebAssembly", embeddedWasm()],
  ["JavaScript", undefined],
] as const)
  test(`a worker seals what it was given, in order, by the ${encoder} encoder`, async () => {
    const { subtask, seen } = start(wasm);
    subtask.submit(chunkOf([1, 2]), 10);
    subtask.submit(chunkOf([3]), 20);
    assert.equal(subtask.outstanding, 2);
    assert.equal(subtask.oldest, 10);
    await subtask.seal("flush");
    assert.equal(seen.encoded, 2);
    assert.equal(subtask.outstanding, 0);
    assert.equal(subtask.oldest, undefined);
    assert.deepEqual(seen.sealed.map(textOf), ["1\n2\n3\n"]);
    assert.equal(seen.sealed[0]!.subtask, 3);
    await subtask.close();
    assert.deepEqual(seen.failures, []);
  });

test("a worker that dies is one error that names it, and no wait is left hanging", async () => {
  const { subtask, seen } = start(embeddedWasm());
  // No packer makes such a chunk: its rows lie outside its tape, and the encoder throws.
  subtask.submit({ ...chunkOf([1]), rows: 50, tape: new ArrayBuffer(0), tapeBytes: 2 ** 31 }, 0);
  await assert.rejects(
    subtask.seal("flush"),
    (error: unknown) =>
      error instanceof MillraceError &&
      error.code === "SUBTASK_FAILED" &&
      /Subtask 3 of table Numbers/.test(error.message),
  );
  assert.equal(seen.failures.length, 1);
  assert.throws(() => subtask.submit(chunkOf([2]), 0), /Subtask 3/);
  await assert.rejects(subtask.seal("flush"), /Subtask 3/);
  await subtask.close();
});

test("closing ends the waits of a seal that has not been answered", async () => {
  const { subtask } = start(embeddedWasm());
  subtask.submit(chunkOf([1]), 0);
  const sealed = subtask.seal("flush").then(
    () => "sealed",
    (error: MillraceError) => error.code,
  );
  await subtask.close();
  assert.equal(await sealed, "CLOSED");
});
