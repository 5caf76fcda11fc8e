import { decorated } from "./decorated.ts";
import type { Slice, Source } from "./source.ts";

/** What was read of a source before it is read for good. */
export interface ReadAhead<R> {
  readonly slices: readonly Slice<R>[];
  /**
   * The same source, whose next reading gives those slices again, and then what follows; from a position, what follows
   * that, if the source can be read again. It can be read once.
   */
  readonly source: Source<R>;
}

/** How much is read at most. */
export interface AheadLimit {
  readonly records: number;
  readonly bytes: number;
  /** Since the first slice; a slow stream is then read no further. Default: as long as it takes. */
  readonly patienceMs?: number | undefined;
}

/**
 * Reads the beginning of a source: a stream cannot be read twice, and its first records say what table they need. Stops
 * when a limit is reached, `isEnough` says so, or the source ends.
 */
export async function readAhead<R>(
  source: Source<R>,
  limit: AheadLimit & { isEnough?(slice: Slice<R>): boolean },
  signal: AbortSignal,
): Promise<ReadAhead<R>> {
  const reading = source.read({}, signal)[Symbol.asyncIterator]();
  const slices: Slice<R>[] = [];
  let records = 0;
  let bytes = 0;
  /** The slice that was asked for when the patience ended. */
  let pending: Promise<IteratorResult<Slice<R>>> | undefined;
  const next = (): Promise<IteratorResult<Slice<R>>> => {
    const asked = pending ?? reading.next();
    pending = undefined;
    return asked;
  };
  let deadline: number | undefined;
  while (records < limit.records && bytes < limit.bytes) {
    pending = next();
    const arrived = deadline === undefined ? await pending : await before(deadline, pending);
    if (!arrived) break;
    pending = undefined;
    const { value, done } = arrived;
    if (done) break;
    slices.push(value);
    if (limit.patienceMs !== undefined) deadline ??= performance.now() + limit.patienceMs;
    records += value.records.length;
    bytes += value.bytes ?? 0;
    if (limit.isEnough?.(value)) break;
  }
  return {
    slices,
    source: decorated(source, async function* (from, signal, context) {
      try {
        if (source.recovery === "position" && Object.keys(from).length > 0) {
          // What was read ahead is the start, and this is to go on from elsewhere.
          yield* source.read(from, signal, context);
          return;
        }
        yield* slices.splice(0);
        for (;;) {
          const { value, done } = await next();
          if (done) return;
          yield value;
        }
      } finally {
        await reading.return?.();
      }
    }),
  };
}

/** What arrives before the deadline, or undefined. A failure after it is met by whoever asks again. */
async function before<T>(deadline: number, arriving: Promise<T>): Promise<T | undefined> {
  arriving.catch(() => {});
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.max(0, deadline - performance.now()));
  });
  try {
    return await Promise.race([arriving, late]);
  } finally {
    clearTimeout(timer);
  }
}
