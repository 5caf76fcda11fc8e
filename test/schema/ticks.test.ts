import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { datetimeText, parseDatetime, parseTimespan, timespanText } from "../../src/schema/datetime-text.ts";
import { lastTick, writeTicks } from "../../src/schema/ticks.ts";

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
