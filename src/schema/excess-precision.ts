/** What becomes of a time with more than 7 fraction digits, as Go, Java and Docker write them. */
export type ExcessPrecision = "refuse" | "truncate";
