import { badArgument } from "../arguments.ts";
import { checkSlice, iteratorOf } from "../source/check-slice.ts";
import { decorated } from "../source/decorated.ts";
import { heldSince, ofHeld } from "../source/held-partitions.ts";
import type { Slice, Source } from "../source/source.ts";
import { type Effect, isWrongAsWhole, type SliceBuilder, sliceBuilder, thrownReason } from "./built-slice.ts";
import { condition, type HeldSlices, ownershipBehind } from "./ownership.ts";

/** A function that is applied to records one after another. */
export interface Step<A, B> {
  /** For messages: `map()`. */
  readonly what: string;
  readonly effect: Effect;
  apply(record: A, index: number, into: SliceBuilder<B>): void;
}

/** Records between two looks at the clock, and how long the event loop is held, as the sink does. */
const recordsPerLook = 64;
const longestTurnMs = 3;

/** The source, with the step applied to each of its records. What throws sends its record to the dead letter. */
export function transformed<A, B>(source: Source<A>, step: Step<A, B>): Source<B> {
  return decorated(source, async function* (from, signal, context) {
    let turnEnds = performance.now() + longestTurnMs;
    /** Of the slice whose records are being changed. */
    let busyWith: string | undefined;
    const emptied = condition();
    const held: HeldSlices = {
      drained: (partitions, timeoutMs) =>
        emptied.holds(() => busyWith === undefined || !partitions.has(busyWith), timeoutMs),
      drop() {}, // looked at when the slice leaves
    };
    const partitions = context && ownershipBehind(context.partitions, () => held);
    const slices = source.read(from, signal, context && { ...context, partitions: partitions! });

    async function changed(slice: Slice<A>): Promise<Slice<B>> {
      const into = sliceBuilder<A, B>(source.name, slice, step.effect);
      for (let start = 0; start < slice.records.length; start += recordsPerLook) {
        applyTo(step, slice.records, start, into);
        if (performance.now() < turnEnds) continue;
        await new Promise(setImmediate);
        turnEnds = performance.now() + longestTurnMs;
      }
      return into.slice();
    }

    for await (const slice of { [Symbol.asyncIterator]: () => iteratorOf(source.name, slices) }) {
      checkSlice(source.name, slice);
      const isHeld = heldSince(slice, context?.partitions);
      if (!isHeld(slice.partition)) continue;
      busyWith = slice.partition;
      let left: Slice<B> | undefined;
      try {
        left = ofHeld(await changed(slice), isHeld);
      } finally {
        busyWith = undefined;
        emptied.changed();
      }
      if (left) yield left;
    }
  });
}

/** A function of its own: within the generator the same loop costs more. */
function applyTo<A, B>({ what, apply }: Step<A, B>, records: readonly A[], start: number, into: SliceBuilder<B>): void {
  const end = Math.min(records.length, start + recordsPerLook);
  for (let index = start; index < end; index++)
    try {
      apply(records[index]!, index, into);
    } catch (error) {
      if (isWrongAsWhole(error)) throw error;
      into.refuse(index, thrownReason(what, error), error);
    }
}

export function checkTransform(what: string, source: unknown, argument: string, act: unknown): void {
  if (typeof (source as Source<unknown> | undefined)?.read !== "function")
    throw badArgument(what, "source", source, "a source: files(), iterable(records), or an object with read()");
  if (typeof act !== "function") throw badArgument(what, argument, act, "a function");
}
