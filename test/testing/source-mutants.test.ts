import assert from "node:assert/strict";
import { test } from "node:test";
import { decorated } from "../../src/source/decorated.ts";
import type { Position, Positions, ReadContext, Slice, Source } from "../../src/source/source.ts";
import { sourceRules } from "../../src/testing/source-contract.ts";
import type { SourceUnderTest } from "../../src/testing/source-under-test.ts";
import { brokenRules } from "./broken-rules.ts";
import { keyOf as keyOfMessage, type Queue, QueueSource, queue } from "./queue.ts";
import { type Event, keyOf as keyOfEvent, type Topic, type TopicOptions, TopicSource, topic } from "./topic.ts";

// Sources that break one rule each, and the rule that finds it.

type EventSlice = Slice<Event>;
type Mutant = (source: TopicSource, of: Topic) => Source<Event>;
type Expected = readonly [rule: RegExp, mutant: Mutant, options?: TopicOptions];

const offsetOf = (position: Position) => (position as { offset: number }).offset;

/** The source with each of its slices changed. */
function slices(source: TopicSource, change: (slice: EventSlice, n: number) => EventSlice | undefined): Source<Event> {
  return decorated(source, async function* (from, signal, context) {
    let n = 0;
    for await (const slice of source.read(from, signal, context)) {
      const changed = change(slice, n++);
      if (changed) yield changed;
    }
  });
}

/** The source with another way to begin. */
function beginning(
  source: TopicSource,
  read: (from: Positions, signal: AbortSignal, context?: ReadContext) => AsyncIterable<EventSlice>,
): Source<Event> {
  return decorated(source, read);
}

function withMembers(source: TopicSource, members: Partial<Source<Event>>): Source<Event> {
  return { ...decorated(source, (...given) => source.read(...given)), ...members };
}

const live: TopicOptions = { isLive: true };
const group: TopicOptions = { isLive: true, isGroup: true };

