import assert from "node:assert/strict";
import { reachedPositions } from "../run/reached-positions.ts";
import type { PartitionOwnership, Position, Positions, Slice, Source } from "../source/source.ts";
import { within } from "./patience.ts";
import type { RuleContext } from "./rule.ts";
import type { SourceUnderTest } from "./source-under-test.ts";

/** A slice, and what it was when it arrived. */
export interface TakenSlice {
  readonly slice: Slice<unknown>;
  readonly keys: readonly string[];
  readonly places: readonly (string | undefined)[];
  readonly refused: number;
}

/** One process that reads a source, as `run()` does. */
export interface Reading {
  readonly source: Source<unknown>;
  readonly slices: readonly TakenSlice[];
  /** Of all records so far. */
  readonly keys: string[];
  /** Records, and what could not be read as one. */
  readonly things: number;
  /** Where the source stands behind the slices so far. */
  readonly positions: Positions;
  /** What `acknowledge()` would be given now. */
  readonly acknowledged: Positions;
  /** A partition was lost to another process. */
  readonly hasLost: boolean;
  /** The next slice, in bounded time; undefined: the source has ended. */
  next(): Promise<TakenSlice | undefined>;
  /** The same without a bound. */
  ask(): Promise<TakenSlice | undefined>;
  /** Reads a slice that counts for nothing: the process was killed before it was in a checkpoint. */
  readAhead(): Promise<void>;
  /** So many slices, or fewer where the source ends. */
  take(slices: number): Promise<void>;
  /** Reads to the end; a live source until so many things have come. */
  rest(things: number): Promise<void>;
  checkpoint(): Promise<void>;
  abort(): void;
  /** Leaves without a word to the system: the process was killed. */
  drop(): Promise<void>;
  /** Ends as a run does that is over. */
  end(): Promise<void>;
}

/** JSON, as a state stores it. */
export function stored(positions: Positions): Positions {
  return JSON.parse(JSON.stringify(positions));
}

export function startReading(
  subject: SourceUnderTest,
  { patienceMs, after }: RuleContext,
  from: Positions = {},
  signal?: AbortSignal,
): Reading {
  const source = subject.source();
  const controller = new AbortController();
  const reached = reachedPositions(from);
  const slices: TakenSlice[] = [];
  const gone = new Set<string>();
  /** How often a partition went. */
  const departures = new Map<string, number>();
  let things = 0;
  let isAsked = false;
  let isClosed = false;
  let hasLost = false;
  const bounded = <T>(what: string, act: Promise<T>) => within(patienceMs, `${source.name}: ${what}`, act);

  async function checkpoint(): Promise<void> {
    const now = reached.reached();
    await source.acknowledge?.(stored(now.acknowledged));
    reached.settle(now);
  }

  function leave(left: readonly string[]): void {
    reached.forget(left);
    for (const partition of left) {
      gone.add(partition);
      departures.set(partition, (departures.get(partition) ?? 0) + 1);
    }
  }

  const partitions: PartitionOwnership = {
    async assigned(assigned) {
      for (const partition of assigned) gone.delete(partition);
      const { stored: known } = reached;
      return Object.fromEntries(assigned.filter((each) => Object.hasOwn(known, each)).map((p) => [p, known[p]!]));
    },
    async revoked(revoked) {
      await checkpoint();
      leave(revoked);
      return true;
    },
    lost(lost) {
      hasLost = true;
      leave(lost);
    },
    generation: (partition) => (gone.has(partition) ? undefined : (departures.get(partition) ?? 0)),
  };
  const isContinued = source.recovery === "position";
  const given = source.read(from, signal ?? controller.signal, { isContinued, partitions });
  const iterator = given[Symbol.asyncIterator]();

  async function step(): Promise<Slice<unknown> | undefined> {
    isAsked = true;
    const { value, done } = await iterator.next();
    isAsked = false;
    return done ? undefined : value;
  }

  async function ask(): Promise<TakenSlice | undefined> {
    for (;;) {
      const slice = await step();
      if (!slice) return undefined;
      const { partition, position, moved, dropped = [] } = slice;
      if (gone.has(partition)) continue;
      const isOurs = (each: string) => !gone.has(each);
      const changes = Object.entries({ ...moved, [partition]: position }).filter(([each]) => isOurs(each));
      reached.advance(Object.fromEntries(changes.map(([each, at]) => [each, copied(at)])), dropped.filter(isOurs));
      const keys = slice.records.map((record) => subject.keyOf(record));
      const places = keys.map((_, index) => slice.placeOf?.(index));
      const refused = slice.refused?.length ?? 0;
      things += keys.length + refused;
      const taken = { slice, keys, places, refused };
      slices.push(taken);
      return taken;
    }
  }

  async function drop(): Promise<void> {
    controller.abort();
    const returned = Promise.resolve(iterator.return?.()).catch(() => {});
    if (!isAsked) await bounded("return()", returned);
  }

  async function close(): Promise<void> {
    if (isClosed) return;
    isClosed = true;
    await bounded("close()", Promise.resolve(source.close?.()));
  }

  after(async () => {
    await drop().catch(() => {});
    await close().catch(() => {});
  });

  const reading: Reading = {
    source,
    slices,
    get keys() {
      return slices.flatMap(({ keys }) => keys);
    },
    get things() {
      return things;
    },
    get positions() {
      return reached.now;
    },
    get acknowledged() {
      return reached.reached().acknowledged;
    },
    get hasLost() {
      return hasLost;
    },
    next: () => bounded("the next slice, or the end, of its reading", ask()),
    ask,
    async readAhead() {
      await bounded("reading ahead", step());
    },
    async take(most) {
      for (let n = 0; n < most; n++) if (!(await reading.next())) return;
    },
    async rest(most) {
      while (!subject.isLive || things < most) {
        if (!(await reading.next())) return;
        assert.ok(things <= 2 * most + 1_000, `${things} records were given, of ${most} that there are`);
      }
    },
    checkpoint: () => bounded("acknowledge()", checkpoint()),
    abort: () => controller.abort(),
    drop,
    async end() {
      await drop();
      await bounded("release()", Promise.resolve(source.release?.(new AbortController().signal)));
      await close();
    },
  };
  return reading;
}

