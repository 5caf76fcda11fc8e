import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { SealedBatch } from "../src/batch/sealed-batch.ts";
import { stateOn } from "../src/checkpoint/file-state.ts";
import { memoryDeadLetter } from "../src/deliver/dead-letter.ts";
import { memory } from "../src/destination/memory.ts";
import { memoryDisk } from "../src/log/memory-disk.ts";
import { open } from "../src/open.ts";
import type { SinkOptions } from "../src/options.ts";
import { run } from "../src/run/run.ts";
import { k, table } from "../src/schema/table.ts";
import type { Source } from "../src/source/source.ts";
import { until } from "./gated.ts";
import { rowsOf } from "./rows-of.ts";

// A sink with a state: what its epochs hold, whatever the order of its calls and whatever fails.

const events = table("Events", { n: k.int() });
const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000);

function start(disk = memoryDisk(), to = memory(), options: SinkOptions = {}) {
  return open({
    table: events,
    to,
    parallelism: 0,
    deliveryGuarantee: "exactly-once",
    state: stateOn(disk, "state"),
    retryBaseMs: 1,
    retryTimeoutMs: 50,
    ...options,
  });
}

function numbersIn(to: ReturnType<typeof memory>): number[] {
  return to.batches
    .flatMap(rowsOf)
    .map(([n]) => Number(n))
    .sort((a, b) => a - b);
}

const upTo = (end: number) => Array.from({ length: end }, (_, n) => n);

test("a checkpoint behind one that could not be decided on fails with it: none of its records pass for decided", async () => {
  const disk = memoryDisk();
  const to = memory();
  const sink = await start(disk, to, { retryTimeoutMs: 0 });
  let refuse = 1;
  const stored = disk.syncFolder;
  // The first epoch's segment cannot be made durable; what comes next could be.
  disk.syncFolder = async (folder) => {
    if (folder.endsWith("log") && refuse-- > 0) throw Object.assign(new Error("as asked for"), { code: "EIO" });
    return stored(folder);
  };
  sink.write({ n: 0 });
  const first = sink.checkpoint({ positions: { source: 1 } });
  sink.write({ n: 1 });
  const second = sink.checkpoint({ positions: { source: 2 } });
  const outcomes = await Promise.allSettled([first, second]);
  assert.deepEqual(
    outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason.code),
    ["STATE_UNWRITABLE", "STATE_UNWRITABLE"],
  );
  await sink.abort();
  const next = await start(disk, to);
  const from = Number(next.restored!.positions.source ?? 0);
  for (let n = from; n < 3; n++) next.write({ n });
  await next.checkpoint({ positions: { source: 3 } });
  await next.close();
  assert.deepEqual(numbersIn(to), upTo(3));
});

test("batches of an epoch are committed in the order in which they were sealed, whichever is written first", async () => {
  const disk = memoryDisk();
  const backend = stateOn(disk, "state");
  // Each later batch of an epoch is in the log sooner.
  const state: typeof backend = {
    ...backend,
    async open(signal) {
      const lease = await backend.open(signal);
      let turns = 64;
      const log = {
        ...lease.log,
        async append(epoch: number, batch: SealedBatch) {
          turns -= 8;
          for (let wait = turns; wait > 0; wait--) await new Promise(setImmediate);
          return lease.log.append(epoch, batch);
        },
      };
      return { ...lease, log, read: () => lease.read() };
    },
  };
  const to = memory();
  const sink = await start(disk, to, { state, batchSize: 1 });
  for (const n of upTo(6)) if (!sink.write({ n })) await sink.ready;
  await sink.checkpoint();
  await sink.close();
  assert.deepEqual(
    to.batches.flatMap(rowsOf).map(([n]) => Number(n)),
    upTo(6),
  );
});

test("positions are taken as they are at the call", async () => {
  const disk = memoryDisk();
  const sink = await start(disk);
  const positions: Record<string, number> = { source: 1 };
  sink.write({ n: 0 });
  const checkpoint = sink.checkpoint({ positions });
  positions.source = 2;
  positions.other = 1;
  await checkpoint;
  assert.deepEqual(sink.restored!.positions, { source: 1 });
  await sink.close();
});

