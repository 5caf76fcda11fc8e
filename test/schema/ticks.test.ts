import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { datetimeText, parseDatetime, parseTimespan, timespanText } from "../../src/schema/datetime-text.ts";
import { lastTick, splitMs, ticksOfMs, writeTicks } from "../../src/schema/ticks.ts";

function written(ms: number, rest: number): bigint {
  const words = new Int32Array(2);
  writeTicks(words, 0, ms, rest);
  return new BigInt64Array(words.buffer)[0]!;
}

const anyTicks = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

test("ticks written from doubles are BigInt's ticks, over all 64 bits", () => {
  const check = (ticks: bigint): void => {
    const rest = ((ticks % 10_000n) + 10_000n) % 10_000n;
    assert.equal(written(Number((ticks - rest) / 10_000n), Number(rest)), ticks);
  };
  for (const ticks of [
    0n,
    1n,
    -1n,
    -10_000n,
    2n ** 32n - 1n,
    2n ** 32n,
    -(2n ** 32n),
    lastTick,
    2n ** 63n - 1n,
    -(2n ** 63n),
  ])
    check(ticks);
  fc.assert(fc.property(anyTicks, check), { numRuns: 2000 });
});

test("datetime text reads back to its ticks", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: lastTick }), (ticks) => {
      const into = { ms: 0, rest: 0 };
      assert.equal(parseDatetime(datetimeText(ticks), into), undefined);
      assert.equal(written(into.ms, into.rest), ticks);
    }),
    { numRuns: 1000 },
  );
});

test("every day from 0001 to 9999 is where Date has it", () => {
  const into = { ms: 0, rest: 0 };
  for (let day = 0; day < 3_652_059; day += 7) {
    const ms = day * 86_400_000;
    const text = new Date(ms - 62_135_596_800_000).toISOString().slice(0, 10);
    assert.equal(parseDatetime(text, into), undefined, text);
    assert.equal(into.ms, ms, text);
  }
});

test("timespan text reads back to its ticks", () => {
  fc.assert(
    fc.property(anyTicks, (ticks) => {
      const into = { ms: 0, rest: 0 };
      assert.ok(parseTimespan(timespanText(ticks), into));
      assert.equal(written(into.ms, into.rest), ticks);
    }),
    { numRuns: 1000 },
  );
});

test("a text of milliseconds is rounded to the tick as a number of them is", () => {
  fc.assert(
    // So many digits as a double holds, but none that stands between two ticks for a double.
    fc.property(
      fc.integer({ min: -1_000_000, max: 1_000_000 }),
      fc.integer({ min: 0, max: 99_999 }),
      (whole, fraction) => {
        const text = `${whole}.${String(fraction).padStart(5, "0")}`;
        const ticks = { ms: 0, rest: 0 };
        splitMs(Number(text), ticks);
        const isBetween = fraction % 10 === 5;
        if (!isBetween) assert.equal(ticksOfMs(text), BigInt(ticks.ms) * 10_000n + BigInt(ticks.rest), text);
      },
    ),
    { numRuns: 2_000 },
  );
  assert.equal(ticksOfMs("1700000000000.12345"), 17_000_000_000_001_235n);
  assert.equal(ticksOfMs("-0.00005"), 0n);
  assert.equal(ticksOfMs("9".repeat(20)), BigInt("9".repeat(20)) * 10_000n);
  for (const text of ["1e400", "", "9".repeat(21), ".5", "1,5"]) assert.equal(ticksOfMs(text), undefined);
});
