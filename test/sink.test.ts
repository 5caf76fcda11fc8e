import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { test } from "node:test";
import { stateOn } from "../src/checkpoint/file-state.ts";
import { memoryDeadLetter } from "../src/deliver/dead-letter.ts";
import type { Destination } from "../src/destination/destination.ts";
import { memory } from "../src/destination/memory.ts";
import { type ErrorCode, MillraceError } from "../src/errors.ts";
import { memoryDisk } from "../src/log/memory-disk.ts";
import { open } from "../src/open.ts";
import type { SinkOptions } from "../src/options.ts";
import { k, table } from "../src/schema/table.ts";
import type { Sink } from "../src/sink/sink.ts";
import { gated, until } from "./gated.ts";
import { objectsOf, rowsOf } from "./rows-of.ts";

const events = table("Events", { n: k.int(), text: k.string().optional() });
const numbers = table("Numbers", { n: k.int() });
type Event = { n: number; text?: string | null };

function coded(code: ErrorCode, message?: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof MillraceError, String(error));
    assert.equal(error.code, code, error.message);
    if (message) assert.match(error.message, message);
    return true;
  };
}

async function fill(sink: Sink<Event>, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) if (!sink.write({ n })) await sink.ready;
}

for (const parallelism of [0, 1, 2])
  test(`every record arrives once, parallelism ${parallelism}`, async () => {
    const to = memory();
    const sink = await open({ table: events, to, parallelism, batchSize: 100 });
    await fill(sink, 0, 5_000);
    await sink.close();
    const numbers = to.batches.flatMap(rowsOf).map(([n]) => Number(n));
    assert.deepEqual(
      numbers.sort((a, b) => a - b),
      Array.from({ length: 5_000 }, (_, n) => n),
    );
    assert.deepEqual(
      [...new Set(to.batches.map((batch) => batch.id))].length,
      to.batches.length,
      "every batch has its own id",
    );
    const { accepted, delivered, batches, batchesInFlight } = sink.stats;
    assert.deepEqual(
      { accepted, delivered, batchesInFlight },
      { accepted: 5_000, delivered: 5_000, batchesInFlight: 0 },
    );
    assert.equal(batches, to.batches.length);
  });

test("NDJSON is the other format", async () => {
  const to = memory();
  const sink = await open({ table: events, to, format: "ndjson" });
  await sink.writeAll([{ n: 1, text: "a\nb" }, { n: 2 }]);
  await sink.close();
  assert.deepEqual(to.batches.flatMap(objectsOf), [{ n: 1, text: "a\nb" }, { n: 2 }]);
});

for (const parallelism of [0, 1])
  test(`gzipLevel 2 packs the same rows smaller, parallelism ${parallelism}`, async () => {
    const packed = async (options: SinkOptions) => {
      const to = memory();
      const sink = await open({ table: events, to, parallelism, batchSize: 10_000, ...options });
      // Distances of every length: what there is to gain by searching longer.
      for (let n = 0; n < 10_000; n++) {
        const text = `device-${(n * n) % 97} of room ${(n * 31) % 53}, floor ${(n * n * n) % 11}`;
        if (!sink.write({ n, text })) await sink.ready;
      }
      await sink.close();
      assert.equal(to.batches.length, 1);
      return to.batches[0]!;
    };
    const [usual, one, two] = [await packed({}), await packed({ gzipLevel: 1 }), await packed({ gzipLevel: 2 })];
    assert.deepEqual(rowsOf(two), rowsOf(one));
    assert.equal(usual.packedBytes, one.packedBytes, "1 is the default");
    assert.ok(two.packedBytes < one.packedBytes * 0.97, `${two.packedBytes} instead of ${one.packedBytes} bytes`);
  });

