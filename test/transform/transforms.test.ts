import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { memoryDeadLetter } from "../../src/deliver/dead-letter.ts";
import { memory } from "../../src/destination/memory.ts";
import { asyncMap, coerce, filter, flatMap, iterable, MillraceError, map, open, run } from "../../src/index.ts";
import { k, table } from "../../src/schema/table.ts";
import type { PartitionOwnership, Slice, Source } from "../../src/source/source.ts";
import { BrokerSource, broker } from "../broker.ts";
import { rowsOf } from "../rows-of.ts";
import { Methods, sliced, slicesOf } from "./sources.ts";

const events = table("Events", { n: k.int() });
const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000);
const isOdd = (n: number) => n % 2 === 1;

/** Each of them, with functions that leave the records as they are. */
const same: readonly (readonly [string, (source: Source<number>) => Source<number>])[] = [
  ["map", (source) => map(source, (n) => n)],
  ["filter", (source) => filter(source, () => true)],
  ["flatMap", (source) => flatMap(source, (n) => [n])],
  ["asyncMap", (source) => asyncMap(source, async (n) => n)],
  ["asyncMap, unordered", (source) => asyncMap(source, async (n) => n, { ordered: false })],
];

for (const [name, transform] of same) {
  test(`${name}: all that belongs to a slice stays: position, places, origins, refusals, moved, dropped, bytes`, async () => {
    const [slice] = await slicesOf(transform(sliced([new Methods()])));
    const { partition, position, records, moved, dropped, bytes } = slice!;
    assert.deepEqual(
      { partition, position, records, moved, dropped, bytes },
      { partition: "p", position: 4, records: [1, 2, 3], moved: { q: null }, dropped: ["gone"], bytes: 12 },
    );
    assert.deepEqual(
      [0, 1, 2].map((i) => slice!.placeOf!(i)),
      ["m:1", "m:2", "m:3"],
    );
    const isConverted = name === "filter" ? {} : { isConverted: true };
    const origins = [0, 1, 2].map((i) => slice!.originOf?.(i));
    const given = [1, 2, 3].map((n) => ({ original: `text ${n}`, source: { format: "ndjson" } }));
    assert.deepEqual(origins, name === "filter" ? given : [undefined, undefined, undefined]);
    assert.deepEqual(slice!.refused, [
      { place: "m:0", reason: "not JSON", original: "{", source: { format: "ndjson", ...isConverted } },
    ]);
  });

  test(`${name}: a source of a class stays what it is`, async () => {
    const queue = broker(7);
    const source = new BrokerSource(queue);
    const transformed = transform(map(source, ({ n }) => n));
    assert.deepEqual([transformed.name, transformed.recovery, transformed.lease?.everyMs], ["broker", "redelivery", 1]);
    const to = memory();
    const sink = await open({ table: events, to });
    await run({ from: map(transformed, (n) => ({ n })), into: sink });
    await sink.close();
    assert.equal(queue.left, 0);
    assert.deepEqual(source.calls, ["read from {}", "acknowledge", "release", "close"]);
    assert.equal(to.batches.flatMap(rowsOf).length, 7);
  });

  test(`${name}: what is no source or function, and unknown options, are refused`, () => {
    assert.throws(() => transform({} as never), { code: "BAD_OPTION", message: /\(\): source is an object/ });
  });
}