test("close() commits nothing behind the newest checkpoint where positions were told", async () => {
  const disk = memoryDisk();
  const to = memory();
  const sink = await start(disk, to);
  sink.write({ n: 0 });
  void sink.checkpoint({ positions: { source: 1 } });
  sink.write({ n: 1 });
  await sink.close();
  assert.deepEqual(numbersIn(to), [0]);
  const next = await start(disk, to);
  assert.deepEqual(next.restored, { epoch: 1, positions: { source: 1 } });
  next.write({ n: 1 });
  await next.close(); // nothing was told in this process, but the state holds positions
  assert.deepEqual(numbersIn(to), [0]);
});

test("close() commits all where nobody tells positions", async () => {
  const disk = memoryDisk();
  const to = memory();
  for (let start_ = 0; start_ < 3; start_++) {
    const sink = await start(disk, to);
    sink.write({ n: start_ });
    await sink.close();
  }
  assert.deepEqual(numbersIn(to), upTo(3));
});

/** Numbers from its position on, two at a time; breaks where it is told to. */
function counting(end: number, breakAt = Infinity): Source<{ n: number }> {
  return {
    name: "counting",
    recovery: "position",
    async *read(positions) {
      for (let n = Number(positions.only ?? 0); n < end; n += 2) {
        if (n >= breakAt) throw new Error("the source broke");
        yield { partition: "only", records: [{ n }, { n: n + 1 }], position: n + 2 };
      }
    },
  };
}

test("a run whose source breaks commits what the source gave, and the next run reads on behind it", async () => {
  const disk = memoryDisk();
  const to = memory();
  const sink = await start(disk, to);
  await assert.rejects(run({ from: counting(20, 10), into: sink }), /the source broke/);
  await sink.close();
  assert.deepEqual(numbersIn(to), upTo(10));
  const next = await start(disk, to);
  await run({ from: counting(20), into: next });
  await next.close();
  assert.deepEqual(numbersIn(to), upTo(20));
});

test("a run that is aborted before its first checkpoint commits nothing at close(), for it will be read again", async () => {
  const disk = memoryDisk();
  const to = memory();
  const sink = await start(disk, to);
  const stop = new AbortController();
  const onProgress = ({ read }: { read: number }) => {
    if (read >= 10) stop.abort(new Error("enough"));
  };
  await assert.rejects(run({ from: counting(20), into: sink, signal: stop.signal, onProgress }), { code: "ABORTED" });
  await sink.close();
  assert.deepEqual(numbersIn(to), []);
  const next = await start(disk, to);
  await run({ from: counting(20), into: next });
  await next.close();
  assert.deepEqual(numbersIn(to), upTo(20));
});

test("the sink's own checkpoints keep still while run() tells positions", async () => {
  const disk = memoryDisk();
  const to = memory();
  const sink = await start(disk, to, { checkpointMs: 1 });
  let isWaiting = false;
  let go!: () => void;
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const source = counting(20);
  const slow: Source<{ n: number }> = {
    ...source,
    async *read(positions, signal) {
      for await (const slice of source.read(positions, signal)) {
        yield slice;
        if (slice.position !== 10) continue;
        isWaiting = true;
        await gate;
        throw new Error("the source broke");
      }
    },
  };
  const broken = assert.rejects(run({ from: slow, into: sink }), /the source broke/);
  await until(() => isWaiting, "it has come to it");
  // Timers that are due have fired when later ones have.
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 2));
  go();
  await broken;
  await sink.close();
  const next = await start(disk, to);
  await run({ from: counting(20), into: next });
  await next.close();
  assert.deepEqual(numbersIn(to), upTo(20));
});

test("checkpointMs commits by itself where nobody tells positions", async () => {
  const to = memory();
  const sink = await start(memoryDisk(), to, { checkpointMs: 1 });
  sink.write({ n: 0 });
  await until(() => to.batches.length > 0, "it has come to it");
  await sink.close();
  assert.deepEqual(numbersIn(to), [0]);
});

