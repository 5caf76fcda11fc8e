import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { type Batcher, batcher } from "../../src/batch/batcher.ts";
import type { SealedBatch } from "../../src/batch/sealed-batch.ts";
import type { SubtaskPort, SubtaskRestart } from "../../src/batch/subtask-port.ts";
import { type StartWorker, threadPool } from "../../src/batch/thread-pool.ts";
import { threadedSubtask } from "../../src/batch/threaded-subtask.ts";
import { compilePacker } from "../../src/encode/packer.ts";
import { rawCutter } from "../../src/encode/raw-cutter.ts";
import { rawPacker } from "../../src/encode/raw-packer.ts";
import { embeddedWasm } from "../../src/encode/wasm-embedded.ts";
import { MillraceError } from "../../src/errors.ts";
import { k, table } from "../../src/schema/table.ts";
import { until } from "../gated.ts";
import { textOf } from "../rows-of.ts";

const numbers = table("Numbers", { n: k.int() });

interface Setting {
  readonly wasm?: Uint8Array | undefined;
  readonly parallelism?: number;
  readonly batchPerSubtask?: boolean;
  readonly maxRows?: number;
  readonly maxBytes?: number;
  readonly segmentBytes?: number;
  readonly rowsPerChunk?: number;
  readonly restarts?: { readonly most: number; readonly withinMs: number };
  readonly startThread?: StartWorker;
}

interface Seen {
  readonly sealed: SealedBatch[];
  readonly failures: MillraceError[];
  readonly restarts: SubtaskRestart[];
  readonly refused: number[];
  rawTaken: number;
}

/** A batcher over real threads. */
function start(setting: Setting): { work: Batcher<{ n: number }>; subtasks: SubtaskPort[]; seen: Seen } {
  const { parallelism = 1, batchPerSubtask = true, maxRows = 1_000_000, maxBytes = 1_000_000, startThread } = setting;
  const { rowsPerChunk = 256, segmentBytes = 10_000, restarts = { most: 3, withinMs: 60_000 } } = setting;
  const wasm = "wasm" in setting ? setting.wasm : embeddedWasm();
  const threads = startThread && threadPool(startThread);
  const seen: Seen = { sealed: [], failures: [], restarts: [], refused: [], rawTaken: 0 };
  const shape = { table: "Numbers", format: "csv", maxRows, maxBytes } as const;
  const packer = compilePacker(numbers, { format: "csv", maxRecordBytes: maxBytes });
  let subtasks: SubtaskPort[] = [];
  const work = batcher<{ n: number }>(
    { ...shape, intervalMs: 0, rowsPerChunk, batchPerSubtask },
    packer,
    (handOver) =>
      rawPacker(
        { cut: rawCutter("csv", maxBytes, () => undefined), maxRowBytes: maxBytes, rawChunkBytes: 2_000 },
        handOver,
      ),
    (hooks) => {
      subtasks = Array.from({ length: parallelism }, (_, index) =>
        threadedSubtask(
          {
            plan: { ...shape, index, hasOwnBatch: batchPerSubtask || parallelism === 1, segmentBytes },
            table: { name: numbers.name, list: numbers.list },
            limits: { maxRows, maxBytes },
            gzipLevel: 1,
            wasm,
          },
          hooks,
          restarts,
          threads,
        ),
      );
      return subtasks;
    },
    {
      onSealed: (batch) => seen.sealed.push(batch as SealedBatch),
      onHandedOver() {},
      onRoom() {},
      onRawTaken(rows) {
        seen.rawTaken += rows;
      },
      onRawRefused: (row) => seen.refused.push(row),
      onRestarted: (restart) => seen.restarts.push(restart),
      onFailed: (error) => seen.failures.push(error),
    },
  );
  return { work, subtasks, seen };
}

function numbersIn(batches: readonly SealedBatch[]): number[] {
  return batches.flatMap((batch) => textOf(batch).trimEnd().split("\n").map(Number));
}