const topicMutants: Readonly<Record<string, Expected>> = {
  "a prefetch that is no number of slices": [
    /the members are those/,
    (source) => withMembers(source, { prefetch: Number.NaN }),
  ],
  "the records of a page come newest first": [
    /all records come once/,
    (source, of) => {
      const isFirst = isFirstReading(of);
      return slices(source, (slice) => {
        const records = isFirst ? slice.records.toReversed() : slice.records;
        return { ...slice, records, placeOf: (i) => slice.placeOf!(isFirst ? records.length - 1 - i : i) };
      });
    },
  ],
  "one array of records for all slices": [
    /a slice does not change/,
    (source) => {
      const all: Event[] = [];
      return slices(source, (slice) => {
        all.splice(0, all.length, ...slice.records);
        return { ...slice, records: all, placeOf: (i) => slice.placeOf!(i) };
      });
    },
  ],
  "a position with a member that JSON has not": [
    /positions are plain JSON/,
    (source) =>
      slices(source, (slice) => ({ ...slice, position: { ...(slice.position as object), at: new Date(0) } as never })),
  ],
  "places count from the start of the reading": [
    /each record has a place/,
    (source) => {
      let read = 0;
      return slices(source, (slice) => {
        const before = read;
        read += slice.records.length;
        return { ...slice, placeOf: (index) => `record ${before + index}` };
      });
    },
  ],
  "the position is that of the last record, which is read again": [
    /a reading from the position of any slice/,
    (source) => {
      // Behind the last record of a partition the position is right, so that readings to the end are.
      const isBefore = (slice: EventSlice) => slice.records.length === 3 && offsetOf(slice.position) === 6;
      return slices(source, (slice) => (isBefore(slice) ? { ...slice, position: { offset: 5 } } : slice));
    },
  ],
  "positions count from where the reading began": [
    /a reading from the position of any slice/,
    (source) => {
      const begun = new Map<string, number>();
      return beginning(source, async function* (from, signal, context) {
        for (const [name, position] of Object.entries(from)) begun.set(name, offsetOf(position));
        for await (const slice of source.read(from, signal, context)) {
          const offset = offsetOf(slice.position) - (begun.get(slice.partition) ?? 0);
          yield { ...slice, position: { offset } };
        }
      });
    },
  ],
  "it moves the positions that it was given": [
    /readings from the same positions agree/,
    (source) =>
      beginning(source, async function* (from, signal, context) {
        for await (const slice of source.read(structuredClone(from), signal, context)) {
          const given = from[slice.partition] as { offset: number } | undefined;
          if (given) given.offset = offsetOf(slice.position);
          yield slice;
        }
      }),
  ],
  "a reading begins behind what is there, where it was read to its end": [
    /a record that is written between two readings/,
    (source, of) =>
      beginning(source, async function* (from, signal, context) {
        const read = Object.values(from).reduce<number>((sum, position) => sum + offsetOf(position), 0);
        if (read === of.keys.length - 1 && read > 36) return;
        yield* source.read(from, signal, context);
      }),
  ],
  "records that come one by one wait until a slice is full": [
    /written while the reading waits/,
    (source, of) => {
      let held: EventSlice | undefined;
      return slices(source, (slice, n) => {
        const isNew = n > 0 && of.keys.length > 37 && slice.records.length === 1;
        if (!isNew) return slice;
        const whole = held?.partition === slice.partition ? [...held.records, ...slice.records] : slice.records;
        held = { ...slice, records: whole };
        return whole.length < 3 ? undefined : held;
      });
    },
    live,
  ],
  "it does not hear an abort while it waits": [
    /abort ends a reading that waits/,
    (source) =>
      beginning(source, (from, signal, context) =>
        source.read(from, signal.aborted ? signal : new AbortController().signal, context),
      ),
    live,
  ],
  "it listens for an abort, and does not ask whether it has come": [
    /whose signal has fired before/,
    (source) =>
      beginning(source, (from, signal, context) => {
        const heard = new AbortController();
        signal.addEventListener("abort", () => heard.abort());
        return source.read(from, heard.signal, context);
      }),
    live,
  ],
  "stop() leaves what was taken": [
    /stop\(\) ends the reading/,
    (source) => {
      let isStopped = false;
      let ended: AbortController | undefined;
      const members = beginning(source, async function* (from, signal, context) {
        ended = new AbortController();
        for await (const slice of source.read(from, AbortSignal.any([signal, ended.signal]), context))
          yield isStopped ? { ...slice, records: slice.records.slice(1) } : slice;
      });
      return {
        ...members,
        stop() {
          isStopped = true;
          source.stop();
        },
      };
    },
  ],
  "stop() does not wake a reading that waits": [
    /stop\(\) ends the reading/,
    (source) => {
      let isStopped = false;
      const members = slices(source, (slice) => {
        if (isStopped) source.stop();
        return slice;
      });
      return {
        ...members,
        stop() {
          isStopped = true;
        },
      };
    },
    live,
  ],
  "close() throws where nothing was read": [
    /succeed where nothing was read/,
    (source) => {
      let client: { end(): void } | undefined;
      const members = beginning(source, (from, signal, context) => {
        client = { end() {} };
        return source.read(from, signal, context);
      });
      return { ...members, close: async () => client!.end() };
    },
  ],
  "a broken connection is the end": [/a connection that breaks/, (source) => source, { faults: { endsAtBreak: true } }],
  "close() tells of the broken connection once more": [
    /a connection that breaks/,
    (source, of) =>
      withMembers(source, {
        async close() {
          if (of.breaks > 0) throw new Error("the connection broke");
        },
      }),
  ],
  "partitions go to their next owner without a checkpoint": [
    /members that join and leave/,
    (source) => source,
    { ...group, faults: { givesUpAtOnce: true } },
  ],
  "its own old position counts more than the group's": [
    /members that join and leave/,
    (source) => source,
    { ...group, faults: { ignoresOffsets: true } },
  ],
};