test("a full disk is waited for by the decision too", async () => {
  const disk = memoryDisk();
  const to = memory();
  let isFull = false;
  const found = disk.open;
  disk.open = async (path) => {
    const file = await found(path);
    return {
      ...file,
      get size() {
        return file.size;
      },
      async append(pieces) {
        if (isFull) throw Object.assign(new Error("as asked for"), { code: "ENOSPC" });
        return file.append(pieces);
      },
    };
  };
  const sink = await start(disk, to, { retryTimeoutMs: 10_000 });
  sink.write({ n: 0 });
  await sink.flush();
  const { retries } = sink.stats;
  isFull = true;
  const checkpoint = sink.checkpoint();
  checkpoint.catch(() => {});
  await Promise.race([until(() => sink.stats.retries > retries, "it has come to it"), checkpoint]);
  isFull = false;
  await checkpoint;
  await sink.close();
  assert.deepEqual(numbersIn(to), [0]);
});

test("a dead letter is written before the decision on its epoch; one that fails keeps the epoch from being decided", async () => {
  const disk = memoryDisk();
  const letters = memoryDeadLetter();
  const order: string[] = [];
  let write!: () => void;
  const written = new Promise<void>((resolve) => {
    write = resolve;
  });
  const sink = await start(disk, memory(), {
    deadLetter: {
      async write(letter) {
        await written;
        order.push("letter");
        await letters.write(letter);
      },
      close: () => letters.close(),
    },
  });
  sink.write({ n: "no number" as unknown as number });
  sink.write({ n: 0 });
  const checkpoint = sink.checkpoint({ positions: { source: 2 } }).then(() => order.push("decided"));
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  assert.deepEqual(order, []);
  write();
  await checkpoint;
  assert.deepEqual(order, ["letter", "decided"]);
  await sink.close();

  const other = memoryDisk();
  const failing = await start(other, memory(), {
    deadLetter: {
      write: async () => {
        throw new Error("no room for letters");
      },
      close: async () => {},
    },
  });
  failing.write({ n: "no number" as unknown as number });
  await assert.rejects(failing.checkpoint({ positions: { source: 1 } }), { code: "DEAD_LETTER_FAILED" });
  await assert.rejects(failing.close(), { code: "DEAD_LETTER_FAILED" });
  const next = await start(other);
  assert.deepEqual(next.restored, { epoch: 0, positions: {} });
  await next.abort();
});

const change = [
  ["guarantee", { deliveryGuarantee: "at-least-once" }],
  ["format", { format: "ndjson" }],
] as const;
for (const [what, changed] of change)
  test(`another ${what} than that of checkpoints on their way is refused, and taken when they are committed`, async () => {
    const disk = memoryDisk();
    const to = memory();
    const stuck: typeof to = {
      ...to,
      openEpochs: async (context) => ({
        ...(await to.openEpochs!(context)),
        commit: () => new Promise<never>(() => {}),
      }),
    };
    const sink = await start(disk, stuck as never);
    sink.write({ n: 0 });
    await sink.checkpoint({ positions: { source: 1 } });
    await sink.abort();
    await assert.rejects(start(disk, to, changed), {
      code: "STATE_FOREIGN",
      message: /1 checkpoint on the way.*Start it as before until they are committed/s,
    });
    const next = await start(disk, to);
    await next.close();
    assert.deepEqual(numbersIn(to), [0]);
    await (await start(disk, to, changed)).close();
  });

type Step = { readonly do: "write" | "raw" | "checkpoint" | "flush" | "turns" | "wait"; readonly n: number };
const step: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom("write", "write", "raw", "checkpoint", "checkpoint", "flush", "turns", "wait"),
  n: fc.integer({ min: 0, max: 30 }),
});

