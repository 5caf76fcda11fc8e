import assert from "node:assert/strict";
import { within } from "./patience.ts";
import { below } from "./random.ts";
import { assertOnce, type Reading, startReading, stored, thingsOf } from "./reading.ts";
import type { Rule, RuleContext } from "./rule.ts";
import type { SourceUnderTest } from "./source-under-test.ts";

const documented = "docs/sources.md#waiting-and-ending";

const unlessLive = ({ isLive }: SourceUnderTest) =>
  isLive ? undefined : "the source ends behind its last record (isLive is not set), so it never waits";

/** Rules of waiting, and of how a reading ends. */
export const endRules: readonly Rule<SourceUnderTest>[] = [
  {
    name: "a record that is written while the reading waits is given at once",
    documented,
    lacks: (subject) => unlessLive(subject) ?? (subject.put ? undefined : "put() is not given"),
    async check(subject, context) {
      const reading = startReading(subject, context);
      await reading.rest(thingsOf(subject));
      for (const _ of [1, 2]) {
        const waiting = reading.next();
        const key = await subject.put!();
        assert.deepEqual((await waiting)?.keys, [key], "what came of the reading that waited");
      }
    },
  },
  {
    name: "abort ends a reading that waits, and close() does not wait for it",
    documented,
    lacks: unlessLive,
    async check(subject, context) {
      const reading = startReading(subject, context);
      await reading.rest(thingsOf(subject));
      const waiting = settled(reading.ask());
      await new Promise(setImmediate);
      reading.abort();
      await reading.end();
      await within(context.patienceMs, "the call for a slice that was under way at the abort", waiting);
    },
  },
  {
    name: "a reading whose signal has fired before ends",
    documented,
    async check(subject, context) {
      const reading = startReading(subject, context, {}, AbortSignal.abort());
      const most = thingsOf(subject);
      const left = async () => {
        while (await reading.ask())
          assert.ok(reading.things <= 2 * most + 1_000, `${reading.things} records came, of ${most} that there are`);
      };
      await within(context.patienceMs, "a reading whose signal has fired", settled(left()));
    },
  },
  {
    name: "stop() ends the reading with what was taken, and loses nothing",
    documented,
    lacks: (subject) => (subject.source().stop ? undefined : "the source has no stop()"),
    async check(subject, context) {
      // Before the first slice, in the midst, and while a live source waits.
      const moments = [0, 1 + below(context.random, 3), ...(subject.isLive ? [Number.POSITIVE_INFINITY] : [])];
      for (const moment of moments) {
        const tried = await context.another();
        const reading = startReading(tried, context);
        if (moment === Number.POSITIVE_INFINITY) await reading.rest(thingsOf(tried));
        else await reading.take(moment);
        const waiting = moment === 0 ? undefined : reading.next();
        waiting?.catch(() => {}); // it is awaited below
        reading.source.stop!();
        if (!waiting || (await waiting)) while (await reading.next());
        if (tried.taken) assert.equal(reading.keys.length, tried.taken(), "records given, of those that were taken");
        await assertNothingLost(tried, reading, context);
      }
    },
  },
  {
    name: "release() and close() succeed where nothing was read, and free what a reading that was broken off held",
    documented,
    async check(subject, context) {
      const unread = subject.source();
      const signal = new AbortController().signal;
      await within(context.patienceMs, "release(), with nothing read", call(unread.release?.(signal)));
      await within(context.patienceMs, "close(), with nothing read", call(unread.close?.()));
      const tried = await context.another();
      const broken = startReading(tried, context);
      await broken.take(1);
      await broken.end();
      if (broken.source.recovery !== "position") return;
      const next = startReading(tried, context, stored(broken.positions));
      await next.rest(thingsOf(tried) - broken.things);
      assertOnce(tried.keys, [...broken.keys, ...next.keys], "a reading that was broken off, and the next");
    },
  },
  {
    name: "a connection that breaks is an error and no end, and close() succeeds behind it",
    documented,
    lacks: ({ interrupt }) => (interrupt ? undefined : "interrupt() is not given, so no connection can be broken"),
    async check(subject, context) {
      const reading = startReading(subject, context);
      await reading.take(1 + below(context.random, 2));
      await subject.interrupt!();
      const error = await reading.rest(thingsOf(subject)).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      // A source that connects anew gives everything.
      if (error === undefined) assertOnce(subject.keys, reading.keys, "a reading that ended without an error");
      await reading.end();
      if (reading.source.recovery === "position") return assertNothingLost(subject, reading, context);
      // Behind a failure nothing is acknowledged.
      if (!subject.broker) return;
      await subject.broker.elapse(subject.broker.leaseMs + 1);
      const next = startReading(subject, context);
      await next.rest(subject.keys.length);
      assertOnce(subject.keys, next.keys, "the reading behind the one that failed");
    },
  },
];

/** What the reading did not give, the next one gives. */
async function assertNothingLost(subject: SourceUnderTest, reading: Reading, context: RuleContext): Promise<void> {
  const { recovery } = reading.source;
  const given = [...reading.keys];
  const { things } = reading;
  if (recovery === "none") return;
  await reading.checkpoint();
  await reading.end();
  if (recovery === "redelivery" && !subject.broker) return;
  await subject.broker?.elapse(subject.broker.leaseMs + 1);
  const next = startReading(subject, context, recovery === "position" ? stored(reading.positions) : {});
  await next.rest(thingsOf(subject) - things);
  await next.end();
  assertOnce(subject.keys, [...given, ...next.keys], "a reading that was ended, and the next");
}

function settled(act: Promise<unknown>): Promise<void> {
  return act.then(
    () => {},
    () => {},
  );
}

async function call(given: Promise<void> | undefined): Promise<void> {
  await given;
}
