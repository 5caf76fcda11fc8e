import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { datetimeOf, timespanOf } from "../../../src/emulator/values/text-values.ts";
import { datetimeEnd, datetimeText, timespanText, unixEpoch } from "../../../src/emulator/values/ticks.ts";

const anyDate = fc.date({
  min: new Date("0001-01-01T00:00:00Z"),
  max: new Date("9999-12-31T23:59:59.999Z"),
  noInvalidDate: true,
});

test("ISO dates are the moments that Date finds", () => {
  fc.assert(
    fc.property(anyDate, (date) => {
      const ticks = unixEpoch + BigInt(date.getTime()) * 10_000n;
      assert.equal(datetimeOf(date.toISOString()), ticks);
      assert.equal(new Date(datetimeText(ticks).replace(/^(\d{4})/, "$1")).getTime(), date.getTime());
    }),
  );
});

test("every tick has its text and back", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: datetimeEnd - 1n }), (ticks) =>
      assert.equal(datetimeOf(datetimeText(ticks)), ticks),
    ),
  );
  const any64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  fc.assert(fc.property(any64, (ticks) => assert.equal(timespanOf(timespanText(ticks)), ticks)));
});

test("texts as Kusto writes them", () => {
  assert.equal(datetimeText(0n), "0001-01-01T00:00:00Z");
  assert.equal(datetimeText(datetimeEnd - 1n), "9999-12-31T23:59:59.9999999Z");
  assert.equal(datetimeText(unixEpoch + 1_230_000n), "1970-01-01T00:00:00.123Z");
  assert.equal(timespanText(-1n), "-00:00:00.0000001");
  assert.equal(timespanText(937_845_000_000n), "1.02:03:04.5000000");
});

test("what is no date is null", () => {
  for (const text of [
    "",
    "x",
    "2020-02-30",
    "2020-13-01",
    "0000-01-01",
    "10000-01-01",
    "2020-01-01T24:00:00",
    "9999-12-31T23:59:59-01:00",
  ])
    assert.equal(datetimeOf(text), null, text);
  assert.equal(datetimeOf("2020-01-01T02:00:00+02:00"), datetimeOf("2020-01-01"));
  assert.equal(datetimeOf("Sat, 08 Nov 2014 15:05:02 GMT"), datetimeOf("2014-11-08T15:05:02"));
});

test("timespans: clock, days, units", () => {
  assert.equal(timespanOf("1"), 864_000_000_000n);
  assert.equal(timespanOf("1.5h"), 54_000_000_000n);
  assert.equal(timespanOf("2d"), 1_728_000_000_000n);
  assert.equal(timespanOf("00:00:00.12345678"), 1_234_567n);
  for (const text of ["", "x", "25:00:00", "00:60:00", "99999999999999.00:00:00"])
    assert.equal(timespanOf(text), null, text);
});
