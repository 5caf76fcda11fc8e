import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import fc from "fast-check";
import { stateOn } from "../../src/checkpoint/file-state.ts";
import { memoryDeadLetter } from "../../src/deliver/dead-letter.ts";
import { memory } from "../../src/destination/memory.ts";
import { type AsyncMapOptions, asyncMap, iterable, map, open, run } from "../../src/index.ts";
import { memoryDisk } from "../../src/log/memory-disk.ts";
import { k, table } from "../../src/schema/table.ts";
import type { PartitionOwnership, Position, Slice, Source } from "../../src/source/source.ts";
import { until } from "../gated.ts";
import { rowsOf } from "../rows-of.ts";
import { sliced, slicesOf } from "./sources.ts";

const events = table("Events", { n: k.int() });
const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000);

function slice(partition: string, position: Position, ...records: number[]): Slice<number> {
  return { partition, position, records };
}

/** A function whose calls end when the test says so. */
function gates() {
  const open_ = new Map<number, () => void>();
  const signals = new Map<number, AbortSignal>();
  return {
    signals,
    get begun() {
      return [...signals.keys()];
    },
    act: (n: number, { signal }: { signal: AbortSignal }) =>
      new Promise<number>((resolve) => {
        signals.set(n, signal);
        open_.set(n, () => resolve(n));
      }),
    finish(...numbers: number[]) {
      for (const n of numbers) open_.get(n)!();
    },
  };
}

/** Reads in the background. */
function reading(source: Source<number>, context?: Parameters<Source<number>["read"]>[2]) {
  const given: Slice<number>[] = [];
  const abort = new AbortController();
  const ended = (async () => {
    for await (const each of source.read({}, abort.signal, context)) given.push(each);
  })();
  ended.catch(() => {});
  return { given, abort, ended, places: () => given.map(({ partition, position }) => `${partition}${position}`) };
}

async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
}

test("capacity: so many records are on their way, and no more", async () => {
  for (const ordered of [true, false]) {
    let running = 0;
    let most = 0;
    const slices = Array.from({ length: 30 }, (_, i) => slice(`p${i % 3}`, i, ...Array(7).fill(i)));
    const source = asyncMap(
      sliced(slices),
      async (n) => {
        most = Math.max(most, ++running);
        await pause(n % 3);
        running--;
        return n;
      },
      { capacity: 10, ordered },
    );
    const records = (await slicesOf(source)).flatMap((each) => each.records);
    assert.equal(records.length, 210);
    assert.equal(most, 10);
  }
});

/** A source of a thousand slices of one record, which tells how many were asked for. */
function thousand(partitionOf: (n: number) => string) {
  let asked = 0;
  const source: Source<number> = {
    name: "many",
    recovery: "position",
    async *read() {
      for (; asked < 1_000; asked++) yield slice(partitionOf(asked), asked, asked);
    },
  };
  return {
    source,
    get asked() {
      return asked;
    },
  };
}

test("ordered: one record holds back what is behind it, and the source is asked for no more than fits", async () => {
  const calls = gates();
  const many = thousand((n) => `p${n}`);
  const { given, ended } = reading(
    asyncMap(many.source, (n, call) => (n === 0 ? calls.act(n, call) : n), { capacity: 10 }),
  );
  await turns(50);
  assert.deepEqual(given, []);
  assert.ok(many.asked <= 12, `${many.asked} slices asked for`);
  calls.finish(0);
  await ended;
  assert.deepEqual(
    given.flatMap(({ records }) => records),
    Array.from({ length: 1_000 }, (_, n) => n),
  );
});

test("unordered: partitions do not wait for each other; a slice waits for the earlier ones of its partition", async () => {
  const calls = gates();
  const slices = [slice("a", 1, 1, 2, 3), slice("a", 2, 4), slice("b", 1, 5), slice("a", 3)];
  const { given, ended, places } = reading(asyncMap(sliced(slices), calls.act, { ordered: false }));
  await until(() => calls.begun.length === 5, "all calls");
  calls.finish(4, 5, 3, 1);
  await turns();
  assert.deepEqual(
    places(),
    ["b1"],
    "no position ahead of a record that is on its way, no record ahead of its position",
  );
  calls.finish(2);
  await ended;
  assert.deepEqual(places(), ["b1", "a1", "a2", "a3"]);
  assert.deepEqual(
    given.map(({ records }) => records),
    [[5], [3, 1, 2], [4], []],
  );
});