for (const parallelism of [0, 1])
  test(`batchSize seals at that many records, without a timer, parallelism ${parallelism}`, async () => {
    const to = memory();
    const sink = await open({ table: events, to, parallelism, batchSize: 1_000, batchIntervalMs: 0 });
    await fill(sink, 0, 2_500);
    await until(() => to.batches.length === 2, "two full batches");
    assert.deepEqual(
      to.batches.map(({ rows, sealedBy }) => ({ rows, sealedBy })),
      [
        { rows: 1_000, sealedBy: "records" },
        { rows: 1_000, sealedBy: "records" },
      ],
    );
    await sink.close();
    assert.deepEqual(
      to.batches.map(({ rows, firstRecord, lastRecord }) => ({ rows, firstRecord, lastRecord })),
      [
        { rows: 1_000, firstRecord: 0, lastRecord: 999 },
        { rows: 1_000, firstRecord: 1_000, lastRecord: 1_999 },
        { rows: 500, firstRecord: 2_000, lastRecord: 2_499 },
      ],
    );
  });

for (const parallelism of [0, 2])
  test(`an idle sink flushes by its timer, parallelism ${parallelism}`, async () => {
    const to = memory();
    const sink = await open({ table: events, to, parallelism, batchIntervalMs: 30 });
    sink.write({ n: 1 });
    await until(() => to.batches.length === 1, "the timer");
    assert.equal(to.batches[0]!.sealedBy, "interval");
    sink.write({ n: 2 });
    await until(() => to.batches.length === 2, "the timer again");
    assert.equal(sink.stats.delivered, 2);
    await sink.close();
    assert.equal(to.batches.length, 2);
  });

test("rows that a full batch left open are flushed by the timer too", async () => {
  const to = memory();
  const sink = await open({ table: events, to, batchSize: 10, batchIntervalMs: 30 });
  await fill(sink, 0, 25);
  await until(() => sink.stats.delivered === 25, "all 25");
  assert.deepEqual(
    to.batches.map((batch) => batch.rows),
    [10, 10, 5],
  );
  await sink.close();
});

for (const parallelism of [0, 1])
  test(`clientBatchSizeLimit bounds every batch and splits no record, parallelism ${parallelism}`, async () => {
    const to = memory();
    const sink = await open({ table: events, to, parallelism, clientBatchSizeLimit: 1_000, batchSize: 100_000 });
    const records = Array.from({ length: 500 }, (_, n) => ({ n, text: "é".repeat(n % 90) }));
    await sink.writeAll(records);
    await sink.close();
    for (const batch of to.batches) assert.ok(batch.rawBytes <= 1_000, `${batch.rawBytes} bytes`);
    assert.ok(to.batches.slice(0, -1).every((batch) => batch.sealedBy === "bytes" && batch.rawBytes > 800));
    assert.deepEqual(
      to.batches.flatMap(rowsOf),
      records.map(({ n, text }) => [String(n), text]),
    );
  });

test("a record larger than the limit is refused by name, and its neighbours arrive", async () => {
  const to = memory();
  const sink = await open({ table: events, to, clientBatchSizeLimit: 100 });
  sink.write({ n: 1, text: "a" });
  assert.throws(() => sink.write({ n: 2, text: "x".repeat(98) }), coded("RECORD_REFUSED", /Events.*10[0-9].*100/));
  sink.write({ n: 3, text: "b" });
  await sink.close();
  assert.deepEqual(to.batches.flatMap(rowsOf), [
    ["1", "a"],
    ["3", "b"],
  ]);
  assert.equal(sink.stats.rejected, 1);
});

test("a record that does not fit is refused with table, column, value and place", async () => {
  const to = memory();
  const sink = await open({ table: events, to });
  sink.write({ n: 1 });
  assert.throws(
    () => sink.write({ n: 2 ** 40 }, "events.ndjson:17"),
    coded("RECORD_REFUSED", /Events.*\bn\b.*1099511627776.*|events\.ndjson:17/),
  );
  sink.write({ n: 2 });
  await sink.close();
  assert.deepEqual(
    to.batches.flatMap(rowsOf).map(([n]) => n),
    ["1", "2"],
  );
});

