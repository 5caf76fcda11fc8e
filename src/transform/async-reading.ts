import { throwIfAborted } from "../errors.ts";
import { checkSlice, iteratorOf } from "../source/check-slice.ts";
import { heldSince, type IsHeld, ofHeld } from "../source/held-partitions.ts";
import type { PartitionOwnership, Position, Positions, Slice } from "../source/source.ts";
import { wakeup } from "../source/wakeup.ts";
import { type CallPolicy, type Outcome, outcomeOf } from "./async-call.ts";
import { sliceBuilder } from "./built-slice.ts";
import { condition, type HeldSlices } from "./ownership.ts";

/** A source that is being read, and whose records are on their way. */
export interface AsyncReading<B> extends HeldSlices {
  /** The slices whose records are done. To be read once. */
  slices(): AsyncGenerator<Slice<B>>;
  /** Asks for no more, and does not wait for what was asked for: what is on its way is finished. */
  stop(): void;
}

export interface AsyncReadingOptions<A, B> {
  readonly capacity: number;
  readonly isOrdered: boolean;
  readonly policy: CallPolicy<A, B>;
  readonly partitions: PartitionOwnership | undefined;
}

/** How much is held for slices that wait for an earlier one, as a multiple of `capacity`. */
const window = { ordered: 1, unordered: 16 };

interface Pending<A, B> {
  readonly slice: Slice<A>;
  readonly isHeld: IsHeld;
  readonly outcomes: (Outcome<B> | undefined)[];
  /** Indexes, in the order in which the records were done. */
  readonly done: number[];
  /** Of the records that are on their way. */
  readonly running: Set<AbortController>;
  /** The next record to begin with. */
  next: number;
  /** Changes positions of other partitions, so that it overtakes nothing and nothing overtakes it. */
  readonly isBarrier: boolean;
}

