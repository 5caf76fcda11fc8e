import { readHeader, rowParser } from "./csv-header.ts";
import { csvSplitter } from "./csv-rows.ts";
import { parseExactly } from "./exact-json.ts";
import type { FilesOptions } from "./file-options.ts";
import type { FileFormat } from "./format.ts";
import { elementSplitter } from "./json-elements.ts";
import { pathSplitter } from "./json-path.ts";
import { lineSplitter } from "./lines.ts";
import type { RawRecord, RecordReader } from "./records.ts";
import type { OriginalFormat } from "./source.ts";
import type { FilePosition } from "./splitter.ts";

export type Decoder = Pick<RecordReader, "splitter" | "parse" | "format" | "isHeaderDue">;

export function decoderOf(
  format: FileFormat,
  from: FilePosition,
  jsonPath: readonly string[],
  delimiter: string,
  name: string,
  header: readonly string[] | undefined,
  onNotice: FilesOptions["onNotice"],
): Decoder {
  const asItIs: OriginalFormat = { format };
  if (format === "ndjson") return { splitter: lineSplitter(from), parse: parseObject, format: () => asItIs };
  if (format === "json") {
    const splitter = jsonPath.length > 0 ? pathSplitter(from, jsonPath, name) : elementSplitter(from, name);
    return { splitter, parse: parseObject, format: () => asItIs };
  }
  let parseRow = header && rowParser(header, delimiter);
  let known: OriginalFormat = { format, ...(header && { header }), delimiter };
  return {
    format: () => known,
    isHeaderDue: () => parseRow === undefined,
    splitter: csvSplitter(from, delimiter, name),
    parse(row) {
      if (parseRow) return parseRow(row);
      const { fields, notices } = readHeader(row, delimiter, name);
      parseRow = rowParser(fields, delimiter);
      known = { format, header: fields, delimiter };
      for (const notice of notices) onNotice?.(notice);
      return undefined;
    },
  };
}

/** The record that a JSON text spells, or why it spells none. */
export function parseObject(text: string): RawRecord | string {
  try {
    const value = parseExactly(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as RawRecord;
    return `a record is a JSON object, and this is ${Array.isArray(value) ? "an array" : value === null ? "null" : `a ${typeof value}`}`;
  } catch (error) {
    return (error as Error).message;
  }
}
