import assert from "node:assert/strict";
import type { Positions } from "../source/source.ts";
import { below } from "./random.ts";
import { assertOnce, assertOrder, type Reading, startReading, stored, thingsOf } from "./reading.ts";
import type { Rule, RuleContext } from "./rule.ts";
import type { SourceUnderTest } from "./source-under-test.ts";

const documented = "docs/sources.md#recovery";

/** With fewer slices there is nothing between two of them that could go wrong. */
const fewestSlices = 3;

/** Rules of readings that begin where another has ended. */
export const resumeRules: readonly Rule<SourceUnderTest>[] = [
  {
    name: "a reading from the position of any slice gives exactly the records behind it",
    documented,
    lacks: unlessByPosition,
    async check(subject, context) {
      const { random, trials } = context;
      const most = await slicesOf(subject, context);
      for (let trial = 1; trial <= trials; trial++) {
        // The offsets that a group has acknowledged are later than the start.
        const tried = subject.isGroup && trial > 1 ? await context.another() : subject;
        const course: number[] = [];
        const read: Reading[] = [];
        let positions: Positions = {};
        let left = thingsOf(tried);
        for (let isOver = false; !isOver; ) {
          const reading = startReading(tried, context, stored(positions));
          read.push(reading);
          course.push(1 + below(random, Math.max(1, most >> 1)));
          for (let n = course.at(-1)!; n > 0 && !isOver; n--) {
            isOver = !(await reading.next());
            if (tried.isLive && reading.things >= left) isOver = true;
          }
          positions = stored(reading.positions);
          left -= reading.things;
          // A slice that was asked for ahead, and is lost with the process.
          if (!isOver && below(random, 2) === 0) await reading.readAhead();
          else await reading.checkpoint();
          await reading.end();
          isOver ||= course.length > 2 * most;
        }
        const what = `readings of ${course.join(", ")} slices, each from the positions of the one before`;
        const slices = read.flatMap((reading) => reading.slices);
        assertOnce(
          tried.keys,
          slices.flatMap(({ keys }) => keys),
          what,
        );
        assertOrder(tried, slices, what);
        assert.equal(left, 0, `${what}: things left that could not be read as a record`);
      }
    },
  },
  {
    name: "readings from the same positions agree, and leave the positions as they are",
    documented,
    lacks: unlessByPosition,
    async check(subject, context) {
      const most = await slicesOf(subject, context);
      const first = startReading(subject, context);
      await first.take(1 + below(context.random, most - 1));
      const from = stored(first.positions);
      const kept = JSON.stringify(from);
      await first.end();
      const ends: string[] = [];
      for (const _ of [1, 2]) {
        const reading = startReading(subject, context, from);
        await reading.rest(thingsOf(subject) - first.things);
        await reading.end();
        assert.equal(JSON.stringify(from), kept, "read() changed the positions that it was given");
        ends.push(JSON.stringify(reading.keys.toSorted()));
      }
      assert.equal(ends[0], ends[1], "two readings from the same positions give other records");
    },
  },
  {
    name: "a source that is not read again by position goes by none",
    documented,
    lacks: (subject) =>
      subject.source().recovery === "position" ? "the source is read again from its positions" : undefined,
    async check(subject, context) {
      const first = startReading(subject, context);
      await first.rest(thingsOf(subject));
      const other = await context.another();
      const second = startReading(other, context, stored(first.positions));
      await second.rest(thingsOf(other));
      assertOnce(other.keys, second.keys, "a reading that was given positions");
    },
  },
  {
    name: "a record that is written between two readings comes in the second",
    documented,
    lacks: (subject) =>
      subject.put === undefined
        ? "put() is not given, so no record can be added"
        : subject.source().recovery === "none"
          ? "the source is read once"
          : undefined,
    async check(subject, context) {
      const first = startReading(subject, context);
      await first.rest(thingsOf(subject));
      await first.checkpoint();
      await first.end();
      const key = await subject.put!();
      const byPosition = first.source.recovery === "position";
      const second = startReading(subject, context, byPosition ? stored(first.positions) : {});
      await second.rest(1);
      assertOnce([key], second.keys, "the reading behind a record that was added");
    },
  },
];

function unlessByPosition(subject: SourceUnderTest): string | undefined {
  const { recovery } = subject.source();
  return recovery === "position" ? undefined : `recovery is "${recovery}"`;
}

async function slicesOf(subject: SourceUnderTest, context: RuleContext): Promise<number> {
  const whole = startReading(subject, context);
  await whole.rest(thingsOf(subject));
  await whole.end();
  const { length } = whole.slices;
  assert.ok(length >= fewestSlices, `The test's records make ${length} slices, too few to cut a reading: write more.`);
  return length;
}
