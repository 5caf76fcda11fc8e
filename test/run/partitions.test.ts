import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryState, stateOn } from "../../src/checkpoint/file-state.ts";
import { memory } from "../../src/destination/memory.ts";
import { listen } from "../../src/events.ts";
import { memoryDisk } from "../../src/log/memory-disk.ts";
import { open } from "../../src/open.ts";
import { run } from "../../src/run/run.ts";
import { k, table } from "../../src/schema/table.ts";
import type { PartitionOwnership, Positions, Slice, Source } from "../../src/source/source.ts";
import { asyncMap } from "../../src/transform/async-map.ts";
import { map } from "../../src/transform/map.ts";
import { gated, releasing, until } from "../gated.ts";
import { rowsOf } from "../rows-of.ts";

// Sources whose partitions come and go, and those whose partitions end.

const events = table("Events", { n: k.int() });

interface Group extends Source<{ n: number }> {
  readonly acknowledged: Positions[];
}

/** A source that does with its partitions what the test says. */
function group(
  script: (owned: PartitionOwnership, acknowledged: Positions[]) => AsyncGenerator<Slice<{ n: number }>>,
  more: Partial<Source<{ n: number }>> = {},
): Group {
  const acknowledged: Positions[] = [];
  return {
    name: "group",
    recovery: "position",
    acknowledged,
    read: (_from, _signal, context) => script(context!.partitions, acknowledged),
    async acknowledge(positions) {
      acknowledged.push(positions);
    },
    ...more,
  };
}

function slice(partition: string, position: number, ...numbers: number[]): Slice<{ n: number }> {
  return { partition, position, records: numbers.map((n) => ({ n })) };
}

const numbersIn = (to: ReturnType<typeof memory>) => to.batches.flatMap(rowsOf).map(([n]) => Number(n));

test("partitions that are assigned are told their positions; those that are revoked are in a checkpoint before", async () => {
  const state = memoryState();
  const first = await open({ table: events, to: memory(), state });
  await first.checkpoint({ positions: { a: 10, b: 20, __proto__: 5 } });
  await first.close();

  const to = memory();
  const sink = await open({ table: events, to, state });
  const told: unknown[] = [];
  const source = group(async function* (owned, acknowledged) {
    told.push(await owned.assigned(["a", "c"]));
    yield slice("a", 11, 1);
    yield slice("c", 1, 2);
    told.push(await owned.revoked(["a"], 60_000), acknowledged.at(-1)!.a, sink.restored!.positions.a);
    yield slice("a", 99, 99); // it was given up
    yield slice("c", 2, 3);
    told.push(await owned.assigned(["a"]));
    yield slice("a", 12, 4);
  });
  const { positions } = await run({ from: source, into: sink });
  await sink.close();
  assert.deepEqual(told, [{ a: 10 }, true, 11, 11, { a: 11 }]);
  assert.deepEqual(numbersIn(to), [1, 2, 3, 4]);
  assert.deepEqual([positions.a, positions.b, positions.c], [12, 20, 2]);
});

test("positions of a partition that was given up are told no more: they are its new owner's", async () => {
  const sink = await open({ table: events, to: memory() });
  const source = group(async function* (owned) {
    yield slice("a", 1, 1);
    yield slice("b", 1, 2);
    assert.equal(await owned.revoked(["a"], 60_000), true);
    yield slice("b", 2, 3);
  });
  const { positions } = await run({ from: source, into: sink });
  assert.deepEqual(source.acknowledged, [{ a: 1, b: 1 }, { b: 2 }]);
  assert.deepEqual(positions, { b: 2 });
  await sink.close();
});

test("a revocation waits for the slices that were read ahead", async () => {
  const to = memory();
  const sink = await open({ table: events, to });
  let owned!: PartitionOwnership;
  let given = 0;
  const source = group(
    async function* (all) {
      owned = all;
      for (let n = 1; n <= 4; n++) {
        given = n;
        yield slice("a", n, n);
      }
      // Not from the generator: as a client of Kafka does it.
      assert.equal(await revoked, true);
      yield slice("b", 1, 5);
    },
    { prefetch: 3 },
  );
  let revoke!: (done: Promise<boolean>) => void;
  const revoked = new Promise<boolean>((resolve) => {
    revoke = resolve;
  });
  const onProgress = ({ read }: { read: number }) => {
    if (read === 1) revoke(owned.revoked(["a"], 60_000));
  };
  await run({ from: source, into: sink, onProgress });
  assert.equal(given, 4);
  assert.deepEqual(source.acknowledged, [{ a: 4 }, { b: 1 }]);
  await sink.close();
});

