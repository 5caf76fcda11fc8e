import { parseExactly } from "../schema/exact-json.ts";
import { ExactNumber } from "../schema/exact-number.ts";
import type { CsvDialect } from "./csv-dialect.ts";
import { csvRecords, type KnownHeader } from "./csv-records.ts";
import { type BlankLines, csvSplitter } from "./csv-rows.ts";
import type { FilesOptions } from "./file-options.ts";
import type { FileFormat } from "./format.ts";
import { elementSplitter } from "./json-elements.ts";
import { pathSplitter } from "./json-path.ts";
import { lineSplitter } from "./lines.ts";
import type { OriginalFormat } from "./original-format.ts";
import { originalOf } from "./original-format.ts";
import type { RawRecord, RecordReader } from "./records.ts";
import type { FilePosition } from "./splitter.ts";

export type Decoder = Pick<RecordReader, "splitter" | "parse" | "format" | "isHeaderDue"> & {
  /** CSV: the names of the fields, once they are known. */
  fields?(): readonly string[] | undefined;
  readonly blankLines?: BlankLines;
};

export function decoderOf(
  format: FileFormat,
  from: FilePosition,
  jsonPath: readonly string[],
  dialect: CsvDialect,
  name: string,
  header: KnownHeader | undefined,
  onNotice: FilesOptions["onNotice"],
): Decoder {
  const asItIs: OriginalFormat = { format };
  if (format === "ndjson") return { splitter: lineSplitter(from), parse: parseObject, format: () => asItIs };
  if (format === "json") {
    const splitter = jsonPath.length > 0 ? pathSplitter(from, jsonPath, name) : elementSplitter(from, name);
    return { splitter, parse: parseObject, format: () => asItIs };
  }
  const rows = csvRecords(dialect, name, header, onNotice);
  const described = originalOf(dialect);
  let known: OriginalFormat = { format, ...described };
  const splitter = csvSplitter(from, dialect, name);
  return {
    splitter,
    blankLines: splitter.blankLines,
    parse: rows.parse,
    fields: () => rows.fields,
    format() {
      if (known.header !== rows.fields && rows.fields) known = { format, header: rows.fields, ...described };
      return known;
    },
    isHeaderDue: () => dialect.hasHeader && rows.fields === undefined,
  };
}

/** The record that a JSON text spells, or why it spells none. */
export function parseObject(text: string): RawRecord | string {
  try {
    const value = parseExactly(text);
    const isNumber = value instanceof ExactNumber || typeof value === "bigint";
    if (typeof value === "object" && value !== null && !Array.isArray(value) && !isNumber) return value as RawRecord;
    const sort = isNumber
      ? "a number"
      : Array.isArray(value)
        ? "an array"
        : value === null
          ? "null"
          : `a ${typeof value}`;
    return `a record is a JSON object, and this is ${sort}`;
  } catch (error) {
    return (error as Error).message;
  }
}
