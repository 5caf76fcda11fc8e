import type { Kind } from "./kinds.ts";

/** What programs write into a CSV file where there is no value. No column but of texts could hold any of them. */
const usual: ReadonlySet<string> = new Set("NA N/A n/a #N/A <NA> NULL Null null None NaN nan NaT \\N -".split(" "));

/** A real column has a value for these. */
const ofReals: ReadonlySet<string> = new Set([...usual].filter((text) => !/^nan$/i.test(text)));
const none: ReadonlySet<string> = new Set();

/**
 * The texts that stand for null in a CSV column of this kind, beside the empty one. Those that were given hold for every column;
 * where none were, the usual ones hold, but not in columns that can hold them as texts.
 */
export function nullTextsOf(kind: Kind, given: readonly string[] | undefined): ReadonlySet<string> {
  if (given !== undefined) return new Set(given);
  if (kind === "string" || kind === "dynamic") return none;
  return kind === "real" ? ofReals : usual;
}

/** May the text stand for null, in a column of some kind? */
export function isUsualNullText(text: string): boolean {
  return usual.has(text);
}
