import assert from "node:assert/strict";
import { copyPosition, copyPositions } from "../checkpoint/positions.ts";
import { assertOnce, assertOrder, startReading, stored, thingsOf } from "./reading.ts";
import { CannotCheck, type Rule } from "./rule.ts";
import type { SourceUnderTest } from "./source-under-test.ts";

const api = "docs/api.md#source";
const slices = "docs/api.md#slice";

/** Rules of one reading from its start to its end. */
export const readingRules: readonly Rule<SourceUnderTest>[] = [
  {
    name: "the members are those that run() takes",
    documented: api,
    async check(subject) {
      const { name, recovery, prefetch = 1, lease, acknowledge } = subject.source();
      assert.ok(typeof name === "string" && name !== "", "name is a text");
      assert.ok(["position", "redelivery", "none"].includes(recovery), `recovery is ${recovery}`);
      assert.ok(Number.isSafeInteger(prefetch) && prefetch >= 0, `prefetch is ${prefetch}, and takes a whole number`);
      if (lease) assert.ok(lease.everyMs > 0 && typeof lease.extend === "function", "lease is { everyMs, extend() }");
      if (recovery === "redelivery")
        assert.equal(typeof acknowledge, "function", "without acknowledge() a broker gives everything for ever");
    },
  },
  {
    name: "all records come once, and those of a partition in order",
    documented: slices,
    async check(subject, context) {
      const { keys, refused = 0 } = subject;
      assert.equal(new Set(keys).size, keys.length, "the keys of the test's own records are all different");
      const reading = startReading(subject, context);
      await reading.rest(thingsOf(subject));
      assertOnce(keys, reading.keys, "one reading");
      assert.equal(reading.things - reading.keys.length, refused, "things that could not be read as a record");
      if (reading.source.recovery !== "redelivery") assertOrder(subject, reading.slices, "one reading");
    },
  },
  {
    name: "a slice does not change after it was given",
    documented: slices,
    async check(subject, context) {
      const reading = startReading(subject, context);
      await reading.rest(thingsOf(subject));
      for (const [n, { slice, keys, places, refused }] of reading.slices.entries()) {
        const what = `slice ${n} of ${reading.slices.length}, at the end of the reading`;
        assert.deepEqual(slice.records.map(subject.keyOf), keys, `${what}: its records`);
        assert.deepEqual(
          keys.map((_, index) => slice.placeOf?.(index)),
          places,
          `${what}: the places of its records`,
        );
        assert.equal(slice.refused?.length ?? 0, refused, `${what}: what was refused`);
      }
    },
  },
  {
    name: "positions are plain JSON",
    documented: "docs/exactly-once.md#positions",
    async check(subject, context) {
      const reading = startReading(subject, context);
      await reading.rest(thingsOf(subject));
      for (const { slice } of reading.slices) {
        copyPosition(reading.source.name, slice.partition, slice.position);
        if (slice.moved) copyPositions(reading.source.name, slice.moved);
      }
    },
  },
  {
    name: "each record has a place, the same in every reading",
    documented: "docs/sources.md#sources-of-your-own",
    async check(subject, context) {
      const first = startReading(subject, context);
      await first.take(1);
      const from = stored(first.positions);
      await first.rest(thingsOf(subject));
      if (first.slices.every(({ slice }) => !slice.placeOf)) throw new CannotCheck("no slice has placeOf()");
      const places = new Map<string, string | undefined>();
      for (const { slice, keys, places: told } of first.slices)
        for (const [index, key] of keys.entries()) {
          assert.ok(typeof told[index] === "string" && told[index] !== "", `record ${key} has no place`);
          if (slice.originOf) assert.ok(slice.originOf(index).source, `record ${key} has no origin`);
          places.set(key, told[index]);
        }
      await first.end();
      if (first.source.recovery !== "position") return;
      const second = startReading(subject, context, from);
      await second.rest(thingsOf(subject) - first.slices[0]!.keys.length - first.slices[0]!.refused);
      for (const { keys, places: told } of second.slices)
        for (const [index, key] of keys.entries()) assert.equal(told[index], places.get(key), `the place of ${key}`);
    },
  },
];