test("a function that throws sends its record to the dead letter, with place, origin and reason; its neighbours arrive", async () => {
  const boom = (n: number) => {
    if (n === 2) throw new Error("boom");
    return { n };
  };
  const cases: readonly (readonly [string, (source: Source<number>) => Source<{ n: number }>])[] = [
    ["map() threw: boom", (source) => map(source, boom)],
    [
      "filter() threw: boom",
      (source) =>
        map(
          filter(source, (n) => boom(n)),
          (n) => ({ n }),
        ),
    ],
    ["flatMap() threw: boom", (source) => flatMap(source, (n) => [boom(n)])],
    [
      "flatMap() threw: boom",
      (source) =>
        flatMap(source, function* (n) {
          yield { n };
          boom(n);
        }),
    ],
    ["asyncMap() threw: boom", (source) => asyncMap(source, async (n) => boom(n))],
    ["asyncMap() threw: boom", (source) => asyncMap(source, boom, { ordered: false })],
    ["asyncMap() in attempt 3 threw: boom", (source) => asyncMap(source, boom, { retry: { attempts: 3, baseMs: 1 } })],
    [
      "asyncMap(): its function was not done within 1 ms",
      (source) => asyncMap(source, async (n) => (n === 2 ? new Promise<never>(() => {}) : { n }), { timeoutMs: 1 }),
    ],
  ];
  for (const [reason, transform] of cases) {
    const deadLetter = memoryDeadLetter();
    const to = memory();
    const sink = await open({ table: events, to, deadLetter });
    const slice: Slice<number> = { ...new Methods(), refused: [], placeOf: (i) => `m:${i + 1}` };
    const origin = { originOf: (i: number) => ({ original: `text ${i + 1}`, source: { format: "json" } as const }) };
    const { read } = await run({ from: transform(sliced([{ ...slice, ...origin }])), into: sink });
    await sink.close();
    assert.deepEqual(to.batches.flatMap(rowsOf), [["1"], ["3"]], reason);
    const isFiltered = reason.startsWith("filter");
    assert.deepEqual(
      deadLetter.letters.map(({ place, reason, original, source }) => ({ place, reason, original, source })),
      [
        {
          place: "m:2",
          reason: `Table Events: m:2: ${reason}`,
          original: "text 2",
          source: { format: "json", isConverted: true },
        },
      ],
      reason,
    );
    assert.ok(isFiltered || read === 3);
  }
});

test("without a dead letter the run rejects, naming the place; what was thrown is the cause", async () => {
  const sink = await open({ table: events, to: memory() });
  const cause = new RangeError("boom");
  const from = sliced([{ partition: "p", position: 9, records: [1, 2] }]);
  const through = (n: number) => {
    if (n === 2) throw cause;
    return { n };
  };
  await assert.rejects(run({ from, into: sink, through }), {
    code: "RECORD_REFUSED",
    message: "Table Events: sliced, partition p: record 1 of the slice before position 9: through() threw: boom",
    cause,
  });
  await sink.abort();
});

test("a record that the table does not take goes to the dead letter as it can be written again", async () => {
  const deadLetter = memoryDeadLetter();
  const sink = await open({ table: events, to: memory(), deadLetter });
  const csv = sliced<Record<string, string>>([
    {
      ...{ partition: "f", position: 1, records: [{ N: "x" }], placeOf: () => "f:1" },
      originOf: () => ({ original: { N: "x" }, source: { format: "csv" } }),
    },
  ]);
  const renames = [{ field: "N", column: "n" }];
  await run({ from: csv, into: sink, through: coerce(events, "csv", { renames }) });
  await run({ from: map(csv, ({ N }) => ({ n: N })) as Source<never>, into: sink });
  await run({ from: flatMap(iterable(["a"]), (n) => [{ n }, { n: 1 }]) as Source<never>, into: sink });
  await sink.close();
  assert.deepEqual(
    deadLetter.letters.map(({ original, source }) => ({ original, source })),
    [
      { original: { N: "x" }, source: { format: "csv", renames } },
      { original: { n: "x" }, source: undefined },
      { original: { n: "a" }, source: undefined },
    ],
  );
});

test("functions that wait are refused where nobody waits, and a wrong program ends the run", async () => {
  const sink = await open({ table: events, to: memory(), deadLetter: memoryDeadLetter() });
  const from = iterable([1, 2]);
  for (const source of [
    map(from, async (n) => ({ n })),
    filter(from, async () => false),
    flatMap(from, (async () => []) as never),
    map(from, () => {
      throw new MillraceError("BAD_OPTION", "returned a promise");
    }),
    asyncMap(from, async () => {
      throw new MillraceError("BAD_OPTION", "returned a promise");
    }),
  ])
    await assert.rejects(run({ from: source as Source<never>, into: sink }), {
      code: "BAD_OPTION",
      message: /returned a promise/,
    });
  await sink.close();
});