test("unordered: what a slow record holds back is bounded", async () => {
  const calls = gates();
  const many = thousand(() => "p");
  const options = { capacity: 3, ordered: false };
  const { given, ended } = reading(asyncMap(many.source, (n, call) => (n === 0 ? calls.act(n, call) : n), options));
  await turns(200);
  assert.deepEqual(given, []);
  assert.ok(many.asked > 40 && many.asked <= 50, `${many.asked} slices asked for`);
  calls.finish(0);
  await ended;
  assert.equal(given.length, 1_000);
});

test("unordered: a slice that changes positions of other partitions overtakes none, and none overtakes it", async () => {
  const calls = gates();
  const moving = { ...slice("c", 1, 3), moved: { a: null } };
  const slices = [slice("a", 7, 1), slice("b", 1, 2), moving, slice("d", 1, 4), { ...slice("e", 1), dropped: ["d"] }];
  const { ended, places } = reading(asyncMap(sliced(slices), calls.act, { ordered: false }));
  await until(() => calls.begun.length === 3, "the calls before it");
  calls.finish(3);
  await turns();
  assert.deepEqual([places(), calls.begun], [[], [1, 2, 3]]);
  calls.finish(1, 2);
  await until(() => calls.begun.includes(4), "the call behind it");
  await turns();
  assert.deepEqual(places(), ["a7", "b1", "c1"]);
  calls.finish(4);
  await ended;
  assert.deepEqual(places(), ["a7", "b1", "c1", "d1", "e1"]);
});

test("a source may go on with the object of its position", async () => {
  const position = { at: 0 };
  const source = sliced([], {
    async *read() {
      for (; position.at < 5; position.at++) yield slice("p", position, position.at);
    },
  });
  const given = await slicesOf(asyncMap(source, (n) => pause(5 - n, n)));
  assert.deepEqual(
    given.map(({ position, records }) => [position, records]),
    [0, 1, 2, 3, 4].map((n) => [{ at: n }, [n]]),
  );
});

test("retry: as often as it says, while it says so, and the dead letter has the last error", async () => {
  const attempts: [number, number][] = [];
  const act = async (n: number, { attempt }: { attempt: number }) => {
    attempts.push([n, attempt]);
    if (n === 1 && attempt < 3) throw new Error("not yet");
    if (n === 2) throw new Error(`never ${attempt}`);
    if (n === 3) throw new TypeError("wrong");
    return n;
  };
  const retry = { attempts: 3, baseMs: 1, if: (error: unknown) => !(error instanceof TypeError) };
  const [given] = await slicesOf(asyncMap(sliced([slice("p", 1, 1, 2, 3, 4)]), act, { capacity: 1, retry }));
  assert.deepEqual(given!.records, [1, 4]);
  assert.deepEqual(
    given!.refused!.map(({ original, reason }) => [original, reason]),
    [
      [2, "asyncMap() in attempt 3 threw: never 3"],
      [3, "asyncMap() threw: wrong"],
    ],
  );
  assert.deepEqual(
    attempts,
    [[1, 1], [1, 2], [1, 3], [2, 1], [2, 2], [2, 3], [3, 1], [4, 1]], // biome-ignore format: a list of pairs
  );
});

test("timeoutMs covers all attempts; onTimeout gives a substitute; what comes late is not heard", async () => {
  const signals: AbortSignal[] = [];
  const fail: (() => void)[] = [];
  const act = (n: number, { signal }: { signal: AbortSignal }) => {
    signals.push(signal);
    if (n === 1) return Promise.reject(new Error("again"));
    return new Promise<number>((_, reject) => {
      fail.push(() => reject(new Error("late")));
    });
  };
  const options: AsyncMapOptions<number, number> = {
    ...{ timeoutMs: 20, onTimeout: (n) => -n },
    retry: { attempts: 1_000_000, baseMs: 1, maxMs: 1 },
  };
  const [given] = await slicesOf(asyncMap(sliced([slice("p", 1, 1, 2)]), act, options));
  assert.deepEqual(given!.records, [-1, -2]);
  assert.ok(signals.every(({ aborted }) => aborted));
  for (const each of fail) each();
  const calls = signals.length;
  await pause(5);
  assert.equal(signals.length, calls, "no attempt behind the end");
});

test("a record that is late tells what its last attempt threw", async () => {
  const late = asyncMap(
    sliced([slice("p", 1, 1, 2)]),
    (n, { attempt }) =>
      n === 1 && attempt < 3 ? Promise.reject(new Error(`no ${attempt}`)) : new Promise<number>(() => {}),
    { timeoutMs: 50, retry: { attempts: 5, baseMs: 1 } },
  );
  const [given] = await slicesOf(late);
  assert.deepEqual(
    given!.refused!.map(({ reason, cause }) => [reason, (cause as Error | undefined)?.message]),
    [
      ["asyncMap(): its function was not done within 50 ms; attempt 2 threw: no 2", "no 2"],
      ["asyncMap(): its function was not done within 50 ms", undefined],
    ],
  );
});

