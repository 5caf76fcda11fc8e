import type { Coercion } from "../schema/coerce.ts";
import type { Source } from "../source/source.ts";
import { nothingReturned, refusePromise } from "./built-slice.ts";
import { checkTransform, transformed } from "./transformed.ts";

/**
 * A source whose records are what `convert` makes of the source's: `map(files("in/*.csv"), coerce(table, "csv"))`.
 * `run({ from, through })` is `run({ from: map(from, through) })`.
 *
 * A transform is a source in the place of the one that it is given: it has its name, recovery, positions, leases and all else.
 * A record for which the function throws, or returns undefined or null, goes to the dead letter as the source gave it, with its place, and its neighbours
 * arrive; without a dead letter `run()` rejects. That letter is marked as `isConverted`: the program must read the record again.
 * A record that the table does not take goes there as the function made it, or, where `coerce()` made the function, as the source
 * gave it: those letters can be replayed.
 *
 * @throws MillraceError BAD_OPTION for a function that returns a promise (see {@link asyncMap}). From reading: BAD_OPTION,
 *   BAD_SOURCE and BAD_SCHEMA of the function itself end the run, for no record would be right.
 */
export function map<A, B>(source: Source<A>, convert: (record: A) => B): Source<B> {
  checkTransform("map()", source, "convert", convert);
  return mapped("map()", source, convert);
}

/** @param what for messages: who was given the function. */
export function mapped<A, B>(what: string, source: Source<A>, convert: (record: A) => B): Source<B> {
  return transformed(source, {
    what,
    effect: isCoercion(convert) ? convert : "converts",
    apply(record, index, into) {
      const converted = convert(record);
      refusePromise(what, converted);
      const refusal = nothingReturned(what, converted);
      if (refusal) into.refuse(index, refusal);
      else into.add(index, converted);
    },
  });
}

function isCoercion(convert: object): convert is Pick<Coercion, "from" | "renames" | "nullTexts" | "excessPrecision"> {
  return "renames" in convert && Array.isArray(convert.renames);
}