for (const [encoder, wasm] of [
  ["WebAssembly", embeddedWasm()],
  ["JavaScript", undefined],
] as const)
  test(`a worker seals what it was given, in order, by the ${encoder} encoder`, async () => {
    const { work, subtasks, seen } = start({ wasm, rowsPerChunk: 2 });
    for (const n of [1, 2, 3]) work.write({ n }, undefined);
    assert.equal(subtasks[0]!.outstanding, 1);
    await work.seal("flush");
    assert.equal(subtasks[0]!.outstanding, 0);
    assert.equal(subtasks[0]!.oldest, undefined);
    assert.deepEqual(seen.sealed.map(textOf), ["1\n2\n3\n"]);
    assert.deepEqual([seen.sealed[0]!.firstRecord, seen.sealed[0]!.lastRecord], [0, 2]);
    await work.close();
    assert.deepEqual(seen.failures, []);
  });

/** The worker's text with a fault in front: the thread ends at its `at`-th message in, or out. */
function dying(side: "in" | "out", at: number, how: "exit" | "throw"): (text: string) => string {
  const end = how === "exit" ? "process.exit(7);" : 'throw new Error("out of luck");';
  const fault = `{
    const { parentPort } = require("node:worker_threads");
    let seen = 0;
    const count = () => { if (++seen === ${at}) { ${end} } };
    const on = parentPort.on.bind(parentPort);
    parentPort.on = (name, listener) => on(name, (message) => {
      if (${side === "in"}) count();
      listener(message);
    });
    const post = parentPort.postMessage.bind(parentPort);
    parentPort.postMessage = (...message) => { post(...message); if (${side === "out"}) count(); };
  }
  `;
  return (text) => fault + text;
}

/** Starts threads of which the first ones die, each in its way. */
function dyingThreads(faults: readonly ((text: string) => string)[]): StartWorker {
  let started = 0;
  return (text, options) => new Worker((faults[started++] ?? ((same: string) => same))(text), options);
}

test("a thread that dies costs no record and doubles none, wherever it dies", async () => {
  const fault = fc.record({
    side: fc.constantFrom("in" as const, "out" as const),
    at: fc.integer({ min: 1, max: 25 }),
    how: fc.constantFrom("exit" as const, "throw" as const),
  });
  const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
  let died = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fault, { minLength: 1, maxLength: 3 }),
      fc.record({
        parallelism: fc.integer({ min: 1, max: 2 }),
        batchPerSubtask: fc.boolean(),
        maxRows: fc.constantFrom(7, 100, 1_000_000),
        maxBytes: fc.constantFrom(60, 2_000, 1_000_000),
        segmentBytes: fc.constantFrom(1, 500, 5_000),
        rowsPerChunk: fc.constantFrom(1, 20, 256),
        isWasm: fc.boolean(),
      }),
      fc.array(
        fc.oneof({ weight: 4, arbitrary: fc.nat(150) }, { weight: 1, arbitrary: fc.constant("flush" as const) }),
        {
          maxLength: 8,
        },
      ),
      fc.boolean(),
      async (faults, setting, steps, isRaw) => {
        const startThread = dyingThreads(faults.map(({ side, at, how }) => dying(side, at, how)));
        const { work, seen } = start({ ...setting, wasm: setting.isWasm ? embeddedWasm() : undefined, startThread });
        let n = 0;
        let sound = 0;
        const refused: number[] = [];
        for (const [i, step] of steps.entries()) {
          if (step === "flush") await work.seal("flush");
          else if (isRaw && i % 2 === 0) {
            // Rows of the wrong width, and sound ones between them.
            const rows = Array.from({ length: step }, () => (n++ % 5 === 3 ? `${n - 1},x\n` : `${n - 1}\n`));
            for (const row of rows) {
              if (row.includes("x")) refused.push(sound + refused.length);
              else sound++;
            }
            work.writeRaw(rows.join(""));
          } else for (let j = 0; j < step; j++) work.write({ n: n++ }, undefined);
        }
        const taken = await work.seal("flush");
        await work.close();
        assert.deepEqual(seen.failures, []);
        died += seen.restarts.length;
        assert.equal(taken, sound);
        assert.equal(seen.rawTaken, sound);
        assert.deepEqual(seen.refused, refused);
        const came = numbersIn(seen.sealed);
        const rejected = new Set<number>();
        if (isRaw)
          for (let i = 0, at = 0; i < steps.length; i++) {
            const step = steps[i]!;
            if (step === "flush") continue;
            if (i % 2 === 0) for (let j = at; j < at + step; j++) if (j % 5 === 3) rejected.add(j);
            at += step;
          }
        const expected = Array.from({ length: n }, (_, i) => i).filter((i) => !rejected.has(i));
        // One subtask, or several that fill one batch: the order is that of the records.
        if (setting.parallelism === 1 || !setting.batchPerSubtask) assert.deepEqual(came, expected);
        else
          assert.deepEqual(
            [...came].sort((a, b) => a - b),
            expected,
          );
        for (const batch of seen.sealed) {
          assert.ok(batch.rows <= setting.maxRows && batch.rawBytes <= setting.maxBytes);
          if (isRaw) continue;
          // A thread that takes over knows what its batch has already.
          if (setting.parallelism === 1 && batch.sealedBy === "records") assert.equal(batch.rows, setting.maxRows);
          const its = numbersIn([batch]);
          assert.deepEqual([batch.firstRecord, batch.lastRecord, batch.rows], [its[0], its.at(-1), its.length]);
        }
      },
    ),
    { numRuns: 60, seed },
  );
  assert.ok(died >= 20, `only ${died} threads died`);
});

