import type { Kind } from "../../src/schema/kinds.ts";

/**
 * Where the table rightly holds another value than the file, or a row is rightly rejected, although the file is sound.
 * Whatever is not in this list counts as a fault.
 */
export const differences = {
  nullInString: "a string of Kusto has no null: null, and a member that is missing, come back as the empty text",
  numberInString:
    "a number in a column of texts is written as JavaScript writes it, if a double holds it: 1.0 becomes 1",
  roundedReal: "a real is a double: of more than 17 digits the nearest one is kept",
  nullText: "NA and its like are null in a CSV column of another kind than string; ingest names and counts them",
  emptyCsv: "an empty field of CSV is null in a column that is not string",
} as const;

export type Difference = keyof typeof differences;

/** docs/files.md, "Texts for null": what programs write where there is no value. In a real column NaN has a value. */
const textsForNull = ["NA", "N/A", "n/a", "#N/A", "<NA>", "NULL", "Null", "null", "None", "NaT", "\\N", "-"];
const notANumber = ["NaN", "nan"];

export function isTextForNull(kind: Kind, text: string): boolean {
  if (kind === "string" || kind === "dynamic") return false;
  return textsForNull.includes(text) || (kind !== "real" && notANumber.includes(text));
}

/** Rejections of rows that are sound in their format: by the reason that millrace gives. */
export const rejectedRows: readonly (readonly [reason: RegExp, why: string])[] = [
  [/its JSON is over 1 MiB/, "Kusto stores null where a dynamic is over 1 MiB"],
  [/it is over 1 MiB of UTF-8/, "Kusto cuts a string that is over 1 MiB"],
  [/lone surrogate/, "UTF-8 cannot carry half a surrogate pair"],
  [/longer than \d+ bytes/, "a record over 16 MiB is refused"],
];

/** Refusals of whole files that are sound in their format. */
export const refusedFiles: readonly (readonly [message: RegExp, why: string])[] = [
  [/several arrays of objects/, "the user is asked which array holds the records"],
  [/More than 10000 fields/, "names that look like values"],
  [
    /translating it takes more than 10 s/,
    "on a busy machine 10 s are too little for the emulator to make 1 500 columns",
  ],
  [/names more than 5000 columns/, "the same: the emulator takes no command of so many columns"],
];
