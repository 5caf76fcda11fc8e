import type { StoredColumn, StoredTable } from "../engine/catalogue.ts";
import { unixEpoch } from "../engine/ticks.ts";
import { csvRecords, delimiters } from "./csv.ts";
import { IngestionFailure } from "./failure.ts";
import { type JsonRecord, jsonLines, multiJson } from "./json.ts";
import { follow, storedOf } from "./json-values.ts";
import { type MappingEntry, parsePath } from "./mapping.ts";
import { type Stored, textReaders } from "./text-values.ts";

export interface ReadingOptions {
  readonly table: StoredTable;
  readonly format: string;
  readonly mapping: readonly MappingEntry[] | undefined;
  readonly ignoreFirstRecord: boolean;
  /** Whether all records of a CSV must have the number of fields of the first. */
  readonly constantFields: boolean;
  /** What the transform SourceLocation yields: the blob's URL without its SAS. */
  readonly sourcePath: string;
}

/** Where a record stands, for transforms. */
interface Place {
  readonly sourcePath: string;
  readonly recordNumber: number;
}

type ColumnReader<R> = (record: R, place: Place) => Stored;

/** The kind of mapping that a format goes by: `csv` or `json`; undefined for a format that is not carried. */
export function mappingKindOf(format: string): "csv" | "json" | undefined {
  const lower = format.toLowerCase();
  if (lower in delimiters) return "csv";
  return lower === "json" || lower === "multijson" || lower === "singlejson" ? "json" : undefined;
}

/** Rows of stored values, one array per piece of text, in the order of the table's columns. */
export function readRows(pieces: AsyncIterable<string>, options: ReadingOptions): AsyncGenerator<Stored[][]> {
  const format = options.format.toLowerCase();
  const delimiter = delimiters[format];
  if (delimiter !== undefined) {
    const readers = columnReaders(options, csvReader);
    const records = csvRecords(pieces, delimiter);
    return rowsOf(options.constantFields ? consistent(records, options) : records, readers, options);
  }
  if (mappingKindOf(format) !== "json")
    throw new IngestionFailure(
      "BadRequest_FormatNotSupported",
      `Format '${options.format}' is not supported by this emulator.`,
    );
  const readers = columnReaders(options, jsonReader);
  return rowsOf(format === "json" ? jsonLines(pieces) : multiJson(pieces), readers, options);
}

async function* rowsOf<R>(
  batches: AsyncGenerator<R[]>,
  readers: readonly ColumnReader<R>[],
  { ignoreFirstRecord, sourcePath }: ReadingOptions,
): AsyncGenerator<Stored[][]> {
  let recordNumber = 0;
  for await (const batch of batches) {
    const rows: Stored[][] = [];
    for (const record of batch) {
      recordNumber++;
      if (ignoreFirstRecord && recordNumber === 1) continue;
      const place = { sourcePath, recordNumber };
      rows.push(readers.map((read) => read(record, place)));
    }
    yield rows;
  }
}

/** Records of a CSV all have the number of fields of the first one; how many the table has does not matter. */
async function* consistent(batches: AsyncGenerator<string[][]>, options: ReadingOptions): AsyncGenerator<string[][]> {
  let expected = -1;
  let recordNumber = 0;
  for await (const batch of batches) {
    for (const record of batch) {
      recordNumber++;
      if (options.ignoreFirstRecord && recordNumber === 1) continue;
      if (expected < 0) expected = record.length;
      if (record.length !== expected)
        throw new IngestionFailure(
          "Stream_WrongNumberOfFields",
          `Inconsistent number of fields in the input records: record ${recordNumber} has ${record.length}, those before it ${expected}.`,
        );
    }
    yield batch;
  }
}

/** One reader per column of the table: by the mapping if there is one, else by position (CSV) or name (JSON). */
function columnReaders<R>(
  { table, mapping }: ReadingOptions,
  readerOf: (entry: MappingEntry | undefined, column: StoredColumn, index: number) => ColumnReader<R>,
): ColumnReader<R>[] {
  for (const { column } of mapping ?? [])
    if (!table.columns.some(({ name }) => name === column))
      throw new IngestionFailure(
        "BadRequest_InconsistentMapping",
        `Ingestion mapping is not consistent with the schema of table '${table.name}': it has no column '${column}'.`,
      );
  return table.columns.map((column, index) => {
    const missing = missingOf(column);
    if (!mapping) return readerOf(undefined, column, index);
    const entry = mapping.find((candidate) => candidate.column === column.name);
    if (!entry) return () => missing;
    if (entry.constant !== undefined) {
      const constant = textReaders[column.kind](entry.constant);
      return () => constant;
    }
    if (entry.transform === "SourceLocation") return (_, { sourcePath }) => textReaders[column.kind](sourcePath);
    if (entry.transform === "SourceLineNumber")
      return (_, { recordNumber }) => textReaders[column.kind](String(recordNumber));
    return readerOf(entry, column, index);
  });
}

const missingOf = ({ kind }: StoredColumn): Stored => (kind === "string" ? "" : null);

function csvReader(entry: MappingEntry | undefined, column: StoredColumn, index: number): ColumnReader<string[]> {
  const ordinal = entry === undefined ? index : entry.ordinal;
  if (ordinal === undefined)
    throw new IngestionFailure(
      "BadRequest_InvalidMapping",
      `Ingestion mapping gives column '${column.name}' no ordinal.`,
    );
  const missing = missingOf(column);
  const read = transformed(entry?.transform, column) ?? textReaders[column.kind];
  return (fields) => {
    const field = fields[ordinal];
    return field === undefined || field === "" ? missing : read(field);
  };
}

function jsonReader(entry: MappingEntry | undefined, column: StoredColumn): ColumnReader<JsonRecord> {
  const steps = entry === undefined ? [column.name] : parsePath(entry.path ?? "");
  const missing = missingOf(column);
  const read = transformed(entry?.transform, column);
  return (record) => {
    const found = follow(record, steps);
    if (found === undefined) return missing;
    return read ? read(typeof found.value === "string" ? found.value : found.text()) : storedOf(found, column.kind);
  };
}

/** 100 ns per unit, as a fraction of whole numbers. */
const unixUnits: Readonly<Record<string, readonly [bigint, bigint]>> = {
  DateTimeFromUnixSeconds: [10_000_000n, 1n],
  DateTimeFromUnixMilliseconds: [10_000n, 1n],
  DateTimeFromUnixMicroseconds: [10n, 1n],
  DateTimeFromUnixNanoseconds: [1n, 100n],
};

function transformed(name: string | undefined, column: StoredColumn): ((text: string) => Stored) | undefined {
  if (name === undefined) return undefined;
  const unit = unixUnits[name];
  if (!unit)
    throw new IngestionFailure(
      "BadRequest_InvalidMapping",
      `The transform '${name}' of column '${column.name}' is not supported by this emulator.`,
    );
  return (text) => (/^\s*-?\d+\s*$/.test(text) ? unixEpoch + (BigInt(text.trim()) * unit[0]) / unit[1] : null);
}
