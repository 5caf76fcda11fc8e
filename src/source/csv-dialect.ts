/** How the rows of a CSV file are written. Plain JSON, so that whoever keeps a row can keep what is needed to read it. */
export interface CsvDialect {
  /** What separates fields: one ASCII character. */
  readonly delimiter: string;
  /** What encloses fields: one ASCII character; empty: nothing does. */
  readonly quote: string;
  /** What stands before a quote that belongs to the text. The quote itself: it is doubled. */
  readonly escape: string;
  /** Rows that begin with it are left out; empty: none are. */
  readonly comment: string;
  /** Lines before the header that are left out. */
  readonly skipLines: number;
  /** The first row has the names of the fields. */
  readonly hasHeader: boolean;
  /** What becomes of a row with another number of fields than the first. */
  readonly ragged: RaggedRows;
  /** Spaces and tabs around fields that are not quoted are left out. */
  readonly isTrimmed: boolean;
}

/**
 * What becomes of rows that have another number of fields than the first. "pad": missing fields are null, and empty ones
 * behind the last column are left out.
 */
export type RaggedRows = "refuse" | "pad";

/** RFC 4180: commas, double quotes that are doubled within, a header row. */
export const rfc4180: CsvDialect = {
  delimiter: ",",
  quote: '"',
  escape: '"',
  comment: "",
  skipLines: 0,
  hasHeader: true,
  ragged: "refuse",
  isTrimmed: false,
};