/** Faults that one of these rules finds, and others beside it. */
const coarseMutants: Readonly<Record<string, Expected>> = {
  "the last record of a page is left out where the page is full": [
    /all records come once/,
    (source) => slices(source, (slice) => ({ ...slice, records: slice.records.slice(0, 2) })),
  ],
  "it waits until a slice is acknowledged before it gives the next but nine": [
    /all records come once/,
    (source) =>
      beginning(source, async function* (from, signal, context) {
        let given = 0;
        for await (const slice of source.read(from, signal, context)) {
          if (++given > 9) await new Promise((resolve) => signal.addEventListener("abort", resolve));
          if (signal.aborted) return;
          yield slice;
        }
      }),
  ],
  "a partition is dropped as soon as it was read to its end, and listed again": [
    /a reading from the position of any slice/,
    (source, of) =>
      slices(source, (slice) => {
        const isEnd = offsetOf(slice.position) === of.partitions.get(slice.partition)!.length;
        return slice.partition === "b" && isEnd && of.keys.length === 37
          ? { ...slice, dropped: [slice.partition] }
          : slice;
      }),
  ],
  "what was read ahead counts as read": [
    /a reading from the position of any slice/,
    (source, of) =>
      beginning(source, async function* (from, signal, context) {
        // As a client that stores offsets by itself.
        const later = Object.fromEntries(
          Object.entries(from).map(([name, position]) => {
            const offset = Math.max(offsetOf(position), autoCommitted.get(of)?.get(name) ?? 0);
            return [name, { offset }];
          }),
        );
        const read = new Map<string, number>();
        const isContinued = Object.keys(from).length > 0;
        for await (const slice of source.read(later, signal, context)) {
          read.set(slice.partition, offsetOf(slice.position));
          if (isContinued && of.keys.length === 37) autoCommitted.set(of, read);
          yield slice;
        }
      }),
  ],
};

/** Topics whose first reading has begun, and what a client has committed of them by itself. */
const readBefore = new WeakSet<Topic>();
const autoCommitted = new WeakMap<Topic, Map<string, number>>();

function isFirstReading(of: Topic): boolean {
  const isFirst = !readBefore.has(of);
  readBefore.add(of);
  return isFirst;
}

function overTopic(mutant: Mutant, options: TopicOptions = {}): SourceUnderTest {
  const of = topic();
  const { keys, put } = of;
  const made: SourceUnderTest<Event> = {
    source: () => mutant(new TopicSource(of, options), of),
    ...{ keys, put, keyOf: keyOfEvent, interrupt: () => of.interrupt() },
    ...{ isLive: options.isLive === true, isGroup: options.isGroup === true },
  };
  return made as SourceUnderTest;
}

type QueueMutant = (source: QueueSource, of: Queue) => QueueSource;

/** The class itself with a method in the place of another. */
function replaced(source: QueueSource, members: Partial<Source<{ n: number }>>): QueueSource {
  for (const [name, value] of Object.entries(members)) Object.defineProperty(source, name, { value });
  return source;
}

const acknowledgements = new WeakMap<Queue, number>();