/** As `run()` does when a slice arrives: the source may go on with its object. What is no JSON has a rule of its own. */
function copied(position: Position): Position {
  return position === undefined ? position : JSON.parse(JSON.stringify(position));
}

/** All things that the source has. */
export function thingsOf({ keys, refused = 0 }: SourceUnderTest): number {
  return keys.length + refused;
}

/** Fails unless each of the keys was read once. */
export function assertOnce(expected: readonly string[], found: readonly string[], what: string): void {
  const counts = new Map(expected.map((key) => [key, 0]));
  const unknown: string[] = [];
  for (const key of found)
    if (counts.has(key)) counts.set(key, counts.get(key)! + 1);
    else unknown.push(key);
  const missing = expected.filter((key) => counts.get(key) === 0);
  const again = expected.filter((key) => counts.get(key)! > 1);
  const faults = [
    ...(missing.length > 0 ? [`missing: ${some(missing)}`] : []),
    ...(again.length > 0 ? [`more than once: ${some(again)}`] : []),
    ...(unknown.length > 0 ? [`not expected: ${some(unknown)}`] : []),
  ];
  if (faults.length > 0) assert.fail(`${what}: of ${expected.length} records, ${faults.join("; ")}`);
}

export function some(keys: readonly string[]): string {
  return `${keys.length} (${keys.slice(0, 5).join(", ")}${keys.length > 5 ? ", ..." : ""})`;
}

/** Fails unless the records of each partition came in the order in which they were written. */
export function assertOrder({ keys }: SourceUnderTest, slices: readonly TakenSlice[], what: string): void {
  const places = new Map(keys.map((key, index) => [key, index]));
  const last = new Map<string, string>();
  for (const { slice, keys: read } of slices)
    for (const key of read) {
      const before = last.get(slice.partition);
      if (before !== undefined && places.get(before)! > places.get(key)!)
        assert.fail(`${what}: partition ${slice.partition} gives ${before} before ${key}, which was written first`);
      last.set(slice.partition, key);
    }
}