test("an abort ends the run at once, and every call is told", async () => {
  const calls = gates();
  const sink = await open({ table: events, to: memory() });
  const stop = new AbortController();
  const from = asyncMap(iterable([1, 2, 3]), calls.act);
  const running = run({ from: map(from, (n) => ({ n })), into: sink, signal: stop.signal });
  await until(() => calls.begun.length === 3, "the calls");
  stop.abort();
  await assert.rejects(running, { code: "ABORTED" });
  assert.ok([...calls.signals.values()].every(({ aborted }) => aborted));
  await sink.close();
});

test("stop lets what is on its way finish, of sources with stop() and without, also while they are silent", async () => {
  for (const isKnowing of [true, false]) {
    const calls = gates();
    const to = memory();
    const sink = await open({ table: events, to });
    const stop = new AbortController();
    let end = () => {};
    const silent: Source<number> = {
      name: "silent",
      recovery: "none",
      async *read() {
        yield slice("a", 1, 1, 2);
        yield slice("b", 1, 3);
        await new Promise<void>((resolve) => {
          end = resolve;
        });
      },
      ...(isKnowing && { stop: () => end() }),
    };
    const from = map(asyncMap(silent, calls.act, { ordered: isKnowing }), (n) => ({ n }));
    const running = run({ from, into: sink, stop: stop.signal });
    await until(() => calls.begun.length === 3, "the calls");
    stop.abort();
    await turns();
    calls.finish(2, 1, 3);
    const { isStopped, positions } = await running;
    await sink.close();
    assert.deepEqual([isStopped, positions], [true, { a: 1, b: 1 }]);
    assert.equal(to.batches.flatMap(rowsOf).length, 3);
  }
});

test("a source that fails: what it gave before leaves, and then its error", async () => {
  const source = sliced([], {
    async *read() {
      yield slice("a", 1, 1, 2);
      throw new Error("the source broke");
    },
  });
  const { ended, places } = reading(asyncMap(source, (n) => pause(5, n)));
  await assert.rejects(ended, /the source broke/);
  assert.deepEqual(places(), ["a1"]);
});

/** Notes what is told of partitions. */
function ownership(told: unknown[]): PartitionOwnership {
  return {
    async assigned(partitions) {
      told.push(["assigned", ...partitions]);
      return {};
    },
    async revoked(partitions) {
      told.push(["revoked", ...partitions]);
      return true;
    },
    lost: (partitions) => void told.push(["lost", ...partitions]),
    generation: () => 0,
  };
}

test("a partition that is revoked waits for its records on their way; one that is lost does not", async () => {
  const calls = gates();
  const told: unknown[] = [];
  let owned!: PartitionOwnership;
  let go = () => {};
  const source = sliced<number>([], {
    async *read(_from, _signal, context) {
      owned = context!.partitions;
      await owned.assigned(["a", "b", "c"]);
      yield slice("a", 1, 1);
      yield slice("b", 1, 2);
      yield slice("c", 1, 3);
      await new Promise<void>((resolve) => {
        go = resolve;
      });
    },
  });
  const context = { isContinued: true, partitions: ownership(told) };
  const { ended, places } = reading(asyncMap(source, calls.act), context);
  await until(() => calls.begun.length === 3, "the calls");
  const revoked = owned.revoked(["a"], 60_000);
  await turns();
  assert.deepEqual(told, [["assigned", "a", "b", "c"]]);
  owned.lost(["b"]);
  assert.ok(calls.signals.get(2)!.aborted && !calls.signals.get(1)!.aborted);
  calls.finish(1);
  assert.equal(await revoked, true);
  assert.deepEqual(told.slice(1), [
    ["lost", "b"],
    ["revoked", "a"],
  ]);
  assert.deepEqual(places(), ["a1"], "it has left before whoever reads is told");
  assert.equal(await owned.revoked(["c"], 5), false, "not in time");
  assert.deepEqual(told.at(-1), ["lost", "c"]);
  assert.ok(calls.signals.get(3)!.aborted);
  go();
  await ended;
  assert.deepEqual(places(), ["a1"]);
});

