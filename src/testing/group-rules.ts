import { within } from "./patience.ts";
import { below } from "./random.ts";
import { assertOnce, type Reading, some, startReading, type TakenSlice } from "./reading.ts";
import type { Rule, RuleContext } from "./rule.ts";
import type { SourceUnderTest } from "./source-under-test.ts";

/** A rebalance of a real group takes seconds. */
const mostTrials = 5;

/** Rules of sources that share partitions with others. */
export const groupRules: readonly Rule<SourceUnderTest>[] = [
  {
    name: "members that join and leave: each record arrives, and once where no partition was lost",
    documented: "docs/sources.md#partitions-that-come-and-go",
    lacks: ({ isGroup }) => (isGroup ? undefined : "isGroup is not set: the source shares nothing"),
    async check(subject, context) {
      for (let trial = 0; trial < Math.min(context.trials, mostTrials); trial++)
        await checkMembers(trial === 0 ? subject : await context.another(), context);
    },
  },
];

async function checkMembers(subject: SourceUnderTest, context: RuleContext): Promise<void> {
  const { keys } = subject;
  const arrived: TakenSlice[] = [];
  const seen = new Set<string>();
  const members: Reading[] = [];
  let joined = 0;

  /** Reads until everything has arrived, or until the member leaves behind so many slices. */
  async function member(leavesAfter: number): Promise<void> {
    const reading = startReading(subject, context);
    members.push(reading);
    const others: Promise<void>[] = [];
    for (let n = 1; n <= leavesAfter && seen.size < keys.length; n++) {
      const slice = await Promise.race([reading.ask(), everything]);
      if (!slice) break;
      arrived.push(slice);
      for (const key of slice.keys) seen.add(key);
      if (seen.size >= keys.length) resolve(undefined);
      if (below(context.random, 2) === 0) await reading.checkpoint();
      // The next member comes, reads some, and leaves again, while this one goes on.
      if (n % 2 === 0 && joined < 3) {
        joined++;
        const other = member(1 + below(context.random, 2));
        other.catch(reject); // the others need not wait for what it has not read
        others.push(other);
      }
    }
    await reading.checkpoint();
    await reading.end();
    await Promise.all(others);
  }

  let resolve!: (nothing: undefined) => void;
  let reject!: (error: unknown) => void;
  const everything = new Promise<undefined>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  everything.catch(() => {}); // each member waits for it
  const allRead = member(Number.POSITIVE_INFINITY);
  await within(context.patienceMs, "reading everything by members that come and go", allRead).catch((error) => {
    const missing = keys.filter((key) => !seen.has(key));
    throw missing.length > 0 ? new Error(`Missing: ${some(missing)}.`, { cause: error }) : error;
  });
  const found = arrived.flatMap((slice) => slice.keys);
  const hasLost = members.some((each) => each.hasLost);
  assertOnce(keys, hasLost ? [...new Set(found)] : found, `${members.length} members of a group`);
}
