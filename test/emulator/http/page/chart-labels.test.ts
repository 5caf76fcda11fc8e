import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

// The page's modules are JavaScript for browsers; these need nothing of one.
const address = new URL("../../../../src/emulator/http/page/chart-labels.js", import.meta.url).href;
const { numberLabel, timeLabels, timeTicks, timespanTicks, timespanText, valueLabel } = await import(address);

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const check = <Ts>(property: fc.IProperty<Ts>) => fc.assert(property, { seed, numRuns: 500 });
console.log(`seed ${seed}`);

test("a timespan is written as Kusto writes it", () => {
  for (const [seconds, text] of [
    [0, "00:00:00"],
    [1.5, "00:00:01.5"],
    [-90, "-00:01:30"],
    [86_400, "1.00:00:00"],
    [93_784.0000001, "1.02:03:04.0000001"],
    [59.99999999, "00:01:00"],
  ] as const)
    assert.equal(timespanText(seconds), text);
  check(
    fc.property(fc.integer({ min: -(2 ** 45), max: 2 ** 45 }), (milliseconds) => {
      const text: string = timespanText(milliseconds / 1000);
      const [, sign, days = "0", clock, fraction = ""] = /^(-?)(?:(\d+)\.)?(\d\d:\d\d:\d\d)(?:\.(\d+))?$/.exec(text)!;
      const within = Date.parse(`1970-01-01T${clock}.${fraction.padEnd(3, "0")}Z`);
      assert.equal((sign === "-" ? -1 : 1) * (Number(days) * 86_400_000 + within), milliseconds + 0, text);
    }),
  );
});

test("ticks of timespans are round, in order, and no more than there is room for", () => {
  const eighths = (min: number, max: number) => fc.integer({ min, max }).map((each) => each / 8);
  const range = fc.tuple(eighths(-(2 ** 30), 2 ** 30), eighths(8, 2 ** 30));
  check(
    fc.property(range, fc.integer({ min: 2, max: 12 }), ([min, length], most) => {
      const ticks: number[] | undefined = timespanTicks(min, min + length, most);
      if (!ticks) return assert.ok(length < most);
      assert.ok(ticks.length <= most + 1, ticks.join(" "));
      for (const at of ticks) assert.ok(at >= min && at <= min + length && Number.isInteger(at), ticks.join(" "));
      const steps = new Set(ticks.slice(1).map((at, index) => at - ticks[index]!));
      assert.ok(steps.size <= 1, "one step");
      // From minutes on every tick is on one, and from hours and days on likewise.
      for (const [unit, from] of [
        [60, 60],
        [3600, 3600],
        [86_400, 86_400],
      ] as const)
        for (const step of steps)
          if (step >= from)
            assert.ok(
              ticks.every((at) => at % unit === 0),
              ticks.join(" "),
            );
    }),
  );
});

test("ticks of times lie within the axis and have labels that differ, whatever its length", () => {
  const [first, last] = [Date.parse("0001-01-01T00:00:00Z"), Date.parse("9999-12-31T23:59:59Z")];
  check(
    fc.property(
      fc.integer({ min: first, max: last }),
      fc.double({ min: 0, max: 14.4, noNaN: true }),
      fc.integer({ min: 2, max: 14 }),
      (min, power, most) => {
        const max = Math.min(last, min + Math.max(2, Math.round(10 ** power)));
        if (max - min < 2) return;
        const ticks: number[] = timeTicks(min, max, most);
        assert.ok(
          ticks.length >= 2 &&
            ticks.every((at, index) => at >= min && at <= max && (index === 0 || at > ticks[index - 1]!)),
        );
        const labels = timeLabels(ticks).map(String);
        const isWhole = labels.every((label: string, index: number) => index === 0 || label !== labels[index - 1]);
        assert.ok(isWhole, labels.join(" | "));
      },
    ),
  );
});

test("a day or year is named where it begins, in UTC", () => {
  const at = (text: string) => Date.parse(`${text}Z`);
  assert.deepEqual(timeLabels(timeTicks(at("2026-02-28T18:00"), at("2026-03-01T12:00"), 4)), [
    ["18:00", "28 Feb 2026"],
    ["00:00", "1 Mar 2026"],
    "06:00",
    "12:00",
  ]);
  assert.deepEqual(timeLabels(timeTicks(at("2025-11-01T00:00"), at("2026-02-01T00:00"), 4)), [
    ["Nov", "2025"],
    "Dec",
    ["Jan", "2026"],
    "Feb",
  ]);
  assert.equal(valueLabel("time", at("2026-03-01T12:00")), "2026-03-01 12:00");
  assert.equal(valueLabel("time", at("2026-03-01T12:00:05.120")), "2026-03-01 12:00:05.120");
});

test("a number of an axis keeps what tells it from its neighbour", () => {
  assert.deepEqual(
    [
      numberLabel(2026, 2030),
      numberLabel(12_500, 20_000),
      numberLabel(12_500_000, 2e7),
      numberLabel(1.5e16, 2e16),
      numberLabel(2e-7, 5e-7),
    ],
    ["2026", "12,500", "12.5M", "1.5E16", "2E-7"],
  );
  assert.notEqual(numberLabel(123_456_050, 123_456_300), numberLabel(123_456_100, 123_456_300));
  assert.equal(valueLabel("number", 0.1 + 0.2), "0.3");
  assert.equal(valueLabel("number", 123_456_789.125), "123,456,789.125");
  assert.equal(valueLabel("timespan", 3661.5), "01:01:01.5");
});