test("a revocation that is not done in time: the source is told so, and the positions are told no more", async () => {
  const to = gated();
  const sink = await open({ table: events, to });
  const warnings: string[] = [];
  const stop = listen({ "millrace:source:warning": ({ message }) => void warnings.push(message) });
  const answers: boolean[] = [];
  const source = group(async function* (owned) {
    yield slice("a", 1, 1);
    yield slice("b", 1, 2);
    answers.push(await owned.revoked(["a"], 5));
    await until(() => to.waiting.length > 0, "the batch at the gate");
    to.release();
    yield slice("a", 2, 99);
    yield slice("b", 2, 3);
  });
  const running = run({ from: source, into: sink });
  await until(() => to.taken.length > 0 && to.waiting.length > 0, "the last batch at the gate");
  to.release();
  await running;
  stop();
  assert.deepEqual(answers, [false]);
  assert.match(warnings.join(), /^No checkpoint within 5 ms: a went to another process/);
  assert.deepEqual(source.acknowledged.at(-1), { b: 2 });
  assert.deepEqual(to.taken.flatMap(rowsOf), [["1"], ["2"], ["3"]]);
  await sink.close();
});

test("partitions that are lost: their slices that wait are left out, and their positions are not stored", async () => {
  const state = memoryState();
  const to = memory();
  const sink = await open({ table: events, to, state });
  let owned!: PartitionOwnership;
  const source = group(
    async function* (all) {
      owned = all;
      yield slice("a", 1, 1);
      assert.equal(await all.revoked(["a"], 60_000), true, "a checkpoint");
      assert.deepEqual(await all.assigned(["a"]), { a: 1 });
      yield slice("a", 2, 2);
      yield slice("a", 3, 3);
      yield slice("c", 1, 4);
      await new Promise(() => {});
    },
    { prefetch: 3 },
  );
  const stop = new AbortController();
  const { positions } = await run({
    from: source,
    into: sink,
    stop: stop.signal,
    onProgress: ({ read }) => {
      if (read === 2) owned.lost(["a"]);
      if (read === 3) stop.abort();
    },
  });
  await sink.close();
  assert.deepEqual(positions, { c: 1 });
  assert.deepEqual(numbersIn(to), [1, 2, 4]);
  const next = await open({ table: events, to: memory(), state });
  assert.equal(next.restored!.positions.a, 1, "as of the newest checkpoint that it was ours in");
  await next.close();
});

test("lost() in the middle of a slice: the rest of it is left out", async () => {
  const to = gated();
  const sink = await open({ table: events, to, parallelism: 0, batchSize: 1, maxBatchesInFlight: 1 });
  let owned!: PartitionOwnership;
  const source = group(async function* (all) {
    owned = all;
    yield slice("a", 9, ...Array.from({ length: 50 }, (_, n) => n));
    yield slice("b", 1, 100);
  });
  const running = run({ from: source, into: sink });
  await until(() => to.waiting.length > 0, "the sink is full");
  owned.lost(["a"]);
  assert.deepEqual((await releasing(to, running)).positions, { b: 1 });
  const numbers = to.taken.flatMap(rowsOf).map(([n]) => Number(n));
  assert.equal(numbers.at(-1), 100);
  assert.ok(numbers.length < 50, `${numbers.length} rows`);
  await sink.close();
});

test("a partition that is lost and comes back at once: what was read before it was lost is of no account", async () => {
  const to = gated();
  const sink = await open({ table: events, to, parallelism: 0, batchSize: 1, maxBatchesInFlight: 1 });
  let owned!: PartitionOwnership;
  let comeBack = () => {};
  const isBack = new Promise<void>((resolve) => {
    comeBack = resolve;
  });
  let given = 0;
  const source = group(
    async function* (all) {
      owned = all;
      yield slice("a", 9, ...Array.from({ length: 50 }, (_, n) => n));
      given = 1;
      yield slice("a", 10, 200);
      given = 2;
      await isBack;
      yield slice("b", 1, 100);
    },
    { prefetch: 2 },
  );
  const running = run({ from: source, into: sink });
  await until(() => to.waiting.length > 0 && given === 2, "a full sink, and a slice that waits");
  owned.lost(["a"]);
  assert.deepEqual(await owned.assigned(["a"]), {});
  comeBack();
  assert.deepEqual((await releasing(to, running)).positions, { b: 1 });
  const numbers = to.taken.flatMap(rowsOf).map(([n]) => Number(n));
  assert.ok(numbers.length < 50 && !numbers.includes(200), numbers.join());
  await sink.close();
});

