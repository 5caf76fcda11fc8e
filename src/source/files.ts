import { MillraceError } from "../errors.ts";
import type { SampleForm } from "../schema/infer.ts";
import type { CsvDialect } from "./csv-dialect.ts";
import { readHeader } from "./csv-header.ts";
import { csvSplitter } from "./csv-rows.ts";
import { decoderOf } from "./decoder.ts";
import { toldIfEmpty } from "./empty-file.ts";
import { checkOptions, defaultMaxRecordBytes, type FilesOptions } from "./file-options.ts";
import type { FileFormat } from "./format.ts";
import { type OpenedFile, openAll, textBytes } from "./open-files.ts";
import { type RawRecord, readRecords } from "./records.ts";
import type { Positions, Slice, Source } from "./source.ts";
import { type FilePosition, isFilePosition } from "./splitter.ts";

const noSignal = new AbortController().signal;

/** What one file turned out to be. */
export interface PlannedFile {
  readonly path: string;
  readonly format: FileFormat;
  /** As it lies on the disk. */
  readonly bytes: number;
  /** Of its text. */
  readonly encoding: string;
  /** CSV: how its rows are written. */
  readonly dialect?: CsvDialect;
}

/** What the files turned out to be. */
export interface FilesPlan {
  readonly files: readonly PlannedFile[];
  /** How values are to be understood, for `inferTable()` and `coerce()`. */
  readonly form: SampleForm;
  /** Of all files; undefined where some are packed or not UTF-8, so that it would say nothing about the bytes to be read. */
  readonly totalBytes: number | undefined;
}

/** A source of files, which can be looked at before it is read. */
export interface FilesSource extends Source<RawRecord> {
  /**
   * Looks at the files without reading records.
   *
   * @throws MillraceError BAD_SOURCE naming what is missing, or when the files are partly CSV and partly JSON.
   */
  plan(signal?: AbortSignal): Promise<FilesPlan>;
}

/**
 * Reads NDJSON, JSON (one array, an array within an object, one or several objects) and CSV with a header row, plain or
 * gzip. `patterns` are paths or globs (`in/*.ndjson`, quoted from the shell); a file is read once, in the given order.
 *
 * Records are objects: of JSON values (integers beyond 2^53 as bigint), or for CSV of texts; `coerce()` turns them into
 * what a table takes. What cannot be read as a record is refused with its line and reason, and its neighbours arrive.
 * A file is a partition, its path the name; a position is a byte and a line, and reading goes on from it. The source is
 * replayable as long as the files are only appended to.
 *
 * @throws (when read) MillraceError BAD_SOURCE for a missing file, a pattern without a match, a file that is cut off.
 */
export function files(patterns: string | readonly string[], options: FilesOptions = {}): FilesSource {
  const list = typeof patterns === "string" ? [patterns] : patterns;
  checkOptions("files()", options);
  if (list.length === 0) throw new MillraceError("BAD_OPTION", "files(): no file is named.");
  let opened: Promise<OpenedFile[]> | undefined;
  const look = (signal: AbortSignal): Promise<OpenedFile[]> => {
    opened ??= openAll(list, options, signal);
    return opened;
  };
  return {
    name: list.join(", "),
    replayable: true,
    async plan(signal = noSignal) {
      const all = await look(signal);
      const first = all[0]!;
      const other = all.find((file) => formOf(file.format) !== formOf(first.format));
      if (other)
        throw new MillraceError(
          "BAD_SOURCE",
          `${first.path} is ${first.format} and ${other.path} is ${other.format}; read them one after the other.`,
        );
      return {
        files: all.map(({ path, format, bytes, encoding, dialect }) => ({
          ...{ path, format, bytes, encoding },
          ...(format === "csv" && { dialect }),
        })),
        form: formOf(first.format),
        totalBytes: all.some(isDecoded) ? undefined : all.reduce((sum, file) => sum + file.bytes, 0),
      };
    },
    async *read(from, signal) {
      for (const file of await look(signal)) yield* readFile(file, options, from, signal);
    },
  };
}

async function* readFile(
  file: OpenedFile,
  options: FilesOptions,
  positions: Positions,
  signal: AbortSignal,
): AsyncGenerator<Slice<RawRecord>> {
  const { path, format, encoding, dialect } = file;
  const stored = Object.hasOwn(positions, path) ? positions[path] : undefined; // a file may be called "constructor"
  const fresh: FilePosition = { byte: file.bom, line: 1 };
  const from = stored === undefined ? fresh : stored;
  if (!isFilePosition(from) || (!isDecoded(file) && from.byte > file.bytes))
    throw new MillraceError(
      "BAD_SOURCE",
      `${path} cannot be read on from position ${JSON.stringify(from)}: it is not the file that was read before.`,
    );
  const header = stored !== undefined && format === "csv" ? await headerOf(file, options, signal) : undefined;
  const { splitter, parse, fields } = decoderOf(format, from, file.jsonPath, dialect, path, header, options.onNotice);
  const slices = readRecords({
    partition: path,
    name: path,
    encoding,
    bytes: textBytes(path, encoding, from.byte, signal),
    from: from.byte,
    splitter,
    parse,
    maxRecordBytes: options.maxRecordBytes ?? defaultMaxRecordBytes,
    signal,
  });
  if (stored !== undefined || file.content === "none") yield* slices;
  else yield* toldIfEmpty(slices, path, () => isExport(file, fields?.()), options.onNotice);
}

/** Of a file without records: does it look like the export of an empty table? */
export function isExport(
  { format, content, dialect }: Pick<OpenedFile, "format" | "content" | "dialect">,
  fields: readonly string[] | undefined,
): boolean {
  return format === "csv" ? dialect.hasHeader && fields !== undefined : format === "json" && content === "text";
}

/** Reading on in the middle of a CSV file, its header has to be looked up at the start. */
async function headerOf(
  file: OpenedFile,
  options: FilesOptions,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  const { path, encoding, dialect, bom } = file;
  let header: readonly string[] | undefined;
  const slices = readRecords({
    partition: path,
    name: path,
    encoding,
    bytes: textBytes(path, encoding, bom, signal),
    from: bom,
    splitter: csvSplitter({ byte: bom, line: 1 }, dialect, path),
    parse(row) {
      header ??= readHeader(row, dialect, path).fields;
      return {};
    },
    maxRecordBytes: options.maxRecordBytes ?? defaultMaxRecordBytes,
    signal,
  });
  for await (const _ of slices) break;
  return header;
}

/** Positions do not count the bytes on the disk. */
function isDecoded({ isPacked, encoding }: OpenedFile): boolean {
  return isPacked || encoding !== "utf-8";
}

export function formOf(format: FileFormat): SampleForm {
  return format === "csv" ? "csv" : "json";
}
