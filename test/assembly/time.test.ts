import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileKernels, textOf } from "./compile-kernels.ts";

// The oracles are Date.toISOString for what it can say (milliseconds), and BigInt division for ticks.

const kernels = await compileKernels();
const out = kernels.arena();
const datetime = (ticks: bigint) => textOf(kernels, out, kernels.writeDatetime(out, ticks));
const timespan = (ticks: bigint) => textOf(kernels, out, kernels.writeTimespan(out, ticks));

const ticksPerMs = 10_000n;
const ticksPerSecond = 10_000_000n;
const ticksPerDay = 86_400n * ticksPerSecond;
const firstMs = Date.parse("0001-01-01T00:00:00Z");
const lastMs = Date.parse("9999-12-31T23:59:59.999Z");
const lastTicks = BigInt(lastMs - firstMs) * ticksPerMs + 9_999n;

/** Milliseconds from Date, the four digits behind them from the ticks. */
function expectedDatetime(ticks: bigint): string {
  const iso = new Date(firstMs + Number(ticks / ticksPerMs)).toISOString().slice(0, -1);
  const text = iso + (ticks % ticksPerMs).toString().padStart(4, "0");
  return `${text.replace(/\.?0+$/, (zeros, at) => (at < 19 ? zeros.slice(0, 19 - at) : ""))}Z`;
}

function expectedTimespan(ticks: bigint): string {
  const magnitude = ticks < 0n ? -ticks : ticks;
  const days = magnitude / ticksPerDay;
  const seconds = (magnitude / ticksPerSecond) % 86_400n;
  const two = (v: bigint) => v.toString().padStart(2, "0");
  const fraction = (magnitude % ticksPerSecond).toString().padStart(7, "0").replace(/0+$/, "");
  const clock = `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`;
  return `${ticks < 0n ? "-" : ""}${days > 0n ? `${days}.` : ""}${clock}${fraction === "" ? "" : `.${fraction}`}`;
}

test("datetimes one knows", () => {
  assert.equal(datetime(0n), "0001-01-01T00:00:00Z");
  assert.equal(datetime(lastTicks), "9999-12-31T23:59:59.9999999Z");
  assert.equal(datetime(621_355_968_000_000_000n), "1970-01-01T00:00:00Z");
  assert.equal(datetime(621_355_967_999_999_999n), "1969-12-31T23:59:59.9999999Z");
  assert.equal(datetime(637_134_876_450_000_000n), "2020-01-01T15:00:45Z");
  assert.equal(datetime(637_134_876_450_500_000n), "2020-01-01T15:00:45.05Z");
});

test("every day of the 9999 years", () => {
  const day = 86_400_000;
  for (let ms = firstMs; ms <= lastMs; ms += day) {
    const text = datetime(BigInt(ms - firstMs) * ticksPerMs);
    const expected = new Date(ms).toISOString();
    if (text.slice(0, 11) !== expected.slice(0, 11)) assert.equal(text, expected);
  }
});

test("every second of a day", () => {
  for (let second = 0n; second < 86_400n; second++) {
    const ticks = second * ticksPerSecond;
    const text = timespan(ticks);
    if (text !== expectedTimespan(ticks)) assert.equal(text, expectedTimespan(ticks));
  }
});

test("fractions of every length, at the seams of seconds, days and the range", () => {
  for (const base of [0n, ticksPerSecond, ticksPerDay, 730_000n * ticksPerDay, lastTicks - ticksPerSecond]) {
    for (let unit = 1n; unit < ticksPerSecond; unit *= 10n) {
      for (const ticks of [base + unit, base + 9n * unit, base + ticksPerSecond - unit]) {
        if (ticks > lastTicks) continue;
        assert.equal(datetime(ticks), expectedDatetime(ticks));
        assert.equal(timespan(ticks), expectedTimespan(ticks));
        assert.equal(timespan(-ticks), expectedTimespan(-ticks));
      }
    }
  }
});

test("timespans at the ends of 64 bits", () => {
  assert.equal(timespan(0n), "00:00:00");
  assert.equal(timespan(-1n), "-00:00:00.0000001");
  assert.equal(timespan((1n << 63n) - 1n), "10675199.02:48:05.4775807");
  assert.equal(timespan(-(1n << 63n)), "-10675199.02:48:05.4775808");
});

test("any datetime and any timespan, as properties", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: lastTicks }), (ticks) =>
      assert.equal(datetime(ticks), expectedDatetime(ticks)),
    ),
    { numRuns: 20_000 },
  );
  fc.assert(
    fc.property(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), (ticks) =>
      assert.equal(timespan(ticks), expectedTimespan(ticks)),
    ),
    { numRuns: 20_000 },
  );
});
