import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BatchItem, batcher } from "../../../src/emulator/ingest/batcher.ts";
import { defaultBatching, parseBatchingPolicy } from "../../../src/emulator/ingest/batching-policy.ts";

interface Timer {
  readonly at: number;
  readonly act: () => void;
}

/** A clock that moves when it is told to. */
function clock() {
  let now = 0;
  let timers: Timer[] = [];
  return {
    schedule(ms: number, act: () => void) {
      const timer = { at: now + ms, act };
      timers.push(timer);
      return () => {
        timers = timers.filter((each) => each !== timer);
      };
    },
    pass(ms: number) {
      now += ms;
      for (const timer of timers.filter(({ at }) => at <= now)) {
        timers = timers.filter((each) => each !== timer);
        timer.act();
      }
    },
    get pending() {
      return timers.length;
    },
  };
}

const item = (key: string, blob: string, more: Partial<BatchItem> = {}): BatchItem => ({
  key,
  blob,
  rawBytes: 1,
  alone: undefined,
  ...more,
});

function started() {
  const time = clock();
  const sealed: string[] = [];
  const batches = batcher<BatchItem>(time.schedule, ({ items, reason }) => {
    sealed.push(`${reason}: ${items.map(({ blob }) => blob).join(" ")}`);
  });
  return { time, sealed, batches };
}

const policy = { timeMs: 1_000, items: 3, rawBytes: 100 };

test("a batch is sealed by its time, its count or its size, whichever comes first; keys are apart", () => {
  const { time, sealed, batches } = started();
  batches.add(item("T", "1"), policy);
  batches.add(item("U", "a"), policy);
  time.pass(999);
  batches.add(item("T", "2"), policy);
  assert.deepEqual(sealed, []);
  time.pass(1);
  assert.deepEqual(sealed.splice(0), ["Time: 1 2", "Time: a"]);
  for (const blob of ["3", "4", "5", "6"]) batches.add(item("T", blob), policy);
  assert.deepEqual(sealed.splice(0), ["Count: 3 4 5"]);
  batches.add(item("T", "7", { rawBytes: 99 }), policy);
  assert.deepEqual(sealed.splice(0), ["Size: 6 7"]);
  assert.equal(batches.waiting, 0);
  assert.equal(time.pending, 0);
});

test("a blob that must be alone goes at once and leaves the open batch as it is; so does everything without a time", () => {
  const { time, sealed, batches } = started();
  batches.add(item("T", "1"), policy);
  batches.add(item("T", "2", { alone: "SingleBlob_FlushImmediately" }), policy);
  batches.add(item("T", "3"), { ...policy, timeMs: 0 });
  assert.deepEqual(sealed.splice(0), ["SingleBlob_FlushImmediately: 2", "Time: 3"]);
  time.pass(1_000);
  assert.deepEqual(sealed, ["Time: 1"]);
});

test("the same blob twice in one batch is taken once; in the next batch it is taken again", () => {
  const { sealed, time, batches } = started();
  assert.equal(batches.add(item("T", "1"), policy), true);
  assert.equal(batches.add(item("T", "1"), policy), false);
  time.pass(1_000);
  assert.equal(batches.add(item("T", "1"), policy), true);
  assert.deepEqual(sealed, ["Time: 1"]);
});

test("close() forgets the open batches and leaves no timer", () => {
  const { time, sealed, batches } = started();
  batches.add(item("T", "1"), policy);
  batches.close();
  assert.equal(time.pending, 0);
  time.pass(10_000);
  assert.deepEqual(sealed, []);
});

test("property: every blob is in exactly one batch of its key, and no batch is over its bounds", () => {
  const step = fc.oneof(
    fc.record({ key: fc.constantFrom("T", "U"), rawBytes: fc.integer({ min: 0, max: 60 }) }),
    fc.record({ pass: fc.integer({ min: 0, max: 1_500 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const time = clock();
      const seen: BatchItem[] = [];
      const batches = batcher<BatchItem>(time.schedule, ({ items }) => {
        assert.ok(items.length <= policy.items);
        assert.equal(new Set(items.map(({ key }) => key)).size, 1);
        const before = items.slice(0, -1).reduce((sum, { rawBytes }) => sum + rawBytes, 0);
        assert.ok(before < policy.rawBytes);
        seen.push(...items);
      });
      let count = 0;
      for (const each of steps) {
        if ("pass" in each) time.pass(each.pass);
        else batches.add(item(each.key, String(count++), { rawBytes: each.rawBytes }), policy);
      }
      assert.equal(seen.length + batches.waiting, count);
      time.pass(1_000);
      assert.equal(new Set(seen.map(({ blob }) => blob)).size, count);
      assert.equal(seen.length, count);
    }),
  );
});

test("a policy's bounds are the service's, and its defaults too", () => {
  assert.deepEqual(parseBatchingPolicy("{}"), { timeMs: 300_000, items: 500, rawBytes: 1_073_741_824 });
  assert.deepEqual(
    parseBatchingPolicy(
      '{"MaximumBatchingTimeSpan":"00:00:30","maximumNumberOfItems":20,"MaximumRawDataSizeMB":300}',
      defaultBatching,
    ),
    { timeMs: 30_000, items: 20, rawBytes: 314_572_800 },
  );
  assert.equal(parseBatchingPolicy("null"), undefined);
  for (const [broken, named] of [
    ['{"MaximumBatchingTimeSpan":"00:00:09"}', /MaximumBatchingTimeSpan.*00:00:10/],
    ['{"MaximumBatchingTimeSpan":"00:30:01"}', /MaximumBatchingTimeSpan/],
    ['{"MaximumNumberOfItems":0}', /MaximumNumberOfItems/],
    ['{"MaximumNumberOfItems":25001}', /MaximumNumberOfItems/],
    ['{"MaximumRawDataSizeMB":99}', /MaximumRawDataSizeMB/],
    ['{"MaximumRawDataSizeMB":"x"}', /MaximumRawDataSizeMB/],
    ["[]", /JSON object/],
    ["x", /JSON object/],
  ] as const)
    assert.throws(() => parseBatchingPolicy(broken), { message: named }, broken);
});