const wrappings: Record<string, (source: Source<{ n: number }>) => Source<{ n: number }>> = {
  plain: (source) => source,
  map: (source) => map(source, (record) => record),
  "asyncMap, ordered": (source) => asyncMap(source, slowly),
  "asyncMap, unordered": (source) => asyncMap(source, slowly, { ordered: false, capacity: 2 }),
  "map of asyncMap of map": (source) =>
    map(
      asyncMap(
        map(source, (record) => record),
        slowly,
      ),
      (record) => record,
    ),
};

async function slowly<R>(record: R): Promise<R> {
  await new Promise(setImmediate);
  return record;
}

for (const [name, wrapped] of Object.entries(wrappings))
  test(`a slice that is given while its partition is another's is left out, also when the partition comes back at once: ${name}`, async () => {
    for (const prefetch of [0, 1, 4, 8])
      for (const how of ["lost", "revoked"] as const)
        for (const isPaused of [false, true]) {
          const state = memoryState();
          const to = memory();
          const numbers: number[] = [];
          for (const isFirst of [true, false]) {
            const sink = await open({ table: events, to, state, deliveryGuarantee: "exactly-once", parallelism: 0 });
            const source = group(
              async function* (owned) {
                let n = Number((await owned.assigned(["b"])).b ?? 0);
                if (isFirst) {
                  for (let i = 0; i < 4; i++) yield slice("b", ++n, n);
                  if (how === "lost") owned.lost(["b"]);
                  else assert.equal(await owned.revoked(["b"], 60_000), true);
                  // Fetches that were under way; the second one tells of another partition.
                  yield slice("b", ++n, n);
                  yield { ...slice("c", 1, 100), moved: { b: n } };
                  if (isPaused) for (let i = 0; i < 20; i++) await new Promise(setImmediate);
                  n = Number((await owned.assigned(["b"])).b ?? 0);
                  if (how === "revoked") assert.equal(n, 4);
                  assert.equal(await owned.revoked(["c"], 60_000), true, "a checkpoint");
                  throw new Error("the end of the first process");
                }
                while (n < 10) yield slice("b", ++n, n);
              },
              { prefetch },
            );
            const running = run({ from: wrapped(source), into: sink });
            if (isFirst) await assert.rejects(running, { message: "the end of the first process" });
            else assert.equal((await running).positions.b, 10);
            await sink.close();
          }
          numbers.push(...numbersIn(to).filter((n) => n < 100));
          const one = `prefetch ${prefetch}, ${how}, ${isPaused ? "paused" : "at once"}: ${numbers}`;
          assert.deepEqual(
            [...new Set(numbers)].sort((a, b) => a - b),
            [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
            one,
          );
          if (how === "revoked") assert.equal(numbers.length, 10, one);
        }
  });

test("a client that gives a slice and assigns its partition in one go: the slice is of the time before", async () => {
  const to = memory();
  const sink = await open({ table: events, to });
  let owned!: PartitionOwnership;
  let asked = 0;
  const called: number[] = [];
  async function nextSlice(): Promise<IteratorResult<Slice<{ n: number }>>> {
    const at = ++asked;
    if (at === 1) {
      await owned.assigned(["a"]);
      owned.lost(["a"]);
      void owned.assigned(["a"]);
      return { done: false, value: slice("a", 1, 1) };
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
    return at === 2 ? { done: false, value: slice("a", 2, 2) } : { done: true, value: undefined };
  }
  const source: Source<{ n: number }> = {
    name: "client",
    recovery: "position",
    read(_from, _signal, context) {
      owned = context!.partitions;
      return { [Symbol.asyncIterator]: () => ({ next: nextSlice }) };
    },
  };
  const noted = (record: { n: number }) => {
    called.push(record.n);
    return record;
  };
  // Iterators of the program's own, through which a slice takes some turns of the microtask queue.
  let from = source;
  for (let depth = 0; depth < 5; depth++) {
    const inner = from;
    from = {
      ...inner,
      async *read(...args) {
        yield* inner.read(...args);
      },
    };
  }
  const { positions } = await run({ from: map(asyncMap(from, noted), noted), into: sink });
  await sink.close();
  assert.deepEqual([positions, numbersIn(to), called], [{ a: 2 }, [2], [2, 2]]);
});

test("a source with assigned partitions is told no restored positions: it may read from later ones, or another process may", async () => {
  const state = memoryState();
  const start = () => open({ table: events, to: memory(), state, deliveryGuarantee: "exactly-once" });
  const first = await start();
  await first.checkpoint({ positions: { a: 69, b: 5, c: 7 } });
  await first.close();
  const sink = await start();
  const source = group(async function* (owned, acknowledged) {
    assert.deepEqual(await owned.assigned(["a", "b"]), { a: 69, b: 5 });
    yield slice("b", 6, 1);
    // The group knows that `a` stands at 86.
    assert.equal(await owned.revoked(["b"], 60_000), true);
    assert.deepEqual(acknowledged, [{ b: 6 }]);
    yield slice("a", 87, 2);
  });
  await run({ from: source, into: sink });
  assert.deepEqual(source.acknowledged, [{ b: 6 }, { a: 87 }]);
  assert.deepEqual(sink.restored!.positions, { a: 87, b: 6, c: 7 });
  await sink.close();
});

test("a partition that is lost while it is being assigned stays lost", async () => {
  const sink = await open({ table: events, to: memory(), state: memoryState() });
  await sink.checkpoint({ positions: { a: 3 } });
  const source = group(async function* (owned) {
    const assigned = owned.assigned(["a", "b"]);
    owned.lost(["a"]);
    assert.deepEqual(await assigned, {});
    assert.deepEqual([owned.generation("a"), owned.generation("b")], [undefined, 0]);
    yield slice("a", 4, 1);
    yield slice("b", 1, 2);
    assert.deepEqual(await owned.assigned(["a"]), { a: 3 });
    assert.equal(owned.generation("a"), 1);
  });
  const { positions, read } = await run({ from: source, into: sink });
  assert.deepEqual([positions, read], [{ b: 1 }, 1]);
  await sink.close();
});

test("a run that fails tells a source that waits to give a partition up", async () => {
  const sink = await open({ table: events, to: gated() });
  const stop = new AbortController();
  const answers: unknown[] = [];
  const source = group(async function* (owned) {
    yield slice("a", 1, 1);
    setImmediate(() => stop.abort());
    answers.push(await owned.revoked(["a"], 60_000));
  });
  await assert.rejects(run({ from: source, into: sink, signal: stop.signal }), { code: "ABORTED" });
  await until(() => answers.length > 0, "the answer");
  assert.deepEqual(answers, [false]);
  await sink.abort();
});

test("positions of partitions that have ended are dropped from the state, also over restarts", async () => {
  const disk = memoryDisk();
  const start = () =>
    open({ table: events, to: memory(), deliveryGuarantee: "exactly-once", state: stateOn(disk, "state") });
  const shards = (at: number) =>
    group(async function* () {
      yield slice(`shard-${at}`, 1, 1);
      yield slice("shard-0", at, 2);
      // It ends, and with it goes one that ended before this process.
      yield { ...slice(`shard-${at}`, 2, 3), dropped: [`shard-${at}`, `old-${at}`, "never was"] };
    });
  for (let at = 1; at <= 3; at++) {
    const sink = await start();
    await sink.checkpoint({ positions: { [`old-${at}`]: at, kept: true } });
    const source = shards(at);
    const { positions } = await run({ from: source, into: sink });
    assert.deepEqual(positions, { kept: true, "shard-0": at });
    // What lies before the last position of the shard is acknowledged.
    assert.deepEqual(source.acknowledged.at(-1), {
      ...{ kept: true, "shard-0": at, [`shard-${at}`]: 2, [`old-${at}`]: at },
    });
    await sink.close();
    const next = await start();
    assert.deepEqual(next.restored!.positions, { kept: true, "shard-0": at });
    await next.close();
  }
});

test("checkpoint(): a dropped partition is gone, and may come again; one that is kept at the same time is refused", async () => {
  const disk = memoryDisk();
  const start = () =>
    open({ table: events, to: memory(), deliveryGuarantee: "exactly-once", state: stateOn(disk, "state") });
  const sink = await start();
  await sink.checkpoint({ positions: { a: 1, b: 2, constructor: 3 } });
  await sink.checkpoint({ dropped: ["a", "constructor"] });
  assert.deepEqual(sink.restored!.positions, { b: 2 });
  await assert.rejects(sink.checkpoint({ positions: { a: 1 }, dropped: ["a"] }), {
    code: "BAD_OPTION",
    message: /^checkpoint\(\): partition "a" is in positions and in dropped/,
  });
  await assert.rejects(sink.checkpoint({ dropped: "a" as never }), { code: "BAD_OPTION", message: /dropped is "a"/ });
  await assert.rejects(sink.checkpoint({ positions: { b: undefined } as never }), { code: "BAD_OPTION" });
  await sink.close();
  const next = await start();
  assert.deepEqual(next.restored!.positions, { b: 2 });
  await next.checkpoint({ positions: { a: 7 } });
  await next.close();
  const last = await start();
  assert.deepEqual(last.restored!.positions, { b: 2, a: 7 });
  await last.close();
});

test("slices are asked for ahead as the source says, and no further", async () => {
  for (const [prefetch, most] of [
    [undefined, 1],
    [0, 0],
    [3, 3],
  ] as const) {
    const sink = await open({ table: events, to: memory() });
    let given = 0;
    let ahead = 0;
    const source: Source<{ n: number }> = {
      name: "ahead",
      recovery: "none",
      ...(prefetch !== undefined && { prefetch }),
      async *read() {
        for (let n = 1; n <= 20; n++) {
          given = n;
          yield slice("a", n, n);
        }
      },
    };
    let written = 0;
    const through = async (progress: { read: number }) => {
      written = progress.read;
      ahead = Math.max(ahead, given - written);
    };
    await run({ from: source, into: sink, onProgress: through });
    // One that is asked for while this one is looked at may have come just now.
    assert.ok(ahead <= most, `${ahead} slices ahead of ${most}`);
    assert.equal(written, 20);
    await sink.close();
  }
});

test("a source is asked while the sink is full", async () => {
  const to = gated();
  const sink = await open({ table: events, to, parallelism: 0, batchSize: 1, maxBatchesInFlight: 1 });
  let given = 0;
  const source: Source<{ n: number }> = {
    name: "ahead",
    recovery: "none",
    prefetch: 2,
    async *read() {
      for (let n = 1; n <= 9; n++) {
        given = n;
        yield slice("a", n, 1, 2, 3);
      }
    },
  };
  const running = run({ from: source, into: sink });
  await until(() => given === 3 && to.waiting.length > 0, "two slices ahead of the one that is written");
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  assert.equal(given, 3);
  assert.equal((await releasing(to, running)).read, 27);
  await sink.close();
});

test("stop: what was read ahead is left to the next run, or written where it would not come again", async () => {
  for (const [recovery, expected] of [
    ["position", [1]],
    ["none", [1, 2, 3]],
  ] as const) {
    const to = memory();
    const sink = await open({ table: events, to });
    const stop = new AbortController();
    const source: Source<{ n: number }> = {
      name: "ahead",
      recovery,
      prefetch: 2,
      async *read() {
        for (let n = 1; n <= 3; n++) {
          if (n === 3) stop.abort();
          yield slice("a", n, n);
        }
        await new Promise(() => {});
      },
    };
    // The slices come while the first one is written.
    let isFirst = true;
    const through = (record: { n: number }) => record;
    const { positions } = await run({
      from: source,
      into: {
        ...{ stats: sink.stats, restored: undefined, keepToCheckpoints() {}, reject: () => true },
        checkpoint: (options: object) => sink.checkpoint(options),
        write(record: { n: number }) {
          sink.write(record);
          const isFull = isFirst;
          isFirst = false;
          return !isFull;
        },
        get ready() {
          return until(() => stop.signal.aborted, "the stop").then(() => new Promise<void>(setImmediate));
        },
      } as never,
      through,
      stop: stop.signal,
    });
    await sink.close();
    assert.deepEqual(numbersIn(to), expected, recovery);
    assert.deepEqual(positions, { a: expected.at(-1) });
  }
});

test("a source must say how its records come again", async () => {
  const sink = await open({ table: events, to: memory() });
  const source = { name: "old", replayable: true, async *read() {} };
  await assert.rejects(run({ from: source as never, into: sink }), {
    code: "BAD_OPTION",
    message: /^run\(\): from\.recovery is undefined; it takes "position", "redelivery" or "none"\.$/,
  });
  for (const [wrong, message] of [
    [{ prefetch: -1 }, /from\.prefetch is the number -1/],
    [{ prefetch: 0.5 }, /from\.prefetch is the number 0\.5/],
    [{ lease: { everyMs: 0, async extend() {} } }, /from\.lease\.everyMs is the number 0/],
    [{ lease: { everyMs: 1 } }, /from\.lease\.extend is undefined/],
    [{ lease: 1 }, /from\.lease is the number 1/],
    [{ name: undefined }, /from\.name is undefined/],
  ] as const)
    await assert.rejects(run({ from: { ...source, recovery: "none", ...wrong } as never, into: sink }), {
      code: "BAD_OPTION",
      message,
    });
  for (const recovery of ["none", "redelivery"])
    await assert.rejects(run({ from: { ...source, recovery } as never, into: sink, positions: { a: 1 } }), {
      code: "BAD_OPTION",
      message: `run(): positions have no use with a source of recovery "${recovery}".`,
    });
  await sink.close();
});
