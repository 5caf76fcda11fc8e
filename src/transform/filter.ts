import type { Source } from "../source/source.ts";
import { refusePromise } from "./built-slice.ts";
import { checkTransform, transformed } from "./transformed.ts";

/**
 * A source without the records for which `isKept` returns false (or what counts as false). Positions go on past them: a restart does not
 * read them again. They are in no count and in no dead letter. See {@link map} for what holds of every transform.
 *
 * @throws MillraceError BAD_OPTION, when read, for a function that returns a promise: it would keep every record.
 */
export function filter<A, B extends A>(source: Source<A>, isKept: (record: A) => record is B): Source<B>;
export function filter<A>(source: Source<A>, isKept: (record: A) => unknown): Source<A>;
export function filter<A>(source: Source<A>, isKept: (record: A) => unknown): Source<A> {
  checkTransform("filter()", source, "isKept", isKept);
  return transformed(source, {
    what: "filter()",
    effect: "keeps",
    apply(record, index, into) {
      const answer = isKept(record);
      refusePromise("filter()", answer);
      if (answer) into.add(index, record);
    },
  });
}