test("with a dead letter, refused records go there and nothing is thrown", async () => {
  const to = memory();
  const deadLetter = memoryDeadLetter();
  const sink = await open({ table: events, to, deadLetter });
  await sink.writeAll([{ n: 1 }, { n: "two" }, { n: 3 }] as Event[]);
  sink.reject({ place: "f.csv:9", reason: "3 fields, expected 2", original: "a,b,c" });
  await sink.flush();
  assert.equal(deadLetter.letters.length, 2);
  assert.equal(deadLetter.letters[0]!.record, 1);
  assert.match(deadLetter.letters[0]!.reason, /\bn\b/);
  assert.equal(deadLetter.letters[1]!.place, "f.csv:9");
  assert.equal(sink.stats.rejected, 2);
  await sink.close();
  assert.equal(sink.stats.delivered, 2);
});

test("write() returns false when maxBatchesInFlight wait, ready waits for one to be taken, and all arrive", async () => {
  const to = gated();
  const sink = await open({ table: events, to, parallelism: 0, batchSize: 1, maxBatchesInFlight: 3 });
  // It may also return false for holding the event loop, on a slow machine; then `ready` waits for one turn.
  for (const n of [1, 2]) if (!sink.write({ n })) await sink.ready;
  assert.equal(sink.write({ n: 3 }), false);
  await until(() => to.waiting.length === 3, "three batches at the gate");
  let isReady = false;
  const ready = sink.ready.then(() => {
    isReady = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(isReady, false);
  to.release();
  await ready;
  to.release();
  to.release();
  await sink.close();
  assert.equal(to.taken.length, 3);
});

/** A destination whose batches take a while, and what it saw. */
function slow(ms: number, failures: (first: number) => number = () => 0) {
  const begun: number[] = [];
  const taken: number[] = [];
  const failed = new Map<number, number>();
  let atOnce = 0;
  let most = 0;
  const to: Destination = {
    name: "slow",
    database: "d",
    async open() {
      return {
        async stage(batch) {
          const first = Number(rowsOf(batch)[0]![0]);
          begun.push(first);
          most = Math.max(most, ++atOnce);
          await new Promise((resolve) => setTimeout(resolve, ms));
          atOnce--;
          const times = failed.get(first) ?? 0;
          failed.set(first, times + 1);
          if (times < failures(first)) throw new MillraceError("UNREACHABLE", "it broke", { retryable: true });
          taken.push(first);
          return { id: batch.id, place: "p", rows: batch.rows, rawBytes: batch.rawBytes };
        },
        async submit() {},
        outcomes: async () => [],
        async close() {},
      };
    },
  };
  return {
    ...{ to, begun, taken },
    get most() {
      return most;
    },
  };
}

for (const batchPerSubtask of [true, false])
  test(`a caller who waits is never refused, however many batches the subtasks seal at a time (batchPerSubtask: ${batchPerSubtask})`, async () => {
    const { to } = slow(5);
    const sink = await open({ table: events, to, parallelism: 4, batchSize: 10, batchPerSubtask });
    for (let n = 0; n < 4_000; n++) {
      if (!sink.write({ n })) await sink.ready;
      // Batches of earlier records arrive meanwhile.
      if (n % 10 === 0) await new Promise(setImmediate);
    }
    await sink.close();
    assert.equal(sink.stats.delivered, 4_000);
  });

for (const parallelism of [0, 1])
  for (const isRaw of [false, true])
    test(`maxBatchesInFlight is how many batches are sent at a time, and 1 keeps their order over retries (parallelism ${parallelism}${isRaw ? ", raw rows" : ""})`, async () => {
      for (const most of [1, 3]) {
        const target = slow(1, (first) => (first % 70 === 10 ? 2 : 0));
        const { to } = target;
        const sink = await open({
          table: numbers,
          to,
          parallelism,
          batchSize: 10,
          maxBatchesInFlight: most,
          retryBaseMs: 1,
        });
        for (let n = 0; n < 300; n++) if (!(isRaw ? sink.writeRaw(`${n}\n`) : sink.write({ n }))) await sink.ready;
        await sink.close();
        assert.equal(target.most, most);
        const tens = Array.from({ length: 30 }, (_, n) => n * 10);
        assert.deepEqual([...new Set(target.begun)], tens, "begun in their order");
        if (most === 1) assert.deepEqual(target.taken, tens);
      }
    });

test("at least once from the log: batches are begun in their order, over all epochs, and one at a time where asked", async () => {
  for (const most of [1, 4]) {
    const disk = memoryDisk();
    const target = slow(1, (first) => (first % 70 === 10 ? 1 : 0));
    // Larger batches are read for longer.
    const slower = {
      ...disk,
      async open(path: string) {
        const file = await disk.open(path);
        const readAt = async (offset: number, length: number) => {
          for (let turn = 0; turn < (offset * 7) % 13; turn++) await new Promise(setImmediate);
          return file.readAt(offset, length);
        };
        return {
          ...file,
          readAt,
          get size() {
            return file.size;
          },
        };
      },
    };
    const options = { table: numbers, parallelism: 0, batchSize: 10, maxBatchesInFlight: most, retryBaseMs: 1 };
    const sink = await open({ ...options, to: target.to, state: stateOn(slower, "state") });
    for (let n = 0; n < 300; n++) {
      if (!sink.write({ n })) await sink.ready;
      if (n % 60 === 59) await sink.checkpoint();
    }
    await sink.close();
    const tens = Array.from({ length: 30 }, (_, n) => n * 10);
    assert.deepEqual([...new Set(target.begun)], tens);
    assert.ok(target.most <= most, `${target.most} at once`);
    if (most === 1) assert.deepEqual(target.taken, tens);
  }
});

test("a sink that has failed does not keep its process until its batches are old", async () => {
  const failing = gated();
  const sink = await open({ table: events, to: failing, batchIntervalMs: 600_000, parallelism: 0, batchSize: 2 });
  sink.write({ n: 1 });
  sink.write({ n: 2 });
  sink.write({ n: 3 });
  await until(() => failing.waiting.length === 1, "the first batch");
  const before = process.getActiveResourcesInfo().filter((each) => each === "Timeout").length;
  failing.release(new MillraceError("FORBIDDEN", "no"));
  await assert.rejects(sink.checkpoint());
  assert.ok(process.getActiveResourcesInfo().filter((each) => each === "Timeout").length < before);
});

test("a caller who does not heed false is stopped, not buffered without bound", async () => {
  const to = gated();
  const sink = await open({ table: events, to, parallelism: 0, batchSize: 1, maxBatchesInFlight: 2 });
  let accepted = 0;
  assert.throws(
    () => {
      for (;;) {
        sink.write({ n: accepted });
        accepted++;
      }
    },
    coded("BACK_PRESSURE", /await sink\.ready/),
  );
  assert.equal(accepted, 8);
  await until(() => to.waiting.length === 2, "as many batches at the destination as may be");
  const closed = sink.close();
  while (to.taken.length < accepted) {
    assert.ok(to.waiting.length <= 2);
    if (to.waiting.length > 0) to.release();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await closed;
});

test("a worker's queue is bounded too", async () => {
  const sink = await open({ table: events, to: memory(), parallelism: 1 });
  let accepted = 0;
  assert.throws(() => {
    while (accepted < 1_000_000) sink.write({ n: accepted++ });
  }, coded("BACK_PRESSURE"));
  await sink.ready;
  await sink.close();
  assert.equal(sink.stats.delivered, accepted - 1);
});

test("at-least-once: a checkpoint resolves only when every batch has been taken", async () => {
  const to = gated();
  const sink = await open({ table: events, to, batchSize: 10, maxBatchesInFlight: 10 });
  await fill(sink, 0, 25);
  let isDone = false;
  const checkpoint = sink.checkpoint().then((done) => {
    isDone = true;
    return done;
  });
  await until(() => to.waiting.length === 3, "three batches at the gate");
  to.release();
  to.release();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(isDone, false);
  to.release();
  assert.deepEqual(await checkpoint, { epoch: 1, records: 25 });
  await fill(sink, 25, 30);
  const second = sink.checkpoint();
  await until(() => to.waiting.length === 1, "the second epoch's batch");
  to.release();
  assert.deepEqual(await second, { epoch: 2, records: 5 });
  await sink.close();
});

test("none: a checkpoint seals and does not wait, and a lost batch is told of", async () => {
  const to = gated();
  const lost: unknown[] = [];
  const listen = (message: unknown) => lost.push(message);
  subscribe("millrace:batch:lost", listen);
  const sink = await open({ table: events, to, deliveryGuarantee: "none" });
  await fill(sink, 0, 10);
  assert.deepEqual(await sink.checkpoint(), { epoch: 1, records: 10 });
  await until(() => to.waiting.length === 1, "the batch");
  to.release(new MillraceError("BAD_REQUEST", "not today"));
  await until(() => sink.stats.lost === 10, "the loss");
  await fill(sink, 10, 15);
  const closed = sink.close();
  await until(() => to.waiting.length === 1, "the next batch");
  to.release();
  await closed;
  unsubscribe("millrace:batch:lost", listen);
  assert.equal(sink.stats.delivered, 5);
  assert.equal(lost.length, 1);
  assert.match(JSON.stringify(lost[0]), /not today/);
});

test("at-least-once: a batch that fails for good fails the sink at every call", async () => {
  const to = gated();
  const sink = await open({ table: events, to });
  await fill(sink, 0, 10);
  const checkpoint = assert.rejects(sink.checkpoint(), coded("BAD_REQUEST", /not today/));
  await until(() => to.waiting.length === 1, "the batch");
  to.release(new MillraceError("BAD_REQUEST", "not today"));
  await checkpoint;
  assert.throws(() => sink.write({ n: 1 }), coded("BAD_REQUEST"));
  await assert.rejects(sink.ready, coded("BAD_REQUEST"));
  await assert.rejects(sink.flush(), coded("BAD_REQUEST"));
  await assert.rejects(sink.close(), coded("BAD_REQUEST"));
  assert.equal(to.isClosed, true, "what it held is released all the same");
});

test("abort() ends every wait, releases everything and says so", async () => {
  const to = gated();
  const sink = await open({ table: events, to, batchSize: 1, maxBatchesInFlight: 1 });
  sink.write({ n: 1 });
  await until(() => to.waiting.length === 1, "the batch");
  const ready = assert.rejects(sink.ready, coded("ABORTED"));
  const checkpoint = assert.rejects(sink.checkpoint(), coded("ABORTED"));
  await sink.abort(new Error("enough"));
  await ready;
  await checkpoint;
  assert.throws(() => sink.write({ n: 2 }), coded("ABORTED"));
  await assert.rejects(sink.close(), coded("ABORTED"));
  assert.equal(to.isClosed, true);
});

test("the caller's signal aborts the sink, and an opening one", async () => {
  const to = gated();
  const controller = new AbortController();
  const sink = await open({ table: events, to, signal: controller.signal });
  sink.write({ n: 1 });
  const flush = assert.rejects(sink.flush(), coded("ABORTED"));
  await until(() => to.waiting.length === 1, "the batch");
  controller.abort(new Error("enough"));
  await flush;
  await assert.rejects(open({ table: events, to, signal: controller.signal }), coded("ABORTED"));
});

test("close() can be called again, flushes, and ends the sink", async () => {
  const to = memory();
  const sink = await open({ table: events, to });
  sink.write({ n: 1 });
  const closing = sink.close();
  assert.throws(() => sink.write({ n: 2 }), coded("CLOSED", /Events/), "from the moment that close() is called");
  await Promise.all([closing, sink.close(), sink[Symbol.asyncDispose]()]);
  assert.equal(to.batches.length, 1);
  assert.throws(() => sink.write({ n: 2 }), coded("CLOSED", /Events/));
  await assert.rejects(sink.checkpoint(), coded("CLOSED"));
});

test("flush() of an empty sink sends nothing", async () => {
  const to = memory();
  const sink = await open({ table: events, to });
  await sink.flush();
  assert.deepEqual(await sink.checkpoint(), { epoch: 1, records: 0 });
  await sink.close();
  assert.equal(to.batches.length, 0);
});

test("events tell of every batch, and of nothing per record", async () => {
  const seen: string[] = [];
  const names = ["millrace:batch:sealed", "millrace:batch:staged", "millrace:batch:taken", "millrace:checkpoint"];
  const listeners = names.map((name) => [name, () => seen.push(name)] as const);
  for (const [name, listen] of listeners) subscribe(name, listen);
  const sink = await open({ table: events, to: memory() });
  await fill(sink, 0, 100);
  await sink.checkpoint();
  await sink.close();
  for (const [name, listen] of listeners) unsubscribe(name, listen);
  assert.deepEqual(seen, names);
});

test("open() refuses what it cannot use", async () => {
  const to = memory();
  await assert.rejects(open({ table: events, to, batchsize: 1 } as never), coded("BAD_OPTION", /batchSize/));
  await assert.rejects(open({ to } as never), coded("BAD_OPTION", /needs a table/));
  await assert.rejects(open({ table: events } as never), coded("BAD_OPTION", /needs a destination/));
  await assert.rejects(
    open({ table: events, to, deliveryGuarantee: "exactly-once" } as unknown as SinkOptions & {
      table: typeof events;
      to: typeof to;
    }),
    coded("BAD_OPTION", /deliveryGuarantee/),
  );
  await assert.rejects(
    open({ table: events, to, checkpointMs: 5 }),
    coded("BAD_OPTION", /^open\(\): checkpointMs needs a state/),
  );
  await assert.rejects(
    open({ table: events, to, acceptDuplicates: true }),
    coded("BAD_OPTION", /^open\(\): acceptDuplicates needs a state/),
  );
  for (const session of [undefined, {}, { stage() {}, submit() {} }])
    await assert.rejects(
      open({ table: events, to: { name: "mine", database: "d", open: async () => session } as never }),
      coded("BAD_OPTION", /^open\(\): what open\(\) of mine resolved to is .+; it takes an object with stage/),
    );
});

test("a dead letter that fails at its close fails the close of the sink", async () => {
  const deadLetter = {
    write() {},
    close(): Promise<void> {
      throw new Error("the disk went away");
    },
  };
  const sink = await open({ table: events, to: memory(), deadLetter });
  await assert.rejects(sink.close(), coded("DEAD_LETTER_FAILED", /the disk went away/));
});

test("a dead letter that answers nothing bounds what waits for it", async () => {
  const deadLetter = { write: () => new Promise<void>(() => {}), close: async () => {} };
  const sink = await open({ table: events, to: memory(), deadLetter });
  let rejected = 0;
  const refusal = { place: "f:1", reason: "not JSON", original: "{" };
  assert.throws(
    () => {
      for (; rejected < 100_000; rejected++) sink.reject(refusal);
    },
    coded("BACK_PRESSURE", /dead letters/),
  );
  assert.equal(rejected, 4_096);
  await sink.abort();
});

test("a destination that does not listen cannot hold open() up, and is closed when it opens after all", async () => {
  const controller = new AbortController();
  const inner = memory();
  let isClosed = false;
  const deaf: typeof inner = {
    ...inner,
    open: async (context) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      const session = await inner.open(context);
      return {
        ...session,
        close: async () => {
          isClosed = true;
        },
      };
    },
  };
  setTimeout(() => controller.abort(), 10);
  await assert.rejects(open({ table: events, to: deaf, signal: controller.signal }), coded("ABORTED"));
  await until(() => isClosed, "the late session to be closed");
});

for (const how of ["abort()", "the signal"])
  test(`a dead letter that never answers does not outlast ${how}: pending calls end`, { timeout: 30_000 }, async () => {
    const stop = new AbortController();
    const sink = await open({
      table: table("T", { n: k.int() }),
      to: memory(),
      parallelism: 0,
      signal: stop.signal,
      deadLetter: { write: () => new Promise<void>(() => {}), close: async () => {} },
    });
    sink.write({ n: "no number" } as never);
    const pending = [sink.checkpoint(), sink.flush(), sink.close()];
    if (how === "abort()") void sink.abort();
    else stop.abort();
    for (const call of pending) await assert.rejects(call, { code: "ABORTED" });
  });

test("the memory of a batch that was sent twice is not used again: the first attempt may still be sending from it", async () => {
  const taken: { parts: readonly Uint8Array[]; copy: Uint8Array[] }[] = [];
  let failures = 1;
  const to: Destination = {
    name: "keeping",
    database: "d",
    async open() {
      return {
        keepsNoParts: true,
        async stage(batch) {
          taken.push({ parts: batch.parts, copy: batch.parts.map((part) => part.slice()) });
          if (failures-- > 0) throw new MillraceError("UNREACHABLE", "the connection broke", { retryable: true });
          return { id: batch.id, place: "p", rows: batch.rows, rawBytes: batch.rawBytes };
        },
        async submit() {},
        outcomes: async () => [],
        async close() {},
      };
    },
  };
  const sink = await open({ table: events, to, parallelism: 0, retryBaseMs: 1 });
  for (let round = 0; round < 6; round++) {
    for (let n = 0; n < 500; n++) sink.write({ n: round * 500 + n, text: randomBytes(6_000).toString("base64") });
    await sink.flush();
  }
  await sink.close();
  assert.ok(taken.length >= 7);
  assert.deepEqual(taken[0]!.parts, taken[0]!.copy);
  assert.ok(
    taken.slice(2, -1).some(({ parts, copy }) => parts.some((part, i) => Buffer.compare(part, copy[i]!) !== 0)),
    "memory of the others is used again",
  );
});

test("a stage() that resolves to nothing is a defect of the destination, told by name", async () => {
  const to = {
    ...memory(),
    open: async () => ({ stage: async () => undefined, async submit() {}, outcomes: async () => [], async close() {} }),
  };
  const sink = await open({ table: events, to: to as unknown as Destination });
  sink.write({ n: 1 });
  await assert.rejects(
    sink.close(),
    coded("BAD_OPTION", /stage\(\) of the destination resolved to undefined; see StagedBatch\.$/),
  );
});

test("so is one that resolves to nothing when a batch whose place is gone is stored again", async () => {
  let stages = 0;
  const session = {
    stage: async (batch: { id: string }) =>
      stages++ === 0 ? { id: batch.id, place: "p", rows: 1, rawBytes: 1 } : undefined,
    async submit() {
      throw new MillraceError("PLACE_GONE", "it is gone", { retryable: true });
    },
    outcomes: async () => [],
    async close() {},
  };
  const to = { ...memory(), open: async () => session } as unknown as Destination;
  const sink = await open({ table: events, to, retryBaseMs: 1, retryTimeoutMs: 1_000 });
  sink.write({ n: 1 });
  await assert.rejects(sink.close(), coded("BAD_OPTION", /stage\(\) of the destination resolved to undefined/));
});
