import { badArgument, checkText } from "../arguments.ts";
import { throwIfAborted } from "../errors.ts";
import type { Slice, Source } from "./source.ts";

/** How many records make a slice: enough that the per-slice cost vanishes, few enough to keep the event loop awake. */
const recordsPerSlice = 256;

/**
 * A source over anything that can be iterated: arrays, generators, async generators, Node and WHATWG readables.
 * Its position is the number of records read, under the partition "0". An iterator runs once: delivery
 * is at most once for what was read and not delivered when the process is killed.
 * A slice is closed when it is full, or when there is no further record just now: a slow iterator holds none back.
 */
export function iterable<R>(records: Iterable<R> | AsyncIterable<R>, name = "iterable"): Source<R> {
  checkIterable("iterable()", "records", records);
  checkText("iterable()", "name", name);
  const stop = new AbortController();
  return {
    name,
    recovery: "none",
    async *read(_from, signal) {
      let position = 0;
      /** A stream of Node has records in its buffer, which are gone with it. */
      let mayHold = Symbol.asyncIterator in records;
      if (stop.signal.aborted && !mayHold) return;
      const slices =
        Symbol.asyncIterator in records
          ? asTheyCome(records, AbortSignal.any([stop.signal, signal]))
          : inFull(records, signal);
      for await (const slice of slices) {
        position += slice.length;
        yield { partition: "0", position, records: slice } satisfies Slice<R>;
        throwIfAborted(signal, `reading ${name}`);
        if (!stop.signal.aborted) continue;
        if (!mayHold) return;
        mayHold = false;
      }
      throwIfAborted(signal, `reading ${name}`);
    },
    /** What the iterator gives in this turn of the event loop is read, up to a slice of it. */
    stop: () => stop.abort(),
  };
}

async function* inFull<R>(records: Iterable<R>, signal: AbortSignal): AsyncGenerator<R[]> {
  let slice: R[] = [];
  for (const record of records) {
    // Not `for await`, whose look at `then` ends the run where a record throws at it.
    if (isThenable(record)) {
      const answer = await unlessFired(
        Promise.resolve(record).then((value) => ({ value })),
        signal,
      );
      if (!answer) return;
      slice.push(answer.value);
    } else slice.push(record);
    if (slice.length < recordsPerSlice) continue;
    yield slice;
    slice = [];
  }
  if (slice.length > 0) yield slice;
}

/** The answer; undefined when it does not come in the turn of the event loop in which the signal fires. */
function unlessFired<T>(answer: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const onFired = () => setImmediate(() => resolve(undefined));
    const settle = () => signal.removeEventListener("abort", onFired);
    if (signal.aborted) onFired();
    else signal.addEventListener("abort", onFired, { once: true });
    answer.then(resolve, reject).finally(settle);
  });
}

function isThenable(value: unknown): boolean {
  try {
    return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
  } catch {
    return false; // the sink refuses it
  }
}

async function* asTheyCome<R>(records: AsyncIterable<R>, stop: AbortSignal): AsyncGenerator<R[]> {
  const reading = records[Symbol.asyncIterator]();
  let slice: R[] = [];
  let resume: (step: undefined) => void = () => {};
  let turn: NodeJS.Immediate | undefined;
  let isAsked = false;

  /** The next record; undefined when it does not come in this turn of the event loop. */
  function soon(next: Promise<IteratorResult<R>>): Promise<IteratorResult<R> | undefined> {
    turn ??= setImmediate(() => resume(undefined));
    // By hand, for Promise.race() costs 1 µs per record, and this 0.1 µs.
    return new Promise((resolve, reject) => {
      resume = resolve;
      next.then(resolve, reject);
    });
  }

  function close(): R[] {
    const closed = slice;
    slice = [];
    clearImmediate(turn);
    turn = undefined;
    return closed;
  }

  try {
    for (;;) {
      const next = reading.next();
      isAsked = true;
      let step = slice.length > 0 ? await soon(next) : await unlessFired(next, stop);
      if (!step && slice.length > 0) {
        yield close();
        step = await unlessFired(next, stop);
      }
      if (!step || step.done) break;
      isAsked = false;
      slice.push(step.value);
      if (slice.length === recordsPerSlice) yield close();
    }
    if (slice.length > 0) yield close();
  } finally {
    clearImmediate(turn);
    // An iterator that is still asked ends with its answer, which may never come; one that has ended needs nothing.
    const end = reading.return?.();
    if (isAsked) end?.catch(() => {});
    else await end;
  }
}

/** @throws MillraceError BAD_OPTION for what cannot be gone over. A text could be, by its characters, which are no records. */
export function checkIterable(what: string, argument: string, value: unknown): void {
  const { [Symbol.iterator]: sync, [Symbol.asyncIterator]: async } = (value ?? {}) as {
    [Symbol.iterator]?: unknown;
    [Symbol.asyncIterator]?: unknown;
  };
  if (typeof value === "string" || (typeof sync !== "function" && typeof async !== "function"))
    throw badArgument(what, argument, value, "an array, a generator, a stream, or another iterable");
}
