import type { ExcessPrecision } from "../schema/excess-precision.ts";
import type { Rename } from "../schema/names.ts";
import { type CsvDialect, rfc4180 } from "./csv-dialect.ts";

/** How an original is to be read again: what a dead letter says beside it. */
export interface OriginalFormat {
  /**
   * Of the source, or of the row. `csv`: a record's values are texts, and an empty one is null. Absent: the original is a record as
   * `write()` takes it. `letter`: a line of a dead letter, which `millrace replay-dlq` could not read.
   */
  readonly format?: "csv" | "ndjson" | "json" | "letter";
  /** CSV text only: the names of its fields, in order. */
  readonly header?: readonly string[];
  /** CSV text only. Default ",". */
  readonly delimiter?: string;
  /** CSV text only: how the row is written, where it is not RFC 4180. */
  readonly dialect?: RowDialect;
  /** The `nullTexts` and `excessPrecision` of `coerce()`, where they were given. */
  readonly nullTexts?: readonly string[];
  readonly excessPrecision?: ExcessPrecision;
  /** Fields whose column has another name. */
  readonly renames?: readonly Rename[];
  /** Only the beginning of the original was kept. */
  readonly isCut?: true;
  /** The bytes were not UTF-8: U+FFFD stands for what could not be read. */
  readonly isUtf8?: false;
  /** A function of the program (`map()`, `through` of `run()`) converts the records of this source: only that program can read it again. */
  readonly isConverted?: true;
}

/** What of a dialect matters to a row that stands alone. */
export type RowDialect = Partial<Pick<CsvDialect, "quote" | "escape" | "ragged" | "isTrimmed">>;

/** What a row is to be read with again: the delimiter, and what differs from RFC 4180 within a row. */
export function originalOf({
  delimiter,
  quote,
  escape: escapeMark,
  ragged,
  isTrimmed,
}: CsvDialect): Pick<OriginalFormat, "delimiter" | "dialect"> {
  const dialect: RowDialect = {
    ...(quote !== rfc4180.quote && { quote }),
    ...(escapeMark !== quote && { escape: escapeMark }),
    ...(ragged !== rfc4180.ragged && { ragged }),
    ...(isTrimmed && { isTrimmed }),
  };
  return { delimiter, ...(Object.keys(dialect).length > 0 && { dialect }) };
}

/** The dialect of a row that stands alone. */
export function rowDialect({ delimiter = rfc4180.delimiter, dialect = {} }: OriginalFormat): CsvDialect {
  const quote = dialect.quote ?? rfc4180.quote;
  return { ...rfc4180, ...dialect, delimiter, quote, escape: dialect.escape ?? quote };
}
