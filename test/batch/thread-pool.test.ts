import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import type { SubtaskHooks, SubtaskPort, SubtaskRestart } from "../../src/batch/subtask-port.ts";
import { type StartWorker, sharedThreads, threadPool } from "../../src/batch/thread-pool.ts";
import { threadedSubtask } from "../../src/batch/threaded-subtask.ts";
import { memory } from "../../src/destination/memory.ts";
import { compilePacker } from "../../src/encode/packer.ts";
import { embeddedWasm } from "../../src/encode/wasm-embedded.ts";
import type { MillraceError } from "../../src/errors.ts";
import { open } from "../../src/open.ts";
import { k, table } from "../../src/schema/table.ts";
import { until } from "../gated.ts";
import { textOf } from "../rows-of.ts";

const numbers = table("Numbers", { n: k.int() });

/** A subtask beside others on a pool, and what became of it. */
function subtaskOn(threads: ReturnType<typeof threadPool>, index = 0, owner?: SubtaskHooks) {
  const seen = { rows: 0, cuts: 0, failures: [] as MillraceError[], restarts: [] as SubtaskRestart[] };
  const hooks: SubtaskHooks = owner ?? {
    onSegment(_, segment) {
      seen.rows += segment.rows;
    },
    onEncoded() {},
    onRawEncoded() {},
    onDone() {},
    onCut() {
      seen.cuts++;
    },
    onRestarted: (restart) => seen.restarts.push(restart),
    onFailed: (error) => seen.failures.push(error),
  };
  const plan = { table: "Numbers", format: "csv", maxRows: 1e6, index, hasOwnBatch: true, segmentBytes: 1e6 } as const;
  const start = {
    plan,
    table: { name: "Numbers", list: numbers.list },
    limits: { maxRows: 1e6, maxBytes: 1e6 },
    gzipLevel: 1,
    wasm: embeddedWasm(),
  } as const;
  const port = threadedSubtask(start, hooks, { most: 3, withinMs: 60_000 }, threads);
  return { port, seen, hooks };
}

function chunkOf(...values: readonly number[]) {
  const packer = compilePacker(numbers, { format: "csv", maxRecordBytes: 1_000 });
  for (const n of values) packer.pack({ n });
  return packer.take()!;
}

/** No packer makes such a chunk: its rows lie outside its tape, and the encoder throws. */
const poison = () => ({ ...chunkOf(1), rows: 50, tape: new ArrayBuffer(0), tapeBytes: 2 ** 31 });

const cutOf = async ({ port, seen }: { port: SubtaskPort; seen: { cuts: number } }) => {
  const { cuts } = seen;
  port.cut();
  await until(() => seen.cuts > cuts, "the cut");
};

test("subtasks of different owners share threads, those of one owner stand on threads of their own", async () => {
  const threads = threadPool(undefined, 2);
  const first = subtaskOn(threads);
  assert.equal(threads.size, 1);
  const more = Array.from({ length: 20 }, () => subtaskOn(threads));
  assert.equal(threads.size, 2);
  // Three of one owner, beyond what is shared otherwise.
  const wide = [0, 1, 2].map((index) => subtaskOn(threads, index, first.hooks));
  assert.equal(threads.size, 4);
  for (const { port } of [...wide, ...more]) await port.close();
  assert.equal(threads.size, 1);
  await first.port.close();
  assert.equal(threads.size, 0);
});

test("a subtask that fails on a shared thread harms no other, and ends after so many threads", async () => {
  const threads = threadPool(undefined, 1);
  const [good, bad] = [subtaskOn(threads), subtaskOn(threads)];
  good.port.submit(chunkOf(1, 2), 0);
  bad.port.submit(poison(), 0);
  good.port.submit(chunkOf(3), 0);
  await until(() => bad.seen.failures.length > 0, "the failure");
  await cutOf(good);
  assert.equal(good.seen.rows, 3);
  assert.deepEqual([good.seen.failures.length, good.seen.restarts.length], [0, 0]);
  assert.equal(bad.seen.restarts.length, 3);
  assert.match(bad.seen.failures[0]!.message, /Subtask 0 of table Numbers ended: /);
  for (const { port } of [bad, good]) await port.close();
  assert.equal(threads.size, 0);
});

