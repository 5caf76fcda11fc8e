import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { memoryState, stateOn } from "../../src/checkpoint/file-state.ts";
import { memoryDeadLetter } from "../../src/deliver/dead-letter.ts";
import type { Destination } from "../../src/destination/destination.ts";
import { memory } from "../../src/destination/memory.ts";
import { MillraceError } from "../../src/errors.ts";
import { listen } from "../../src/events.ts";
import { memoryDisk } from "../../src/log/memory-disk.ts";
import { open } from "../../src/open.ts";
import { run } from "../../src/run/run.ts";
import { k, table } from "../../src/schema/table.ts";
import { iterable } from "../../src/source/iterable.ts";
import type { Positions, Slice, Source } from "../../src/source/source.ts";
import { rowsOf } from "../rows-of.ts";

const events = table("Events", { n: k.int() });

/** A source of given slices that remembers what was acknowledged and when. */
function slices(list: Slice<{ n: number }>[], log: string[]): Source<{ n: number }> {
  return {
    name: "slices",
    recovery: "position",
    prefetch: 0,
    async *read() {
      for (const slice of list) {
        log.push(`read ${slice.partition}@${slice.position}`);
        yield slice;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    async acknowledge(positions: Positions) {
      log.push(`acknowledge ${JSON.stringify(positions)}`);
    },
    async close() {
      log.push("close");
    },
  };
}

test("a source runs to its end; it is acknowledged after a checkpoint and closed", async () => {
  const to = memory();
  const sink = await open({ table: events, to });
  const log: string[] = [];
  const summary = await run({
    from: slices(
      [
        { partition: "a", position: 2, records: [{ n: 1 }, { n: 2 }], bytes: 10 },
        { partition: "b", position: 1, records: [{ n: 3 }], bytes: 5 },
      ],
      log,
    ),
    into: sink,
  });
  assert.deepEqual(log, ["read a@2", "read b@1", 'acknowledge {"a":2,"b":1}', "close"]);
  assert.deepEqual(summary.positions, { a: 2, b: 1 });
  assert.equal(summary.read, 3);
  assert.equal(summary.sourceBytes, 15);
  assert.equal(summary.stats.delivered, 3);
  await sink.close();
});

test("checkpointMs makes checkpoints on the way", async () => {
  const sink = await open({ table: events, to: memory() });
  const log: string[] = [];
  const list = Array.from({ length: 5 }, (_, n) => ({ partition: "a", position: n, records: [{ n }] }));
  const summary = await run({ from: slices(list, log), into: sink, checkpointMs: 1 });
  assert.ok(summary.checkpoints > 2, `${summary.checkpoints} checkpoints`);
  assert.ok(log.indexOf('acknowledge {"a":0}') < log.indexOf("read a@4"));
  await sink.close();
});

test("what the source could not read goes to the dead letter with its place; its neighbours arrive", async () => {
  const to = memory();
  const deadLetter = memoryDeadLetter();
  const sink = await open({ table: events, to, deadLetter });
  const summary = await run({
    from: slices(
      [
        {
          partition: "f",
          position: 4,
          records: [{ n: 1 }, { n: 2.5 }, { n: 3 }],
          refused: [{ place: "f:2", reason: "not JSON", original: "{oops" }],
          placeOf: (i) => `f:${[1, 3, 4][i]}`,
        },
      ],
      [],
    ),
    into: sink,
  });
  await sink.close();
  assert.equal(summary.read, 4);
  assert.deepEqual(
    deadLetter.letters.map((letter) => letter.place),
    ["f:2", "f:3"],
  );
  assert.deepEqual(
    to.batches.flatMap(rowsOf).map(([n]) => n),
    ["1", "3"],
  );
});

test("without a dead letter the first bad record ends the run, and the source is closed", async () => {
  const sink = await open({ table: events, to: memory() });
  const log: string[] = [];
  await assert.rejects(
    run({ from: slices([{ partition: "f", position: 1, records: [{ n: 0.5 }] }], log), into: sink }),
    (error: unknown) => error instanceof MillraceError && error.code === "RECORD_REFUSED",
  );
  assert.equal(log.at(-1), "close");
  await sink.abort();
});

test("through() turns what is read into what is written", async () => {
  const to = memory();
  const sink = await open({ table: events, to });
  await run({ from: iterable(["1", "2"]), into: sink, through: (text) => ({ n: Number(text) }) });
  await sink.close();
  assert.deepEqual(to.batches.flatMap(rowsOf), [["1"], ["2"]]);
});

test("the signal ends a run", async () => {
  const sink = await open({ table: events, to: memory() });
  const controller = new AbortController();
  function* forever() {
    for (let n = 0; ; n++) yield { n: n % 1000 };
  }
  setTimeout(() => controller.abort(), 20);
  await assert.rejects(
    run({ from: iterable(forever()), into: sink, signal: controller.signal }),
    (error: unknown) => error instanceof MillraceError && error.code === "ABORTED",
  );
  await sink.abort();
});

/** A source that gives one record and then nothing more, and does not listen to the signal. */
function silent(log: string[]): Source<{ n: number }> {
  return {
    name: "silent",
    recovery: "position",
    async *read() {
      yield { partition: "a", position: 1, records: [{ n: 1 }] };
      await new Promise(() => {});
    },
    async acknowledge(positions: Positions) {
      log.push(JSON.stringify(positions));
    },
  };
}

test("a source that falls silent is acknowledged all the same, once, and an abort does not wait for it", async () => {
  const sink = await open({ table: events, to: memory() });
  const stop = new AbortController();
  const log: string[] = [];
  const running = run({ from: silent(log), into: sink, checkpointMs: 10, signal: stop.signal });
  while (log.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setTimeout(resolve, 50));
  stop.abort();
  await assert.rejects(running, { code: "ABORTED" });
  assert.deepEqual(log, ['{"a":1}']);
  assert.equal(sink.stats.checkpoints, 1);
  await sink.close();
});

test("a sink that fails ends the run while the source is silent", async () => {
  const well = memory();
  const ill: Destination = {
    name: "ill",
    open: async (context) => ({
      ...(await well.open(context)),
      stage: async () => {
        throw new MillraceError("BAD_REQUEST", "the service said no");
      },
    }),
  };
  const sink = await open({ table: events, to: ill });
  await assert.rejects(run({ from: silent([]), into: sink, checkpointMs: 10 }), /the service said no/);
  await sink.abort();
});

test("stop ends a run in good order: what was read is delivered and acknowledged, and nothing more is read", async () => {
  const to = memory();
  const sink = await open({ table: events, to });
  const stop = new AbortController();
  const log: string[] = [];
  const source = slices(
    [1, 2, 3].map((n) => ({ partition: "a", position: n, records: [{ n }] })),
    log,
  );
  const summary = await run({
    from: source,
    into: sink,
    stop: stop.signal,
    onProgress: ({ read }) => {
      if (read === 2) stop.abort();
    },
  });
  assert.deepEqual(log, ["read a@1", "read a@2", 'acknowledge {"a":2}', "close"]);
  assert.deepEqual([summary.isStopped, summary.read, summary.stats.delivered], [true, 2, 2]);
  assert.deepEqual(to.batches.flatMap(rowsOf), [["1"], ["2"]]);

  const whole = await run({ from: iterable([{ n: 4 }]), into: sink, stop: new AbortController().signal });
  assert.equal(whole.isStopped, false);
  const none = await run({ from: iterable([{ n: 5 }]), into: sink, stop: AbortSignal.abort() });
  assert.deepEqual([none.isStopped, none.read], [true, 0]);
  await sink.close();
});

test("stop does not wait for a silent source, and the signal still aborts what follows", async () => {
  const sink = await open({ table: events, to: memory() });
  const stop = new AbortController();
  const running = run({ from: silent([]), into: sink, stop: stop.signal });
  while (sink.stats.accepted === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  stop.abort();
  const { isStopped, stats } = await running;
  assert.deepEqual([isStopped, stats.delivered], [true, 1]);
  await sink.close();

  // A destination that never answers: only the signal ends the wait for it.
  const well = memory();
  const mute: Destination = {
    name: "mute",
    open: async (context) => ({ ...(await well.open(context)), stage: () => new Promise<never>(() => {}) }),
  };
  const now = new AbortController();
  const other = await open({ table: events, to: mute, signal: now.signal });
  const again = run({ from: silent([]), into: other, stop: AbortSignal.timeout(20), signal: now.signal });
  while (other.stats.batchesInFlight === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  now.abort();
  await assert.rejects(again, { code: "ABORTED" });
  await other.abort();
});

test("stop lets a source that cannot be read again give what it holds", async () => {
  const to = memory();
  const sink = await open({ table: events, to });
  const stop = new AbortController();
  let onStop!: () => void;
  const stopped = new Promise<void>((resolve) => {
    onStop = resolve;
  });
  const source: Source<{ n: number }> = {
    name: "buffered",
    recovery: "none",
    async *read() {
      yield { partition: "a", position: 1, records: [{ n: 1 }] };
      await stopped;
      await new Promise((resolve) => setTimeout(resolve, 20));
      yield { partition: "a", position: 2, records: [{ n: 2 }] };
    },
    stop: () => onStop(),
  };
  const running = run({ from: source, into: sink, stop: stop.signal });
  while (sink.stats.accepted === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  stop.abort();
  assert.equal((await running).read, 2);
  await sink.close();
  assert.deepEqual(to.batches.flatMap(rowsOf), [["1"], ["2"]]);
});

test("stop: records in the buffer of a Node stream arrive", async () => {
  const to = memory();
  const sink = await open({ table: events, to });
  const stop = new AbortController();
  const stream = new Readable({ objectMode: true, highWaterMark: 100, read() {} });
  stream.push({ n: 1 });
  const running = run({ from: iterable<{ n: number }>(stream), into: sink, stop: stop.signal });
  while (sink.stats.accepted === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  for (let n = 2; n <= 50; n++) stream.push({ n });
  stop.abort();
  assert.equal((await running).read, 50);
  await sink.close();
  assert.equal(to.batches.flatMap(rowsOf).length, 50);
});

test("stop ends an iterator that never waits", async () => {
  const sink = await open({ table: events, to: memory() });
  async function* forever() {
    for (let n = 0; ; n++) yield { n: n % 1000 };
  }
  for (const records of [forever(), forEver()]) {
    const stop = new AbortController();
    const before = sink.stats.delivered;
    setTimeout(() => stop.abort(), 20);
    const { read, stats } = await run({ from: iterable<{ n: number }>(records), into: sink, stop: stop.signal });
    assert.equal(stats.delivered - before, read);
  }
  await sink.close();

  function* forEver() {
    for (let n = 0; ; n++) yield { n: n % 1000 };
  }
});

test("when a source that cannot be read again fails, what it gave before is delivered, and its own error is thrown", async () => {
  const to = memory();
  const sink = await open({ table: events, to });
  const source: Source<{ n: number }> = {
    name: "breaking",
    recovery: "none",
    async *read() {
      yield { partition: "a", position: 1, records: [{ n: 1 }] };
      throw new MillraceError("BAD_SOURCE", "the wire was cut");
    },
  };
  await assert.rejects(run({ from: source, into: sink }), { code: "BAD_SOURCE" });
  assert.deepEqual(to.batches.flatMap(rowsOf), [["1"]]);
  await sink.abort();
});

test("positions of a source that cannot be read again are neither stored nor given back", async () => {
  const disk = memoryDisk();
  const to = memory();
  const reopen = () => open({ table: events, to, deliveryGuarantee: "exactly-once", state: stateOn(disk, "state") });
  const from: unknown[] = [];
  const source = (n: number): Source<{ n: number }> => ({
    name: "once",
    recovery: "none",
    async *read(positions) {
      from.push(positions);
      yield { partition: "stdin", position: n, records: [{ n }] };
    },
  });
  for (const n of [1, 2]) {
    const sink = await reopen();
    assert.deepEqual(sink.restored?.positions, {});
    const { positions } = await run({ from: source(n), into: sink });
    assert.deepEqual(positions, { stdin: n });
    await sink.close();
  }
  // Also where the state has positions of another source.
  const sink = await reopen();
  await sink.checkpoint({ positions: { stdin: 7, other: 1 } });
  await run({ from: source(3), into: sink });
  assert.deepEqual(sink.restored?.positions, { stdin: 7, other: 1 });
  await sink.close();
  assert.deepEqual(from, [{}, {}, {}]);
  assert.deepEqual(to.batches.flatMap(rowsOf), [["1"], ["2"], ["3"]]);
});

test("refusals alone do not outrun the dead letter", async () => {
  let waiting = 0;
  let most = 0;
  const deadLetter = {
    async write() {
      most = Math.max(most, ++waiting);
      await new Promise((resolve) => setTimeout(resolve, 1));
      waiting--;
    },
    async close() {},
  };
  const sink = await open({ table: events, to: memory(), deadLetter });
  const refused = Array.from({ length: 100 }, (_, i) => ({ place: `f:${i}`, reason: "not JSON", original: "" }));
  const list = Array.from({ length: 20 }, (_, position) => ({ partition: "f", position, records: [], refused }));
  await run({
    from: {
      name: "bad",
      recovery: "position",
      read: async function* () {
        yield* list;
      },
    },
    into: sink,
  });
  assert.ok(most <= 400, `${most} letters at once`);
  assert.equal(sink.stats.rejected, 2_000);
  await sink.close();
});

test("positions of other partitions that a slice moves are stored with its own", async () => {
  const state = memoryState();
  const open_ = () => open({ table: events, to: memory(), state });
  const sink = await open_();
  const from = slices(
    [
      { partition: "b", position: 7, records: [{ n: 1 }] },
      { partition: "b.1", position: 7, records: [], moved: { b: null, c: { byte: 3 } } },
    ],
    [],
  );
  const { positions } = await run({ from, into: sink });
  assert.deepEqual(positions, { b: null, "b.1": 7, c: { byte: 3 } });
  await sink.close();
  const next = await open_();
  assert.deepEqual(next.restored?.positions, { b: null, "b.1": 7, c: { byte: 3 } });
  await next.close();
});

test("a source knows whether a state continues it, and leaves a checkpoint when it fails", async () => {
  const failing = (modes: unknown[]): Source<{ n: number }> => ({
    name: "failing",
    recovery: "position",
    async *read(_from, _signal, mode) {
      modes.push(mode?.isContinued);
      yield { partition: "a", position: 1, records: [{ n: 1 }] };
      throw new MillraceError("BAD_SOURCE", "it ends here");
    },
  });
  const state = memoryState();
  for (const given of [state, undefined]) {
    const sink = await open({ table: events, to: memory(), ...(given && { state: given }) });
    const modes: unknown[] = [];
    await assert.rejects(run({ from: failing(modes), into: sink }), { code: "BAD_SOURCE", message: "it ends here" });
    assert.deepEqual(modes, [given !== undefined]);
    await sink.abort(new Error("enough"));
  }
  const next = await open({ table: events, to: memory(), state });
  assert.deepEqual(next.restored?.positions, { a: 1 });
  await next.close();
});

test("what close() of a source throws fails the run, but does not take the place of what ended it", async () => {
  const closing = (read: Source<{ n: number }>["read"]): Source<{ n: number }> => ({
    name: "closing",
    recovery: "none",
    read,
    async close() {
      throw new Error("the connection is gone");
    },
  });
  const told: string[] = [];
  const stop = listen({ "millrace:source:warning": ({ source, message }) => void told.push(`${source}: ${message}`) });
  const sink = await open({ table: events, to: memory() });
  const sound = closing(async function* () {
    yield { partition: "a", position: 1, records: [{ n: 1 }] };
  });
  await assert.rejects(run({ from: sound, into: sink }), { message: "the connection is gone" });
  assert.deepEqual(told, []);
  const broken = closing(async function* () {
    yield { partition: "a", position: 1, records: [{ n: 1 }] };
    throw new Error("the topic was deleted");
  });
  await assert.rejects(run({ from: broken, into: sink }), { message: "the topic was deleted" });
  assert.deepEqual(told, ["closing: close() failed too: the connection is gone"]);
  stop();
  await sink.close();
});