test("an onTimeout that waits is refused with a word of its own", async () => {
  const waiting = asyncMap(iterable([1]), () => new Promise<never>(() => {}), {
    timeoutMs: 1,
    onTimeout: (async () => 1) as never,
  });
  await assert.rejects(slicesOf(waiting), {
    code: "BAD_OPTION",
    message:
      "asyncMap(): onTimeout: its function returned a promise, and nobody waits for it. It gives a record at once.",
  });
});

test("a function that returns nothing sends the source's record to the dead letter; its neighbours arrive", async () => {
  const nothing = (n: number) => (n === 1 ? undefined : n === 2 ? null : { n });
  const reasons = ["undefined", "null"].map(
    (value) => `its function returned ${value}; it takes a record, and filter()`,
  );
  const late = { timeoutMs: 5, onTimeout: nothing };
  for (const [source, what] of [
    [map(sliced([new Methods()]), nothing), "map(): "],
    [asyncMap(sliced([new Methods()]), nothing), "asyncMap(): "],
    [asyncMap(sliced([new Methods()]), async (n) => nothing(n)), "asyncMap(): "],
    [asyncMap(sliced([new Methods()]), () => new Promise<never>(() => {}), late), "asyncMap(): onTimeout: "],
    [flatMap(sliced([new Methods()]), (n) => [0, nothing(n)]), "flatMap(): "],
  ] as const) {
    const [slice] = await slicesOf<unknown>(source as Source<unknown>);
    assert.deepEqual(slice!.records, what === "flatMap(): " ? [0, { n: 3 }] : [{ n: 3 }]);
    const refused = slice!.refused!.slice(1);
    assert.deepEqual(
      refused.map(({ original, place }) => [original, place]),
      [
        ["text 1", "m:1"],
        ["text 2", "m:2"],
      ],
    );
    for (const [index, { reason }] of refused.entries())
      if (what === "flatMap(): ")
        assert.equal(reason, `flatMap(): record 1 of what its function returned is ${["undefined", "null"][index]}`);
      else assert.ok(reason.startsWith(what + reasons[index]!), reason);
  }
});

for (const [name, transform] of same)
  test(`${name}: what is no slice ends the run with BAD_SOURCE, and so does a read() that returns nothing to read`, async () => {
    for (const wrong of [undefined, null, 1, {}, { partition: "p" }, { partition: 1, records: [] }]) {
      const sink = await open({ table: events, to: memory() });
      const source = sliced<number>([{ partition: "p", position: 1, records: [7] }, wrong as never]);
      const from = map(transform(source), (n) => ({ n }));
      await assert.rejects(run({ from, into: sink }), {
        code: "BAD_SOURCE",
        message: /^Source sliced gave .+ that is no slice/,
      });
      await sink.close();
    }
    for (const nothing of [undefined, {}, [1]]) {
      const source: Source<number> = { name: "no reader", recovery: "none", read: () => nothing as never };
      const sink = await open({ table: events, to: memory() });
      await assert.rejects(run({ from: map(transform(source), (n) => ({ n })), into: sink }), {
        code: "BAD_SOURCE",
        message: /^Source no reader: read\(\) returned/,
      });
      await sink.close();
    }
  });

test("letters of records that coerce() took from CSV say that their values are texts", async () => {
  const deadLetter = memoryDeadLetter();
  const sink = await open({ table: events, to: memory(), deadLetter });
  const from = map(
    map(iterable(["7", "x"]), (n) => ({ n })),
    coerce(events, "csv"),
  );
  await run({ from, into: sink });
  await sink.close();
  assert.deepEqual(
    deadLetter.letters.map(({ original, source }) => [original, source]),
    [[{ n: "x" }, { format: "csv" }]],
  );
});

test("flatMap: what is no list sends its record to the dead letter", async () => {
  const [slice] = await slicesOf(flatMap(sliced([new Methods()]), ((n: number) => (n === 1 ? "text" : n)) as never));
  assert.deepEqual(slice!.records, []);
  assert.deepEqual(
    slice!.refused!.slice(1).map(({ reason }) => reason),
    ["a text", "the number 2", "the number 3"].map(
      (sort) => `flatMap(): its function returned ${sort}; it takes an array or another iterable`,
    ),
  );
});