test("rows that kill their thread are done alone from then on: their neighbours lose one thread, and no row", async () => {
  // A request whose rows say so ends the thread, as a lack of memory would.
  const killing: StartWorker = (text, options) =>
    new Worker(
      `{ const { parentPort } = require("node:worker_threads"); const on = parentPort.on.bind(parentPort);
         parentPort.on = (name, listener) => on(name, (given) => {
           if (given.message.do === "encode" && given.message.job.chunk.firstRecord === 13) process.exit(7);
           listener(given);
         }); }\n${text}`,
      options,
    );
  const threads = threadPool(killing, 1);
  const [good, bad, other] = [subtaskOn(threads), subtaskOn(threads), subtaskOn(threads)];
  bad.port.submit({ ...chunkOf(1), firstRecord: 13, lastRecord: 13 }, 0);
  good.port.submit(chunkOf(1, 2), 0);
  other.port.submit(chunkOf(4), 0);
  await until(() => bad.seen.failures.length > 0, "the failure");
  for (const one of [good, other]) {
    await cutOf(one);
    assert.equal(one.seen.failures.length, 0);
    assert.equal(one.seen.restarts.length, 1);
  }
  assert.deepEqual([good.seen.rows, other.seen.rows], [2, 1]);
  for (const { port } of [bad, good, other]) await port.close();
  assert.equal(threads.size, 0);
});

test("200 sinks stand on a thread for each processor, each delivers in order, and the threads end with the last", async () => {
  const destinations = Array.from({ length: 200 }, () => memory());
  const before = sharedThreads.size;
  const sinks = [];
  for (const to of destinations) sinks.push(await open({ table: numbers, to, batchSize: 100 }));
  const most = Math.max(before, (await import("node:os")).availableParallelism());
  assert.ok(sharedThreads.size <= most, `${sharedThreads.size} threads`);
  for (let n = 0; n < 250; n++) for (const sink of sinks) if (!sink.write({ n })) await sink.ready;
  // One gives up with rows under way; the others do not notice.
  await sinks[0]!.abort(new Error("enough"));
  for (const sink of sinks.slice(1)) await sink.close();
  const expected = Array.from({ length: 250 }, (_, n) => `${n}\n`).join("");
  for (const { batches } of destinations.slice(1)) assert.equal(batches.map(textOf).join(""), expected);
  assert.equal(sharedThreads.size, before);
});

test("a thousand sinks of one process take less than a gigabyte, and the process ends by itself", () => {
  const program = `
    import { memory, open, table, k } from "./src/index.ts";
    const sinks = [];
    let rows = 0;
    (async () => {
      const t = table("T", { id: k.long(), name: k.string(), bag: k.dynamic().optional() });
      for (let i = 0; i < 1000; i++) {
        const to = memory();
        sinks.push({ to, sink: await open({ table: t, to }) });
      }
      for (const { sink } of sinks) sink.write({ id: 1, name: "a", bag: { a: 1 } });
      await Promise.all(sinks.map(({ sink }) => sink.flush()));
      const mb = process.memoryUsage().rss / 2 ** 20;
      for (const { sink } of sinks) sink.write({ id: 2, name: "b" });
      await Promise.all(sinks.map(({ sink }) => sink.close()));
      for (const { to } of sinks) for (const batch of to.batches) rows += batch.rows;
      console.log(JSON.stringify({ rows, mb }));
    })();`;
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ["--import", "tsx", "--input-type=module", "--eval", program],
    { encoding: "utf8" },
  );
  assert.equal(status, 0, stderr);
  const { rows, mb } = JSON.parse(stdout) as { rows: number; mb: number };
  assert.equal(rows, 2_000);
  assert.ok(mb < 1_024, `${mb} MiB`);
});
