import assert from "node:assert/strict";
import { test } from "node:test";
import { createClock } from "../../../src/emulator/engine/clock.ts";
import { datetimeText } from "../../../src/emulator/values/ticks.ts";

test("the clock runs with the machine's, at its speed, and can be put forward", () => {
  let real = Date.UTC(2020, 0, 1);
  const clock = createClock(() => real);
  assert.equal(datetimeText(clock.ticks()), "2020-01-01T00:00:00Z");
  real += 1_000;
  assert.equal(clock.now(), Date.UTC(2020, 0, 1, 0, 0, 1));
  clock.speed = 60;
  assert.equal(clock.now(), Date.UTC(2020, 0, 1, 0, 0, 1), "a new speed holds from now on");
  real += 1_000;
  assert.equal(clock.now(), Date.UTC(2020, 0, 1, 0, 1, 1));
  clock.advance(3_600_000);
  assert.equal(clock.now(), Date.UTC(2020, 0, 1, 1, 1, 1));
  clock.speed = 0.5;
  real += 1_000;
  assert.equal(clock.now(), Date.UTC(2020, 0, 1, 1, 1, 1, 500));
  real -= 10_000;
  const before = clock.now();
  assert.equal(before, Date.UTC(2020, 0, 1, 1, 1, 1), "set back, it stands still");
});

test("who waits goes on when the clock is put far enough, and not before", async () => {
  const clock = createClock();
  let isOver = false;
  const waiting = clock.wait(3_600_000).then(() => {
    isOver = true;
  });
  clock.advance(3_500_000);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isOver, false);
  clock.advance(100_000);
  await waiting;
  const far = clock.wait(30 * 86_400_000); // longer than a timer of the platform can be
  await new Promise((resolve) => setImmediate(resolve));
  clock.speed = 1e12;
  await far;
});

test("a wait ends with its signal", async () => {
  const clock = createClock();
  const stop = new AbortController();
  const waiting = clock.wait(3_600_000, stop.signal);
  stop.abort();
  await assert.rejects(waiting, { code: "ABORTED" });
  await assert.rejects(clock.wait(1, stop.signal), { code: "ABORTED" });
});

test("a speed or a step that is none is refused", () => {
  const clock = createClock();
  for (const speed of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    assert.throws(() => {
      clock.speed = speed;
    }, RangeError);
  for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) assert.throws(() => clock.advance(ms), RangeError);
});
