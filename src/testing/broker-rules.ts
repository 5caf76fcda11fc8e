import assert from "node:assert/strict";
import { below } from "./random.ts";
import { assertOnce, some, startReading, stored } from "./reading.ts";
import type { Rule, RuleContext } from "./rule.ts";
import type { SourceUnderTest } from "./source-under-test.ts";

const documented = "docs/sources.md#a-broker";

function unlessBroker(subject: SourceUnderTest): string | undefined {
  const { recovery } = subject.source();
  if (recovery !== "redelivery") return `recovery is "${recovery}"`;
  return subject.broker ? undefined : "broker is not given, so no lease can run out";
}

/** Rules of `recovery: "redelivery"`. */
export const brokerRules: readonly Rule<SourceUnderTest>[] = [
  {
    name: "the broker gives again what was not acknowledged when the process is killed",
    documented,
    lacks: unlessBroker,
    async check(subject, context) {
      const { acknowledged, last } = await killedReadings(subject, context, 1);
      const missing = subject.keys.filter((key) => !acknowledged.has(key) && !last.includes(key));
      assert.equal(missing.length, 0, `not acknowledged, and not given again: ${some(missing)}`);
    },
  },
  {
    name: "the broker does not give again what was acknowledged, however often",
    documented,
    lacks: unlessBroker,
    async check(subject, context) {
      const { again } = await killedReadings(subject, context, 2);
      assert.equal(again.length, 0, `given again though it was acknowledged: ${some(again)}`);
    },
  },
  {
    name: "release() gives back at once what was not acknowledged",
    documented,
    lacks: (subject) => unlessBroker(subject) ?? (subject.source().release ? undefined : "the source has no release()"),
    async check(subject, context) {
      const reading = startReading(subject, context);
      await reading.take(1);
      await reading.checkpoint();
      const acknowledged = reading.keys;
      await reading.take(2);
      await reading.end();
      const next = startReading(subject, context);
      await next.rest(subject.keys.length - acknowledged.length);
      assertOnce(subject.keys, [...acknowledged, ...next.keys], "what was acknowledged, and what came after release()");
    },
  },
  {
    name: "lease.extend() keeps all that was received and not acknowledged from coming again",
    documented,
    lacks: unlessLease,
    async check(subject, context) {
      const { leaseMs, elapse, ready } = subject.broker!;
      const reading = startReading(subject, context);
      await reading.take(1);
      await reading.checkpoint();
      await reading.rest(subject.keys.length);
      const { lease } = reading.source;
      assert.equal(await ready(), 0, "records that wait, when all were received");
      for (let passed = 0; passed < 3 * leaseMs; passed += lease!.everyMs) {
        await elapse(Math.min(lease!.everyMs, leaseMs / 2));
        await lease!.extend(new AbortController().signal);
        assert.equal(await ready(), 0, `records that wait again after ${passed} ms, in spite of extend()`);
      }
    },
  },
  {
    name: "lease.everyMs is half of the lease or less, so that one call may fail",
    documented,
    lacks: unlessLease,
    async check(subject) {
      const { everyMs } = subject.source().lease!;
      const { leaseMs } = subject.broker!;
      assert.ok(everyMs <= leaseMs / 2, `every ${everyMs} ms, of a lease of ${leaseMs} ms`);
    },
  },
];

function unlessLease(subject: SourceUnderTest): string | undefined {
  return unlessBroker(subject) ?? (subject.source().lease ? undefined : "the source has no lease");
}

/**
 * Processes that are killed, each after it has acknowledged some of the slices that it was given, and received more; the last one
 * reads to the end.
 *
 * @param times that positions are acknowledged: `run()` does it behind each checkpoint, also with positions that it told before
 */
async function killedReadings(subject: SourceUnderTest, context: RuleContext, times: number) {
  const { random, trials } = context;
  const acknowledged = new Set<string>();
  const again: string[] = [];
  const left = () => subject.keys.length - acknowledged.size;
  for (let life = 0; life < trials && left() > 0; life++) {
    const reading = startReading(subject, context);
    const some = below(random, 3);
    for (let n = 0; n < some && reading.things < left(); n++) if (!(await reading.next())) break;
    const { keys, acknowledged: positions } = reading;
    for (let n = below(random, 3); n > 0 && reading.things < left(); n--) if (!(await reading.next())) break;
    again.push(...reading.keys.filter((key) => acknowledged.has(key)));
    // A checkpoint before the first slice has no position.
    await reading.source.acknowledge!({});
    for (let time = 0; time < times; time++) await reading.source.acknowledge!(stored(positions));
    for (const key of keys) acknowledged.add(key);
    await reading.drop();
    await subject.broker!.elapse(subject.broker!.leaseMs + 1);
  }
  if (subject.isLive && left() === 0) return { acknowledged, again, last: [] };
  const last = startReading(subject, context);
  await last.rest(left());
  again.push(...last.keys.filter((key) => acknowledged.has(key)));
  return { acknowledged, again, last: last.keys };
}