export function asyncReading<A, B>(
  name: string,
  source: AsyncIterable<Slice<A>>,
  { capacity, isOrdered, policy, partitions }: AsyncReadingOptions<A, B>,
  signal: AbortSignal,
): AsyncReading<B> {
  const reading = iteratorOf(name, source);
  const news = wakeup();
  const most = capacity * (isOrdered ? window.ordered : window.unordered);
  /** Slices that have not left, in their order. */
  const pending = new Set<Pending<A, B>>();
  /** The same by partition: the first of each may leave. */
  const queues = new Map<string, Set<Pending<A, B>>>();
  /** Slices with records that were not begun. */
  const fresh = new Set<Pending<A, B>>();
  /** Slices that may leave. */
  const ready = new Set<Pending<A, B>>();
  const emptied = condition();
  let held = 0;
  let running = 0;
  let barriers = 0;
  let isAsked = false;
  let isOver = false;
  let failure: { readonly error: unknown; readonly isFatal: boolean } | undefined;

  function fail(error: unknown, isFatal: boolean): void {
    if (!failure || (isFatal && !failure.isFatal)) failure = { error, isFatal };
    isOver = true;
  }

  function ask(): void {
    if (isAsked || isOver || barriers > 0 || fresh.size > 0 || running >= capacity) return;
    if (pending.size >= 2 && held >= most) return;
    isAsked = true;
    new Promise<IteratorResult<Slice<A>>>((resolve) => resolve(reading.next())).then(
      ({ value, done }) => {
        isAsked = false;
        if (done) isOver = true;
        else if (!isOver) takeIfSound(value);
        news.signal();
      },
      (error: unknown) => {
        isAsked = false;
        if (!isOver) fail(error, false);
        news.signal();
      },
    );
  }

  /** What is no slice fails the reading, as an error of the source does. */
  function takeIfSound(given: Slice<A>): void {
    try {
      checkSlice(name, given);
    } catch (error) {
      fail(error, false);
      return;
    }
    take(given);
  }

  function take(given: Slice<A>): void {
    const { partition, moved, dropped } = given;
    const isHeld = heldSince(given, partitions);
    if (!isHeld(partition)) return;
    const slice = withOwnPositions(given);
    const isBarrier = moved !== undefined || dropped !== undefined;
    const each: Pending<A, B> = { slice, isHeld, outcomes: [], done: [], running: new Set(), next: 0, isBarrier };
    pending.add(each);
    held += weightOf(each);
    if (isBarrier) barriers++;
    const queue = queues.get(partition) ?? new Set();
    queues.set(partition, queue.add(each));
    if (slice.records.length > 0) fresh.add(each);
    else offer(each);
    begin();
  }

  function begin(): void {
    for (const each of fresh) {
      while (running < capacity && each.next < each.slice.records.length) call(each, each.next++);
      if (each.next < each.slice.records.length) return;
      fresh.delete(each);
    }
  }

  function call(each: Pending<A, B>, index: number): void {
    const controller = new AbortController();
    each.running.add(controller);
    running++;
    outcomeOf(each.slice.records[index]!, policy, controller).then((outcome) => {
      each.running.delete(controller);
      running--;
      if (outcome.kind === "fatal" && pending.has(each)) fail(outcome.error, true);
      each.outcomes[index] = outcome;
      each.done.push(index);
      if (each.done.length === each.slice.records.length) offer(each);
      begin();
      news.signal();
    });
  }

  /** Its records are done: it may leave when it is the first of its partition, or of all. */
  function offer(each: Pending<A, B>): void {
    if (!pending.has(each)) return;
    if (isFirst(each)) ready.add(each);
  }

  function isFirst(each: Pending<A, B>): boolean {
    const among = isOrdered || each.isBarrier ? pending : queues.get(each.slice.partition)!;
    return first(among) === each;
  }

  function remove(each: Pending<A, B>): void {
    const { partition } = each.slice;
    pending.delete(each);
    fresh.delete(each);
    ready.delete(each);
    held -= weightOf(each);
    if (each.isBarrier) barriers--;
    const queue = queues.get(partition)!;
    queue.delete(each);
    if (queue.size === 0) queues.delete(partition);
    // Those that have waited for it alone.
    for (const next of [first(pending), first(queue)])
      if (next && next.done.length === next.slice.records.length) offer(next);
    emptied.changed();
  }

  function built({ slice, outcomes, done }: Pending<A, B>): Slice<B> {
    const into = sliceBuilder<A, B>(name, slice, "converts");
    for (const index of isOrdered ? outcomes.keys() : done) {
      const outcome = outcomes[index]!;
      if (outcome.kind === "done") into.add(index, outcome.record);
      else if (outcome.kind === "refused") into.refuse(index, outcome.reason, outcome.cause);
    }
    return into.slice();
  }

  const onAbort = () => news.signal();

  return {
    async *slices() {
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        for (;;) {
          throwIfAborted(signal, `reading ${name}`);
          // At once: the record that it came of must not leave as if it had been left out.
          if (failure?.isFatal) throw failure.error;
          ask();
          const next = first(ready);
          if (next) {
            remove(next);
            const slice = ofHeld(built(next), next.isHeld);
            if (slice) yield slice;
          } else if (isOver && pending.size === 0) {
            // What the source gave before it failed has left.
            if (failure) throw failure.error;
            return;
          } else await news.wait();
        }
      } finally {
        signal.removeEventListener("abort", onAbort);
        isOver = true;
        for (const each of pending) cancel(each);
        const returned = reading.return?.();
        returned?.catch(() => {}); // what ended the reading is what is told
        if (!isAsked) await returned?.catch(() => {});
      }
    },
    stop() {
      isOver = true;
      news.signal();
    },
    drop(partitions) {
      for (const each of [...pending].filter(({ slice }) => partitions.has(slice.partition))) {
        remove(each);
        cancel(each);
      }
      news.signal();
    },
    drained: (partitions, timeoutMs) =>
      emptied.holds(() => ![...partitions].some((partition) => queues.has(partition)), timeoutMs),
  };

  function cancel(each: Pending<A, B>): void {
    each.next = each.slice.records.length;
    for (const controller of each.running) controller.abort();
  }
}

/** A slice without records takes room, too. */
function weightOf({ slice }: Pending<unknown, unknown>): number {
  return Math.max(1, slice.records.length);
}

function first<T>(among: ReadonlySet<T>): T | undefined {
  return among.values().next().value;
}

/** The source may go on with the objects of its positions while the slice waits. */
function withOwnPositions<A>(slice: Slice<A>): Slice<A> {
  return {
    ...{ partition: slice.partition, position: copyOf(slice.position), records: slice.records },
    ...(slice.refused && { refused: slice.refused }),
    ...(slice.placeOf && { placeOf: (index: number) => slice.placeOf!(index) }),
    ...(slice.originOf && { originOf: (index: number) => slice.originOf!(index) }),
    ...(slice.moved && { moved: copyOf(slice.moved) as Positions }),
    ...(slice.dropped && { dropped: slice.dropped }),
    ...(slice.bytes !== undefined && { bytes: slice.bytes }),
  };
}

/** Plain arrays and objects are copied. Whatever else a position must not be is left as it is, for `run()` to refuse by name. */
function copyOf(position: Position, depth = 0): Position {
  if (typeof position !== "object" || position === null || depth > deepest) return position;
  if (Array.isArray(position)) return position.map((each) => copyOf(each, depth + 1));
  const prototype = Object.getPrototypeOf(position);
  if (prototype !== Object.prototype && prototype !== null) return position;
  return Object.fromEntries(Object.entries(position).map(([key, each]) => [key, copyOf(each, depth + 1)]));
}

/** Levels of a position: one that is deeper is refused. */
const deepest = 64;