test("options that make no sense are refused", () => {
  const source = sliced([]);
  for (const options of [
    { capacity: 0 },
    { capacity: 1.5 },
    { ordered: 1 },
    { timeoutMs: 0 },
    { timeoutMs: Infinity },
    { onTimeout: 1 },
    { retry: {} },
    { retry: { attempts: 0 } },
    { retry: { attempts: 2, baseMs: -1 } },
    { retry: { attempts: 2, if: true } },
    { retry: { attempts: 2, tries: 3 } },
    { capacty: 3 },
  ])
    assert.throws(() => asyncMap(source, (n) => n, options as never), { code: "BAD_OPTION" }, JSON.stringify(options));
});

/** Numbers of some partitions, from the positions that were stored; it breaks where it is told to. */
function numbered(lists: readonly (readonly number[])[], perSlice: number, breakAfter: number): Source<number> {
  return {
    name: "numbered",
    recovery: "position",
    async *read(from) {
      const at = lists.map((_, p) => Number(from[`p${p}`] ?? 0));
      for (let given = 0; lists.some((list, p) => at[p]! < list.length); )
        for (const [p, list] of lists.entries()) {
          if (at[p]! >= list.length) continue;
          if (++given > breakAfter) throw new Error("the source broke");
          const records = list.slice(at[p]!, at[p]! + perSlice);
          at[p]! += records.length;
          yield { partition: `p${p}`, position: at[p]!, records, placeOf: (i) => `${p}:${records[i]}` };
        }
    },
  };
}

const life = fc.record({ breakAfter: fc.integer({ min: 0, max: 12 }), abortAfter: fc.integer({ min: 0, max: 40 }) });

test(`random delays, failures, timeouts and crashes: as Array.map() would have it, each record once (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 25 }), { minLength: 1, maxLength: 3 }),
      fc.array(life, { maxLength: 4 }),
      fc.record({ capacity: fc.integer({ min: 1, max: 9 }), ordered: fc.boolean() }),
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 75, maxLength: 75 }),
      async (counts, lives, options, perSlice, fates) => {
        let n = 0;
        const lists = counts.map((count) => Array.from({ length: count }, () => n++));
        const disk = memoryDisk();
        const to = memory();
        const deadLetter = memoryDeadLetter();
        // The fate of a record is its own: it is the same in every life.
        const act = async (each: number, { attempt, signal }: { attempt: number; signal: AbortSignal }) => {
          const fate = fates[each]!;
          if (fate > 3) await pause(fate % 3);
          if (fate === 9) throw new Error("for good");
          if (fate === 8) await pause(60_000, undefined, { signal, ref: false });
          if (fate === 7 && attempt === 1) throw new Error("once");
          return { n: each * 2 };
        };
        for (const { breakAfter, abortAfter } of [...lives, { breakAfter: Infinity, abortAfter: Infinity }]) {
          const sink = await open({
            ...{ table: events, to, parallelism: 0, retryBaseMs: 1, deadLetter },
            ...{ deliveryGuarantee: "exactly-once", state: stateOn(disk, "state") },
          });
          const stop = new AbortController();
          let slices = 0;
          const left: number[] = [];
          const policy = { ...options, timeoutMs: 40, retry: { attempts: 2, baseMs: 1 } };
          const running = run({
            from: map(asyncMap(numbered(lists, perSlice, breakAfter), act, policy), (record) => {
              left.push(record.n / 2);
              return record;
            }),
            ...{ into: sink, checkpointMs: 1, signal: stop.signal },
            onProgress: () => {
              if (++slices > abortAfter) stop.abort();
            },
          });
          if (breakAfter === Infinity) await running;
          else await running.catch(() => {});
          await sink.close();
          if (!options.ordered) continue;
          for (const list of lists) {
            const ofList = left.filter((each) => list.includes(each));
            assert.deepEqual(
              ofList,
              [...ofList].sort((a, b) => a - b),
              "in order",
            ); // epochs may be committed in another
          }
        }
        const isKept = (each: number) => fates[each]! < 8;
        const arrived = to.batches.flatMap(rowsOf).map(([text]) => Number(text) / 2);
        assert.equal(new Set(arrived).size, arrived.length, "none twice");
        assert.deepEqual(
          arrived.filter((each) => !isKept(each)),
          [],
          "none that fails",
        );
        // On a slow machine a record that could be done may have been late.
        const isLetter = ({ original, reason }: { original: unknown; reason: string }) =>
          !isKept(original as number) || /not done within/.test(reason);
        assert.deepEqual(
          deadLetter.letters.filter((letter) => !isLetter(letter)),
          [],
        );
        const known = new Set([...arrived, ...deadLetter.letters.map(({ original }) => original as number)]);
        assert.deepEqual(
          [...known].sort((a, b) => a - b),
          lists.flat(),
          "none lost",
        );
      },
    ),
    { seed, numRuns: 30 },
  );
});