/** One course: what each checkpoint is said to hold is what was written before its call. */
async function course(steps: readonly Step[], options: SinkOptions, ending: "close" | "abort"): Promise<void> {
  const disk = memoryDisk();
  const to = memory();
  let next = 0;
  for (let life = 0; life < 2; life++) {
    const sink = await start(disk, to, { retryTimeoutMs: 10_000, ...options });
    sink.keepToCheckpoints();
    next = Number(sink.restored!.positions.source ?? 0);
    const decided: Promise<unknown>[] = [];
    let epochStart = next;
    for (const { do: what, n } of steps) {
      if (what === "write") {
        for (let i = 0; i < n; i++) if (!sink.write({ n: next++ })) await sink.ready;
      } else if (what === "raw") {
        // Cut within rows, and without the last newline: the checkpoint takes what is left as a row.
        const rows = Array.from({ length: n }, () => `${next++}`).join("\n");
        const middle = rows.length >> 1;
        if (rows === "") continue;
        for (const part of [rows.slice(0, middle), rows.slice(middle)]) if (!sink.writeRaw(part)) await sink.ready;
        if (n % 2 === 0) sink.writeRaw("\n");
        else decided.push(checkpoint());
      } else if (what === "checkpoint") decided.push(checkpoint());
      else if (what === "flush") decided.push(sink.flush());
      else if (what === "turns") for (let i = 0; i < n; i++) await new Promise(setImmediate);
      else await Promise.all(decided.splice(0));
    }
    function checkpoint(): Promise<void> {
      const position = next;
      const records = next - epochStart;
      epochStart = next;
      return sink.checkpoint({ positions: { source: position } }).then((made) => assert.equal(made.records, records));
    }
    if (ending === "abort") {
      decided.map((each) => each.catch(() => {}));
      await sink.abort();
    } else {
      await Promise.all(decided);
      await sink.close();
    }
  }
  const last = await start(disk, to);
  const end = Number(last.restored!.positions.source ?? 0);
  await last.close();
  assert.deepEqual(numbersIn(to), upTo(end));
}

for (const parallelism of [0, 1, 3])
  for (const batchPerSubtask of parallelism > 1 ? [true, false] : [true])
    test(`epochs hold what was written before their checkpoint: parallelism ${parallelism}, batchPerSubtask ${batchPerSubtask}, seed ${seed}`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { minLength: 1, maxLength: 14 }),
          fc.constantFrom<SinkOptions>({}, { batchSize: 7 }, { clientBatchSizeLimit: 40 }, { batchIntervalMs: 1 }),
          fc.constantFrom("close" as const, "abort" as const),
          (steps, sealing, ending) => course(steps, { parallelism, batchPerSubtask, ...sealing }, ending),
        ),
        { numRuns: parallelism === 0 ? 60 : 12, seed },
      );
    });

test("positions that JSON cannot hold are refused at the call, and the sink goes on", async () => {
  const disk = memoryDisk();
  const to = memory();
  const sink = await start(disk, to);
  sink.write({ n: 0 });
  for (const bad of [10n, Number.NaN, -0, new Date(0), new Map(), { a: undefined }, [Symbol("s")]])
    await assert.rejects(sink.checkpoint({ positions: { sound: 1, source: { at: [bad] } } } as never), {
      code: "BAD_OPTION",
      message: /^checkpoint\(\): the position of partition "source" holds .* at \.at\[0\]/,
    });
  await assert.rejects(sink.checkpoint({ position: { source: 1 } } as never), {
    code: "BAD_OPTION",
    message: /Did you mean positions/,
  });
  await assert.rejects(sink.checkpoint(null as never), { code: "BAD_OPTION" });
  assert.equal(sink.restored!.epoch, 0, "none was made");
  sink.write({ n: 1 });
  assert.deepEqual(await sink.checkpoint({ positions: { source: { at: [2] } } }), { epoch: 1, records: 2 });
  await sink.close();
  assert.deepEqual(numbersIn(to), upTo(2));
  const next = await start(disk, to);
  assert.deepEqual(next.restored, { epoch: 1, positions: { source: { at: [2] } } });
  await next.close();
});

test("positions are refused without a state too, and whatever a getter of theirs does", async () => {
  const to = memory();
  const sink = await open({ table: events, to });
  sink.write({ n: 0 });
  await assert.rejects(sink.checkpoint({ positions: { source: 1n } } as never), { code: "BAD_OPTION" });
  await sink.checkpoint({ positions: { source: 1 } });
  sink.write({ n: 1 });
  let closed: Promise<void> | undefined;
  const positions = {
    get source() {
      closed = sink.close();
      return 2;
    },
  };
  await assert.rejects(sink.checkpoint({ positions }), { code: "CLOSED" });
  await closed;
  assert.deepEqual(numbersIn(to), upTo(2));
});

