import type { CsvDialect } from "./csv-dialect.ts";
import { csvRecords } from "./csv-records.ts";
import { csvSplitter } from "./csv-rows.ts";
import { parseExactly } from "./exact-json.ts";
import type { FilesOptions } from "./file-options.ts";
import type { FileFormat } from "./format.ts";
import { elementSplitter } from "./json-elements.ts";
import { pathSplitter } from "./json-path.ts";
import { lineSplitter } from "./lines.ts";
import type { RawRecord, RecordReader } from "./records.ts";
import type { FilePosition, Splitter } from "./splitter.ts";

export interface Decoder {
  readonly splitter: Splitter;
  readonly parse: RecordReader["parse"];
  /** CSV: the names of the fields, once they are known. */
  fields?(): readonly string[] | undefined;
}

export function decoderOf(
  format: FileFormat,
  from: FilePosition,
  jsonPath: readonly string[],
  dialect: CsvDialect,
  name: string,
  header: readonly string[] | undefined,
  onNotice: FilesOptions["onNotice"],
): Decoder {
  if (format === "ndjson") return { splitter: lineSplitter(from), parse: parseObject };
  if (format === "json") {
    const splitter = jsonPath.length > 0 ? pathSplitter(from, jsonPath, name) : elementSplitter(from, name);
    return { splitter, parse: parseObject };
  }
  const rows = csvRecords(dialect, name, header, onNotice);
  return { splitter: csvSplitter(from, dialect, name), parse: rows.parse, fields: () => rows.fields };
}

function parseObject(text: string): RawRecord | string {
  try {
    const value = parseExactly(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as RawRecord;
    return `a record is a JSON object, and this is ${Array.isArray(value) ? "an array" : value === null ? "null" : `a ${typeof value}`}`;
  } catch (error) {
    return (error as Error).message;
  }
}
