import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { delayBeforeNext, mostAttempts, type Retry, sleep, withRetries } from "../../src/deliver/backoff.ts";
import { MillraceError } from "../../src/errors.ts";

const never = new AbortController().signal;
const policy = { retryBaseMs: 200, retryMaxMs: 10_000, retryTimeoutMs: 300_000 };
const busy = (retryAfterMs?: number) =>
  new MillraceError("THROTTLED", "busy", { retryable: true, ...(retryAfterMs !== undefined && { retryAfterMs }) });

test("the ceiling doubles with each attempt, up to the maximum", () => {
  const most = (attempt: number) => delayBeforeNext(policy, attempt, 0, undefined, () => 0.999_999_999);
  assert.deepEqual([1, 2, 3, 4, 5, 6, 7, 8].map(most), [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
});

test("any delay lies between nothing and the ceiling, and never passes the time limit", () => {
  const whole = (max: number) => fc.integer({ min: 1, max });
  fc.assert(
    fc.property(
      fc.record({ retryBaseMs: whole(60_000), retryMaxMs: whole(600_000), retryTimeoutMs: whole(600_000) }),
      whole(mostAttempts - 1),
      fc.nat(600_000),
      fc.option(fc.nat(100_000), { nil: undefined }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (own, attempt, elapsed, retryAfter, random) => {
        const delay = delayBeforeNext(own, attempt, elapsed, retryAfter, () => random);
        if (delay === undefined) return true;
        const jitter = delay - (retryAfter ?? 0);
        return jitter >= 0 && jitter <= own.retryMaxMs && elapsed + delay <= own.retryTimeoutMs;
      },
    ),
  );
});

test("what the server asked for is waited in full", () => {
  assert.equal(
    delayBeforeNext(policy, 1, 0, 30_000, () => 0),
    30_000,
  );
  assert.equal(
    delayBeforeNext(policy, 1, 0, 400_000, () => 0),
    undefined,
    "longer than there is time",
  );
});

/** A clock that goes only by sleeping. */
function clockOf(random = () => 0.5) {
  let time = 0;
  const delays: number[] = [];
  return {
    delays,
    now: () => time,
    random,
    async sleep(ms: number) {
      delays.push(ms);
      time += ms;
    },
  };
}

test("a retryable failure is tried again until it succeeds, and each retry is told", async () => {
  const clock = clockOf();
  const told: Retry[] = [];
  const act = async (attempt: number) => {
    if (attempt < 4) throw busy();
    return attempt;
  };
  assert.equal(await withRetries("testing", policy, never, act, (retry) => told.push(retry), clock), 4);
  assert.deepEqual(clock.delays, [100, 200, 400]);
  assert.deepEqual(
    told.map(({ attempt, delayMs, error }) => [attempt, delayMs, error.code]),
    [
      [1, 100, "THROTTLED"],
      [2, 200, "THROTTLED"],
      [3, 400, "THROTTLED"],
    ],
  );
});

test("it gives up when the time is over, with the last error", async () => {
  const clock = clockOf();
  let attempts = 0;
  const act = async () => {
    attempts++;
    throw busy();
  };
  await assert.rejects(
    withRetries("testing", policy, never, act, () => {}, clock),
    { code: "THROTTLED" },
  );
  assert.ok(clock.now() <= policy.retryTimeoutMs, `${clock.now()}`);
  assert.ok(clock.now() > policy.retryTimeoutMs - policy.retryMaxMs);
  assert.equal(attempts, clock.delays.length + 1);
});

test("no delay at all still ends", async () => {
  let attempts = 0;
  const act = async () => {
    attempts++;
    throw busy();
  };
  await assert.rejects(
    withRetries(
      "testing",
      policy,
      never,
      act,
      () => {},
      clockOf(() => 0),
    ),
  );
  assert.equal(attempts, mostAttempts);
});

test("a failure for good is not repeated; a stray exception is a defect and is not either", async () => {
  const clock = clockOf();
  const refused = async () => {
    throw new MillraceError("BAD_REQUEST", "no");
  };
  const broken = async () => {
    throw new TypeError("x is not a function");
  };
  await assert.rejects(
    withRetries("testing", policy, never, refused, () => {}, clock),
    { code: "BAD_REQUEST" },
  );
  await assert.rejects(
    withRetries("testing", policy, never, broken, () => {}, clock),
    { code: "INTERNAL" },
  );
  assert.deepEqual(clock.delays, []);
});

test("an abort ends the wait at once", async () => {
  const controller = new AbortController();
  const act = async () => {
    throw busy(60_000);
  };
  const trying = withRetries("testing", policy, controller.signal, act, () => controller.abort(new Error("enough")));
  await assert.rejects(trying, { code: "ABORTED" });
  await assert.rejects(sleep(60_000, controller.signal, "testing"), { code: "ABORTED" });
});