test("a thread that is terminated from outside is replaced, and that is told", async () => {
  const threads: Worker[] = [];
  const startThread: StartWorker = (text, options) => {
    const thread = new Worker(text, options);
    threads.push(thread);
    return thread;
  };
  const { work, seen } = start({ startThread });
  for (let n = 0; n < 1_000; n++) work.write({ n }, undefined);
  await threads[0]!.terminate();
  for (let n = 1_000; n < 2_000; n++) work.write({ n }, undefined);
  await work.seal("flush");
  await work.close();
  assert.deepEqual(
    numbersIn(seen.sealed),
    Array.from({ length: 2_000 }, (_, i) => i),
  );
  const [restart] = seen.restarts;
  assert.equal(seen.restarts.length, 1);
  assert.equal(restart!.subtask, 0);
  assert.equal(restart!.restarts, 1);
  assert.match(restart!.reason, /its thread exited with code/);
});

test("rows that kill every thread end in one error that names the subtask, and no wait is left hanging", async () => {
  const { work, subtasks, seen } = start({});
  work.write({ n: 1 }, undefined);
  const packer = compilePacker(numbers, { format: "csv", maxRecordBytes: 1_000 });
  packer.pack({ n: 1 });
  // No packer makes such a chunk: its rows lie outside its tape, and the encoder throws.
  const poison = { ...packer.take()!, rows: 50, tape: new ArrayBuffer(0), tapeBytes: 2 ** 31 };
  subtasks[0]!.submit(poison, 0);
  await assert.rejects(
    work.seal("flush"),
    (error: unknown) =>
      error instanceof MillraceError &&
      error.code === "SUBTASK_FAILED" &&
      /Subtask 0 of table Numbers ended: .*3 threads before it/.test(error.message),
  );
  assert.equal(seen.restarts.length, 3);
  assert.equal(seen.failures.length, 1);
  assert.throws(() => subtasks[0]!.submit(poison, 0), /Subtask 0/);
  await assert.rejects(work.seal("flush"), /Subtask 0/);
  await work.close();
});

test("closing ends the waits of a seal that has not been answered, and starts no thread again", async () => {
  let started = 0;
  const startThread: StartWorker = (text, options) => {
    started++;
    return new Worker(text, options);
  };
  const { work } = start({ startThread });
  work.write({ n: 1 }, undefined);
  const sealed = work.seal("flush").then(
    () => "sealed",
    (error: MillraceError) => error.code,
  );
  await work.close();
  assert.equal(await sealed, "CLOSED");
  assert.equal(started, 1);
});

test("subtasks that fill one batch each get a part of it", async () => {
  const { work, seen } = start({ parallelism: 3, batchPerSubtask: false, maxBytes: 50_000_000 });
  const rows = 600_000;
  let n = 0;
  while (n < rows) {
    while (n < rows && work.outstanding < 200) work.write({ n: n++ }, undefined);
    await until(() => work.outstanding < 100, "room");
  }
  await work.seal("flush");
  await work.close();
  assert.equal(seen.sealed.length, 1);
  assert.deepEqual(
    numbersIn(seen.sealed),
    Array.from({ length: rows }, (_, i) => i),
  );
});