const queueMutants: Readonly<Record<string, readonly [rule: RegExp, mutant: QueueMutant]>> = {
  "acknowledge() deletes everything that was received": [
    /gives again what was not acknowledged/,
    (source, of) =>
      replaced(source, {
        async acknowledge(positions) {
          const to = Number(positions.queue ?? 0);
          for (const [position, receipts] of source.held) {
            if (to === 0 || (position > to && position < 3)) continue;
            for (const receipt of receipts) of.remove(receipt);
            if (position <= to) source.held.delete(position);
          }
        },
      }),
  ],
  "acknowledgements behind the second are lost": [
    /does not give again what was acknowledged/,
    (source, of) => {
      const sound = source.acknowledge.bind(source);
      return replaced(source, {
        async acknowledge(positions) {
          const count = (acknowledgements.get(of) ?? 0) + (positions.queue ? 1 : 0);
          acknowledgements.set(of, count);
          if (count <= 2) await sound(positions);
        },
      });
    },
  ],
  "acknowledge() throws for positions that were told before": [
    /however often/,
    (source) => {
      let last = 0;
      const sound = source.acknowledge.bind(source);
      return replaced(source, {
        async acknowledge(positions) {
          const to = Number(positions.queue ?? 0);
          if (to > 0 && to === last) throw new Error("the receipt is not known");
          last = to;
          await sound(positions);
        },
      });
    },
  ],
  "release() gives back the newest slice alone": [
    /release\(\) gives back/,
    (source, of) =>
      replaced(source, {
        async release() {
          for (const receipt of [...source.held.values()].at(-1) ?? []) of.hide(receipt, 0);
        },
      }),
  ],
  "extend() renews the newest slice alone": [
    /lease\.extend\(\) keeps/,
    (source, of) =>
      replaced(source, {
        lease: {
          everyMs: of.leaseMs / 3,
          async extend() {
            for (const receipt of [...source.held.values()].at(-1) ?? []) of.hide(receipt, of.leaseMs);
          },
        },
      }),
  ],
  "the lease is renewed when it is almost over": [
    /lease\.everyMs is half/,
    (source, of) => {
      const { lease } = source;
      return replaced(source, { lease: { everyMs: of.leaseMs * 0.9, extend: (signal) => lease.extend(signal) } });
    },
  ],
  "messages that a position of another life had are passed over": [
    /goes by none/,
    (source) => {
      const sound = source.read.bind(source);
      return replaced(source, {
        async *read(from, signal) {
          for await (const slice of sound(from, signal))
            if (Number(slice.position) > Number(from.queue ?? 0)) yield slice;
        },
      });
    },
  ],
};

function overQueue(mutant: QueueMutant, isLive = false): SourceUnderTest {
  const of = queue();
  const made: SourceUnderTest<{ n: number }> = {
    source: () => mutant(new QueueSource(of, isLive), of),
    ...{ keys: of.keys, put: of.put, keyOf: keyOfMessage, broker: of, isLive },
  };
  return made as SourceUnderTest;
}

async function assertBroken(make: () => SourceUnderTest, rule: RegExp, isCoarse = false): Promise<void> {
  const why: string[] = [];
  const broken = await brokenRules(sourceRules, make, (name, error) => why.push(`${name}: ${error}`));
  const isFound = broken.some((name) => rule.test(name));
  assert.ok(isFound && (isCoarse || broken.length === 1), `broken: ${why.join("\n") || "none"}`);
}

for (const options of [{}, live, group])
  test(`a sound topic breaks no rule: ${JSON.stringify(options)}`, async () => {
    const why: string[] = [];
    await brokenRules(
      sourceRules,
      () => overTopic((source) => source, options),
      (name, error) => why.push(`${name}: ${error}`),
    );
    assert.deepEqual(why, []);
  });

for (const isLive of [false, true])
  test(`a sound queue breaks no rule, live: ${isLive}`, async () => {
    assert.deepEqual(await brokenRules(sourceRules, () => overQueue((source) => source, isLive)), []);
  });

for (const [name, [rule, mutant, options]] of Object.entries(topicMutants))
  test(`${name}: that rule finds it, and no other`, () => assertBroken(() => overTopic(mutant, options), rule));

for (const [name, [rule, mutant, options]] of Object.entries(coarseMutants))
  test(`${name}: that rule finds it`, () => assertBroken(() => overTopic(mutant, options), rule, true));

for (const [name, [rule, mutant]] of Object.entries(queueMutants))
  test(`${name}: that rule finds it, and no other`, () => assertBroken(() => overQueue(mutant), rule));

test("each rule of a source has a mutant", () => {
  const rules = [...Object.values(topicMutants), ...Object.values(queueMutants)].map(([rule]) => rule);
  const without = sourceRules.filter(({ name }) => !rules.some((rule) => rule.test(name)));
  assert.deepEqual(
    without.map(({ name }) => name),
    [],
  );
});
