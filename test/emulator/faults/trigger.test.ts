import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type FaultTiming, fraction, trigger } from "../../../src/emulator/faults/trigger.ts";

/** Which of the first `count` are struck, from 0; one a millisecond. */
function struckOf(timing: FaultTiming, count = 12, seed = 1): number[] {
  let now = 0;
  const asked = trigger(timing, { seed, now: () => now });
  return Array.from({ length: count }, (_, n) => n).filter((n) => {
    now = n;
    return asked.strikes();
  });
}

test("one by default, then some, some not, each so-manieth, for a time", () => {
  assert.deepEqual(struckOf({}), [0]);
  assert.deepEqual(struckOf({ times: 3 }), [0, 1, 2]);
  assert.deepEqual(struckOf({ after: 2, times: 2 }), [2, 3]);
  assert.deepEqual(struckOf({ every: 4 }), [3, 7, 11]);
  assert.deepEqual(struckOf({ every: 4, after: 1, times: 2 }), [4, 8]);
  assert.deepEqual(struckOf({ fromMs: 3, forMs: 2 }), [3, 4]);
  assert.deepEqual(struckOf({ fromMs: 3, forMs: 6, every: 2 }), [4, 6, 8]);
  assert.deepEqual(struckOf({ chance: 0 }), []);
  assert.deepEqual(struckOf({ chance: 1, after: 10 }), [10, 11]);
});

test("property: by chance, the same seed strikes the same ones, about as many as it says", () => {
  fc.assert(
    fc.property(fc.integer(), fc.double({ min: 0, max: 1, noNaN: true }), (seed, chance) => {
      const struck = struckOf({ chance }, 2_000, seed);
      assert.deepEqual(struck, struckOf({ chance }, 2_000, seed));
      // Six standard deviations of a fair draw.
      assert.ok(Math.abs(struck.length - 2_000 * chance) <= 6 * Math.sqrt(2_000 * chance * (1 - chance)) + 1);
    }),
  );
  assert.notDeepEqual(struckOf({ chance: 0.5 }, 50, 1), struckOf({ chance: 0.5 }, 50, 2));
});

test("property: a fraction is from 0 to 1, without 1", () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat(), (seed, n) => {
      const drawn = fraction(seed, n);
      assert.ok(drawn >= 0 && drawn < 1);
    }),
  );
});

test("a fault is over when it has struck as often as it shall, and when its time is", () => {
  let now = 0;
  const counted = trigger({ times: 1 }, { seed: 1, now: () => now });
  const timed = trigger({ forMs: 10 }, { seed: 1, now: () => now });
  assert.deepEqual([counted.isOver, timed.isOver], [false, false]);
  counted.strikes();
  now = 10;
  assert.deepEqual([counted.isOver, counted.struck, timed.isOver, timed.strikes()], [true, 1, true, false]);
});
