import type { Slice, Source } from "./source.ts";

/** What was read of a source before it is read for good. */
export interface ReadAhead<R> {
  readonly slices: readonly Slice<R>[];
  /**
   * The same source, whose next reading gives those slices again, and then what follows; from a position, what follows
   * that, if the source is replayable. It can be read once.
   */
  readonly source: Source<R>;
}

/**
 * Reads the beginning of a source: a stream cannot be read twice, and its first records say what table they need. Stops
 * when either limit is reached, `isEnough` says so, or the source ends.
 */
export async function readAhead<R>(
  source: Source<R>,
  limit: { readonly records: number; readonly bytes: number; isEnough?(slice: Slice<R>): boolean },
  signal: AbortSignal,
): Promise<ReadAhead<R>> {
  const reading = source.read({}, signal)[Symbol.asyncIterator]();
  const slices: Slice<R>[] = [];
  let records = 0;
  let bytes = 0;
  while (records < limit.records && bytes < limit.bytes) {
    const { value, done } = await reading.next();
    if (done) break;
    slices.push(value);
    records += value.records.length;
    bytes += value.bytes ?? 0;
    if (limit.isEnough?.(value)) break;
  }
  return {
    slices,
    source: {
      ...source,
      async *read(from, signal, mode) {
        try {
          if (source.replayable && Object.keys(from).length > 0) {
            // What was read ahead is the start, and this is to go on from elsewhere.
            yield* source.read(from, signal, mode);
            return;
          }
          yield* slices.splice(0);
          for (;;) {
            const { value, done } = await reading.next();
            if (done) return;
            yield value;
          }
        } finally {
          await reading.return?.();
        }
      },
    },
  };
}