test("a slice whose records are all left out still moves its position", async () => {
  const sink = await open({ table: events, to: memory() });
  const acknowledged: unknown[] = [];
  const source = sliced([{ partition: "a", position: 5, records: [1, 3] }], {
    async acknowledge(positions) {
      acknowledged.push(positions);
    },
  });
  const kept = filter(source, (n) => !isOdd(n));
  const { positions, read } = await run({ from: asyncMap(kept, async (n) => ({ n })), into: sink });
  assert.deepEqual([positions, read, acknowledged], [{ a: 5 }, 0, [{ a: 5 }]]);
  await sink.close();
});

test("filter() narrows the type of its records", async () => {
  const source: Source<{ n: number }> = filter(
    iterable<{ n: number } | string>([{ n: 1 }, "a"]),
    (each): each is { n: number } => typeof each === "object",
  );
  assert.deepEqual(
    (await slicesOf(source)).flatMap(({ records }) => records),
    [{ n: 1 }],
  );
});

for (const [name, transform] of same)
  test(`${name}: a partition that is revoked waits for its slice that is being changed`, async () => {
    const told: string[] = [];
    const partitions: PartitionOwnership = {
      assigned: async () => ({}),
      async revoked([partition]) {
        told.push(`revoked ${partition}`);
        return true;
      },
      lost() {},
      generation: () => 0,
    };
    let revoked: Promise<boolean> | undefined;
    const source = sliced<number>([], {
      read: (_from, _signal, context) => ({
        // Not a generator: it tells of the revocation while its slice is on its way.
        [Symbol.asyncIterator]: () => ({
          async next() {
            if (revoked) return { done: true, value: undefined };
            revoked = context!.partitions.revoked(["p"], 60_000);
            return {
              done: false,
              value: { partition: "p", position: 1, records: Array.from({ length: 640 }, (_, n) => n) },
            };
          },
        }),
      }),
    });
    // Longer than a transform holds the event loop.
    const busily = (n: number) => {
      if (n % 64 === 0) for (const end = performance.now() + 4; performance.now() < end; );
      return n;
    };
    const context = { isContinued: false, partitions };
    for await (const { records } of transform(map(source, busily)).read({}, new AbortController().signal, context))
      told.push(`${records.length} records`);
    assert.equal(await revoked, true);
    assert.deepEqual(told, ["640 records", "revoked p"]);
  });

test("a long slice does not hold the event loop", async () => {
  const source = sliced([{ partition: "a", position: 1, records: Array.from({ length: 20_000 }, (_, n) => n) }]);
  let turns = 0;
  const counting = setInterval(() => turns++);
  const slow = map(source, (n) => {
    for (const end = performance.now() + 0.002; performance.now() < end; );
    return n;
  });
  let isDone = false;
  const turn = () => {
    if (isDone) return;
    turns++;
    setImmediate(turn);
  };
  setImmediate(turn);
  const [slice] = await slicesOf(slow);
  isDone = true;
  clearInterval(counting);
  assert.equal(slice!.records.length, 20_000);
  assert.ok(turns > 2, `${turns} turns of the event loop`);
});

test(`map, filter and flatMap do what those of arrays do (seed ${seed})`, async () => {
  const slices = fc.array(fc.array(fc.integer({ min: -9, max: 99 }), { maxLength: 8 }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(slices, async (lists) => {
      const source = sliced(lists.map((records, position) => ({ partition: "p", position, records })));
      const given = await slicesOf(
        flatMap(
          filter(
            map(source, (n) => n + 1),
            isOdd,
          ),
          (n) => Array.from({ length: n % 4 }, (_, i) => `${n}.${i}`),
        ),
      );
      assert.deepEqual(
        given.map(({ position, records }) => ({ position, records })),
        lists.map((records, position) => ({
          position,
          records: records
            .map((n) => n + 1)
            .filter(isOdd)
            .flatMap((n) => Array.from({ length: n % 4 }, (_, i) => `${n}.${i}`)),
        })),
      );
    }),
    { seed },
  );
});
