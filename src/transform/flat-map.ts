import { sortOf } from "../arguments.ts";
import type { Source } from "../source/source.ts";
import { refusePromise } from "./built-slice.ts";
import { checkTransform, transformed } from "./transformed.ts";

/**
 * A source with any number of records in the place of each: those of the array, or other iterable, that `convert` returns. Their place
 * and origin are those of the record that they were made of. If the function throws, also in the midst of a generator, none of
 * them arrives, and the record goes to the dead letter. See {@link map} for what holds of every transform.
 *
 * @throws MillraceError BAD_OPTION, when read, for a function that returns a promise.
 */
export function flatMap<A, B>(source: Source<A>, convert: (record: A) => Iterable<B>): Source<B> {
  checkTransform("flatMap()", source, "convert", convert);
  return transformed(source, {
    what: "flatMap()",
    effect: "converts",
    apply(record, index, into) {
      const given = convert(record);
      refusePromise("flatMap()", given);
      if (typeof given === "string" || typeof given?.[Symbol.iterator] !== "function")
        return into.refuse(
          index,
          `flatMap(): its function returned ${sortOf(given)}; it takes an array or another iterable`,
        );
      const records = [...given];
      const missing = records.findIndex((each) => each === undefined || each === null);
      if (missing >= 0)
        return into.refuse(index, `flatMap(): record ${missing} of what its function returned is ${records[missing]}`);
      for (const each of records) into.add(index, each);
    },
  });
}
