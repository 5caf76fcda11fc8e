/**
 * Where the table rightly holds another value than the file, or a row is rightly rejected, although the file is sound.
 * Whatever is not in this list counts as a fault.
 */
export const differences = {
  nullInString: "a string of Kusto has no null: null, and a member that is missing, come back as the empty text",
  numberInString: "a number in a column of texts is written as JavaScript writes it: 1.0 becomes 1",
  nestedInteger:
    "Node 20 has no raw JSON: integers beyond 2^53 inside of nested values are rounded, as JSON.parse does",
  roundedReal: "a real is a double: of more than 17 digits the nearest one is kept",
  emptyCsv: "an empty field of CSV is null in a column that is not string",
} as const;

export type Difference = keyof typeof differences;

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
