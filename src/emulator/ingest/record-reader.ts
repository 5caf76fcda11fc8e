import type { StoredColumn, StoredTable } from "../engine/entities.ts";
import { type MappingEntry, pathOf } from "../engine/mapping.ts";
import type { Store } from "../engine/store.ts";
import { IngestionFailure } from "../ingestion-failure.ts";
import type { Stored } from "../values/stored.ts";
import { textReaders } from "../values/text-values.ts";
import { csvRecords, delimiters } from "./csv.ts";
import { textOf } from "./file-text.ts";
import { type JsonRecord, jsonLines, multiJson } from "./json.ts";
import { follow, storedOf } from "./json-values.ts";
import { escapedRecords, rawRecord, textRecords } from "./lines.ts";
import { parquetRecords } from "./parquet.ts";
import { transformed } from "./transforms.ts";
import { w3cRecords } from "./w3c-log.ts";

export interface ReadingOptions {
  readonly table: StoredTable;
  /** In lower case. */
  readonly format: string;
  readonly mapping: readonly MappingEntry[] | undefined;
  readonly ignoreFirstRecord: boolean;
  /** Whether all records of a CSV must have the number of fields of the first. */
  readonly constantFields: boolean;
  /** What the transform SourceLocation yields: the blob's URL without its SAS. */
  readonly sourcePath: string;
  readonly store: Store;
}

/** Where a record stands, for transforms. */
interface RecordPlace {
  readonly sourcePath: string;
  readonly recordNumber: number;
}

type ColumnReader<R> = (record: R, place: RecordPlace) => Stored;

/** Formats whose records are lists of fields: by ordinal they are found. */
const fieldFormats: Readonly<
  Record<string, ((pieces: AsyncIterable<string>) => AsyncGenerator<string[][]>) | undefined>
> = {
  ...Object.fromEntries(
    Object.entries(delimiters).map(([format, delimiter]) => [
      format,
      (pieces: AsyncIterable<string>) => csvRecords(pieces, delimiter),
    ]),
  ),
  tsve: escapedRecords,
  txt: textRecords,
  raw: rawRecord,
};

/** Formats whose records are property bags: by path or name they are found. */
const bagFormats: Readonly<
  Record<string, ((pieces: AsyncIterable<string>) => AsyncGenerator<JsonRecord[]>) | undefined>
> = {
  json: jsonLines,
  multijson: multiJson,
  singlejson: multiJson,
  w3clogfile: w3cRecords,
};

/** The kind of mapping that a format goes by; undefined for a format that is not carried. */
export function mappingKindOf(format: string): "csv" | "json" | "parquet" | "w3clogfile" | undefined {
  if (format in fieldFormats) return "csv";
  if (format === "parquet" || format === "w3clogfile") return format;
  return format in bagFormats ? "json" : undefined;
}

/** Rows of stored values, one array per piece of the file, in the order of the table's columns. */
export function readRows(file: AsyncIterable<Uint8Array>, options: ReadingOptions): AsyncGenerator<Stored[][]> {
  const { format, mapping } = options;
  const fields = fieldFormats[format];
  if (fields) {
    const records = fields(textOf(file));
    return rowsOf(
      options.constantFields ? consistent(records, options) : records,
      columnReaders(options, csvReader),
      options,
    );
  }
  const kind = mappingKindOf(format);
  if (!kind) throw notSupported(format);
  const readers = columnReaders(options, bagReader(kind, mapping));
  // Only formats like CSV have a first record that is a header.
  const wanted = { ...options, ignoreFirstRecord: false };
  const bags = bagFormats[format];
  return rowsOf(
    bags ? bags(textOf(file)) : parquetRecords(file, options.store, base64Columns(mapping)),
    readers,
    wanted,
  );
}

export function notSupported(format: string): IngestionFailure {
  const known = [...Object.keys(fieldFormats), ...Object.keys(bagFormats), "parquet"].join(", ");
  return new IngestionFailure(
    "BadRequest_FormatNotSupported",
    `Format '${format}' is not supported by this emulator; it reads ${known}.`,
  );
}

function base64Columns(mapping: readonly MappingEntry[] | undefined): ReadonlySet<string> {
  const encoded = (mapping ?? []).filter(({ transform }) => transform === "BytesAsBase64");
  return new Set(encoded.map((entry) => String(pathOf(entry)?.[0] ?? "")));
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
  const columns = new Set(table.columns.map(({ name }) => name));
  const entries = new Map<string, MappingEntry>();
  for (const entry of mapping ?? []) if (!entries.has(entry.column)) entries.set(entry.column, entry);
  for (const { column } of mapping ?? [])
    if (!columns.has(column))
      throw new IngestionFailure(
        "BadRequest_InconsistentMapping",
        `Ingestion mapping is not consistent with the schema of table '${table.name}': it has no column '${column}'.`,
      );
  return table.columns.map((column, index) => {
    const missing = missingOf(column);
    if (!mapping) return readerOf(undefined, column, index);
    const entry = entries.get(column.name);
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
  const read = transformed(entry, column, "csv") ?? textReaders[column.kind];
  return (fields) => {
    const field = fields[ordinal];
    return field === undefined || field === "" ? missing : read(field);
  };
}

const bagReader =
  (kind: string, mapping: readonly MappingEntry[] | undefined) =>
  (entry: MappingEntry | undefined, column: StoredColumn): ColumnReader<JsonRecord> => {
    const steps = entry === undefined ? [column.name] : pathOf(entry);
    if (!steps)
      throw new IngestionFailure(
        "BadRequest_InvalidMapping",
        `Ingestion mapping gives column '${column.name}' no path, field or constant.`,
      );
    const missing = missingOf(column);
    const read = transformed(entry, column, kind, mapping);
    return (record) => {
      const found = follow(record, steps);
      if (found === undefined) return missing;
      return read ? read(typeof found.value === "string" ? found.value : found.text()) : storedOf(found, column.kind);
    };
  };