test("the positions of all checkpoints together are bounded, those of earlier processes with them", async () => {
  const disk = memoryDisk();
  const filler = "x".repeat(40 * 1024 * 1024);
  const sink = await start(disk);
  await sink.checkpoint({ positions: { a: filler } });
  await sink.checkpoint({ positions: { a: filler } });
  await assert.rejects(sink.checkpoint({ positions: { b: filler } }), { code: "BAD_OPTION", message: /67108864/ });
  await sink.close();
  const next = await start(disk);
  await assert.rejects(next.checkpoint({ positions: { b: filler } }), { code: "BAD_OPTION", message: /67108864/ });
  await next.checkpoint({ positions: { a: 1, b: 2 } });
  assert.deepEqual(next.restored!.positions, { a: 1, b: 2 });
  await next.close();
});

test("what a caller does with restored positions changes nothing that is stored", async () => {
  const disk = memoryDisk();
  const sink = await start(disk);
  await sink.checkpoint({ positions: { a: { at: 1 } } });
  const a = sink.restored!.positions.a as { at: number };
  a.at = 9;
  await sink.checkpoint({ positions: { b: 1 } });
  await sink.close();
  const next = await start(disk);
  assert.deepEqual(next.restored!.positions, { a: { at: 1 }, b: 1 });
  await next.close();
});

test("a partition called __proto__ keeps its position", async () => {
  const disk = memoryDisk();
  const to = memory();
  const source = (end: number): Source<{ n: number }> => ({
    name: "odd",
    recovery: "position",
    async *read(positions) {
      const from = Number(new Map(Object.entries(positions)).get("__proto__") ?? 0);
      for (let n = from; n < end; n++) yield { partition: "__proto__", records: [{ n }], position: n + 1 };
    },
  });
  for (const end of [2, 4]) {
    const sink = await start(disk, to);
    const { positions } = await run({ from: source(end), into: sink });
    assert.equal(JSON.stringify(positions), `{"__proto__":${end}}`);
    await sink.close();
  }
  assert.deepEqual(numbersIn(to), upTo(4));
});

test("run(): a source that goes on with the object of its position commits no record it has not given", async () => {
  const disk = memoryDisk();
  const to = memory();
  let giveUp: () => void = () => {};
  const silent = new Promise<void>((resolve) => {
    giveUp = resolve;
  });
  const source = (end: number, isSilent: boolean): Source<{ n: number }> => ({
    name: "reusing",
    recovery: "position",
    async *read(positions) {
      const position = { next: Number((positions.only as { next: number } | undefined)?.next ?? 0) };
      while (position.next < end) {
        const n = position.next++;
        // The position is ahead of what was given while the checkpoint is made.
        if (isSilent && n === 1) await silent;
        yield { partition: "only", records: [{ n }], position };
      }
    },
  });
  const sink = await start(disk, to);
  const abort = new AbortController();
  const running = run({ from: source(3, true), into: sink, checkpointMs: 20, signal: abort.signal });
  await until(() => sink.restored!.epoch === 1, "a checkpoint");
  abort.abort();
  giveUp();
  await assert.rejects(running, { code: "ABORTED" });
  assert.deepEqual(sink.restored!.positions, { only: { next: 1 } });
  await sink.close();
  const next = await start(disk, to);
  await run({ from: source(3, false), into: next });
  await next.close();
  assert.deepEqual(numbersIn(to), upTo(3));
});

test("run(): a source's position that JSON cannot hold ends the run by name, and the sink goes on", async () => {
  const disk = memoryDisk();
  const to = memory();
  const sink = await start(disk, to);
  const from: Source<{ n: number }> = {
    name: "big",
    recovery: "position",
    async *read() {
      yield { partition: "only", records: [{ n: 0 }], position: { offset: 1n } as never };
    },
  };
  await assert.rejects(run({ from, into: sink }), {
    code: "BAD_OPTION",
    message: /^run\(\): source big: the position of partition "only" holds 1n at \.offset/,
  });
  assert.equal(sink.stats.accepted, 0, "its records were not taken");
  await assert.rejects(run({ from: counting(2), into: sink, positions: { only: 1n } as never }), {
    code: "BAD_OPTION",
    message: /^run\(\): positions: the position of partition "only" is 1n/,
  });
  await assert.rejects(run({ from: counting(2), into: sink, checkPointMs: 1 } as never), { code: "BAD_OPTION" });
  await run({ from: counting(4), into: sink });
  await sink.close();
  assert.deepEqual(numbersIn(to), upTo(4));
});
