import { throwIfAborted } from "../errors.ts";
import type { Source } from "./source.ts";

/** How many records make a slice: enough that the per-slice cost vanishes, few enough to keep the event loop awake. */
const recordsPerSlice = 256;

/**
 * A source over anything that can be iterated: arrays, generators, async generators, Node and WHATWG readables.
 * Its position is the number of records read, under the partition "0". It is not replayable, for an iterator runs once.
 */
export function iterable<R>(records: Iterable<R> | AsyncIterable<R>, name = "iterable"): Source<R> {
  return {
    name,
    replayable: false,
    async *read(_from, signal) {
      let slice: R[] = [];
      let position = 0;
      for await (const record of records) {
        slice.push(record);
        position++;
        if (slice.length === recordsPerSlice) {
          yield { partition: "0", position, records: slice };
          slice = [];
          throwIfAborted(signal, `reading ${name}`);
        }
      }
      if (slice.length > 0) yield { partition: "0", position, records: slice };
    },
  };
}
