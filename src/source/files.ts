import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { MillraceError } from "../errors.ts";
import { refuseUnknownOptions } from "../option-names.ts";
import type { SampleForm } from "../schema/infer.ts";
import { fileBytes, isGzipFile, streamBytes, unreadable } from "./byte-stream.ts";
import { readHeader, rowParser } from "./csv-header.ts";
import { csvSplitter } from "./csv-rows.ts";
import { parseExactly } from "./exact-json.ts";
import { bomLength, extensionOf, type FileFormat, formatOf, mayBecomeBom, refuseUtf16 } from "./format.ts";
import { expandGlob, isGlob } from "./glob.ts";
import { elementSplitter } from "./json-elements.ts";
import { pathSplitter } from "./json-path.ts";
import { shapeOf } from "./json-shape.ts";
import { lineSplitter } from "./lines.ts";
import { type RecordReader, readRecords } from "./records.ts";
import type { OriginalFormat, Positions, Slice, Source } from "./source.ts";
import { type FilePosition, isFilePosition } from "./splitter.ts";

/** Options of {@link files} and {@link stdin}. */
export interface FilesOptions {
  /** Default "auto": by the file's name, or its first bytes. */
  format?: FileFormat | "auto";
  /**
   * JSON only: the dotted path to the array whose elements are the records, such as "features"; "$": the document itself is
   * the record. Default: the only member that is an array of objects, if the document is an object that has one.
   */
  path?: string;
  /** CSV only. Default ",", and a tab for `.tsv`. */
  delimiter?: string;
  /** A longer record is refused, and not held in memory. Default 16 MiB. */
  maxRecordBytes?: number;
  /** Told what a reader of the data should know: columns without a name, and the like. */
  onNotice?: (notice: string) => void;
}

/** A record as a file has it: JSON values, or for CSV texts by the names of the header row. */
export type RawRecord = Record<string, unknown>;

/** What the files turned out to be. */
export interface FilesPlan {
  readonly files: readonly { readonly path: string; readonly format: FileFormat; readonly bytes: number }[];
  /** How values are to be understood, for `inferTable()` and `coerce()`. */
  readonly form: SampleForm;
  /** Of all files; undefined where some are packed, so that it would say nothing about the bytes to be read. */
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

const defaultMaxRecordBytes = 16 * 1024 * 1024;

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
        files: all.map(({ path, format, bytes }) => ({ path, format, bytes })),
        form: formOf(first.format),
        totalBytes: all.some((file) => file.isPacked) ? undefined : all.reduce((sum, file) => sum + file.bytes, 0),
      };
    },
    async *read(from, signal) {
      for (const file of await look(signal)) yield* readFile(file, options, from, signal);
    },
  };
}

/**
 * Reads standard input, or another stream of bytes, in the same formats, plain or gzip. It cannot be read again. An array
 * within an object is found only by `path`, because a stream cannot be looked through beforehand.
 */
export function stdin(options: FilesOptions & { stream?: Readable } = {}): FilesSource {
  const { stream, ...rest } = options;
  checkOptions("stdin()", rest);
  const name = "stdin";
  const stop = new AbortController();
  let head: Promise<Head> | undefined;
  const look = (): Promise<Head> => {
    head ??= lookAhead(streamBytes(stream ?? process.stdin, name, stop.signal), name, rest);
    return head;
  };
  /** The stream ends with the signal of whoever waits for it. Returns what undoes that. */
  const endWith = (signal: AbortSignal): (() => void) => {
    const end = () => stop.abort(signal.reason);
    if (signal.aborted) end();
    signal.addEventListener("abort", end, { once: true });
    return () => signal.removeEventListener("abort", end);
  };
  return {
    name,
    replayable: false,
    async plan(signal = noSignal) {
      const release = endWith(signal);
      try {
        const { format } = await look();
        return { files: [{ path: name, format, bytes: 0 }], form: formOf(format), totalBytes: undefined };
      } finally {
        release();
      }
    },
    async *read(_from, signal) {
      const release = endWith(signal);
      try {
        const { format, bytes, first } = await look();
        const start = { byte: bomLength(first), line: 1 };
        const path = rest.path === undefined || rest.path === "$" ? [] : rest.path.split(".");
        const delimiter = rest.delimiter ?? ",";
        const decoder = decoderOf(format, start, path, delimiter, name, undefined, rest.onNotice);
        const maxRecordBytes = rest.maxRecordBytes ?? defaultMaxRecordBytes;
        yield* readRecords({ partition: name, name, bytes, from: 0, ...decoder, maxRecordBytes, signal });
      } finally {
        release();
      }
    },
  };
}

interface Head {
  readonly format: FileFormat;
  readonly first: Uint8Array;
  readonly bytes: AsyncIterable<Uint8Array>;
}

async function lookAhead(bytes: AsyncGenerator<Uint8Array>, name: string, options: FilesOptions): Promise<Head> {
  const first = await firstBytes(bytes);
  const format = chosenFormat(name, first, options);
  async function* all(): AsyncGenerator<Uint8Array> {
    yield first;
    yield* bytes;
  }
  return { format, first, bytes: all() };
}

interface OpenedFile {
  readonly path: string;
  readonly format: FileFormat;
  readonly bytes: number;
  readonly isPacked: boolean;
  readonly bom: number;
  readonly delimiter: string;
  /** JSON: the way to the array; empty: the documents themselves. */
  readonly jsonPath: readonly string[];
}

const noSignal = new AbortController().signal;

/** The files that paths and patterns name, each once. */
export async function expandPatterns(patterns: readonly string[]): Promise<string[]> {
  const paths = new Set<string>();
  for (const pattern of patterns) for (const path of await pathsOf(pattern)) paths.add(path);
  return [...paths];
}

async function openAll(patterns: readonly string[], options: FilesOptions, signal: AbortSignal): Promise<OpenedFile[]> {
  const opened: OpenedFile[] = [];
  for (const path of await expandPatterns(patterns)) opened.push(await openOne(path, options, signal));
  return opened;
}

/** A path that exists is a path, whatever characters it has. */
async function pathsOf(pattern: string): Promise<readonly string[]> {
  const error = await stat(pattern).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) return [pattern];
  if (!isGlob(pattern)) throw unreadable(pattern, error);
  const matches = await expandGlob(pattern);
  if (matches.length > 0) return matches;
  throw new MillraceError("BAD_SOURCE", `No file matches ${pattern}.`, { context: { file: pattern } });
}

async function openOne(path: string, options: FilesOptions, signal: AbortSignal): Promise<OpenedFile> {
  const info = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (info.isDirectory()) throw unreadable(path, { code: "EISDIR" });
  const head = await headOf(path, signal);
  const format = chosenFormat(path, head, options);
  return {
    path,
    format,
    bytes: info.size,
    isPacked: await isGzipFile(path),
    bom: bomLength(head),
    delimiter: options.delimiter ?? (extensionOf(path) === ".tsv" ? "\t" : ","),
    jsonPath: format === "json" ? await jsonPathOf(path, head, options.path, signal) : [],
  };
}

async function headOf(path: string, signal: AbortSignal): Promise<Uint8Array> {
  const bytes = fileBytes(path, 0, signal);
  try {
    return await firstBytes(bytes);
  } finally {
    await bytes.return(undefined);
  }
}

/** The first chunk, and more where it may be the start of a byte order mark that comes in pieces. */
async function firstBytes(bytes: AsyncGenerator<Uint8Array>): Promise<Uint8Array> {
  let head: Uint8Array = new Uint8Array(0);
  do {
    const { value, done } = await bytes.next();
    if (done) return head;
    head = head.length === 0 ? value : Buffer.concat([head, value]);
  } while (mayBecomeBom(head));
  return head;
}

function chosenFormat(path: string, head: Uint8Array, { format = "auto", path: jsonPath }: FilesOptions): FileFormat {
  if (format === "auto") return jsonPath === undefined ? formatOf(path, head) : "json";
  refuseUtf16(path, head);
  return format;
}

async function jsonPathOf(
  path: string,
  head: Uint8Array,
  given: string | undefined,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (given !== undefined) return given === "$" ? [] : given.split(".");
  const shape = await shapeOf(fileBytes(path, bomLength(head), signal));
  if (shape.is === "documents" || shape.arrays.length === 0) return [];
  if (shape.arrays.length === 1) return shape.arrays;
  throw new MillraceError(
    "BAD_SOURCE",
    `${path} is an object with several arrays of objects (${shape.arrays.slice(0, 10).join(", ")}); say with path which holds the records, or "$" for the object itself.`,
    { context: { file: path } },
  );
}

async function* readFile(
  file: OpenedFile,
  options: FilesOptions,
  positions: Positions,
  signal: AbortSignal,
): AsyncGenerator<Slice<RawRecord>> {
  const { path, format, delimiter } = file;
  const stored = Object.hasOwn(positions, path) ? positions[path] : undefined; // a file may be called "constructor"
  const fresh: FilePosition = { byte: file.bom, line: 1 };
  const from = stored === undefined ? fresh : stored;
  if (!isFilePosition(from) || (!file.isPacked && from.byte > file.bytes))
    throw new MillraceError(
      "BAD_SOURCE",
      `${path} cannot be read on from position ${JSON.stringify(from)}: it is not the file that was read before.`,
    );
  const header = stored !== undefined && format === "csv" ? await headerOf(file, options, signal) : undefined;
  const decoder = decoderOf(format, from, file.jsonPath, delimiter, path, header, options.onNotice);
  yield* readRecords({
    partition: path,
    name: path,
    bytes: fileBytes(path, from.byte, signal),
    from: from.byte,
    ...decoder,
    maxRecordBytes: options.maxRecordBytes ?? defaultMaxRecordBytes,
    signal,
  });
}

/** Reading on in the middle of a CSV file, its header has to be looked up at the start. */
async function headerOf(
  file: OpenedFile,
  options: FilesOptions,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  const { path, delimiter, bom } = file;
  let header: readonly string[] | undefined;
  const slices = readRecords({
    partition: path,
    name: path,
    bytes: fileBytes(path, bom, signal),
    from: bom,
    splitter: csvSplitter({ byte: bom, line: 1 }, delimiter, path),
    parse(row) {
      header ??= readHeader(row, delimiter, path).fields;
      return {};
    },
    format: () => ({ format: "csv" }),
    isHeaderDue: () => header === undefined,
    maxRecordBytes: options.maxRecordBytes ?? defaultMaxRecordBytes,
    signal,
  });
  for await (const _ of slices) break;
  return header;
}

type Decoder = Pick<RecordReader, "splitter" | "parse" | "format" | "isHeaderDue">;

function decoderOf(
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

function formOf(format: FileFormat): SampleForm {
  return format === "csv" ? "csv" : "json";
}

const formats = ["auto", "ndjson", "json", "csv"];

function checkOptions(what: string, options: FilesOptions): void {
  refuseUnknownOptions(what, options, ["format", "path", "delimiter", "maxRecordBytes", "onNotice"]);
  const { format = "auto", path, delimiter, maxRecordBytes = 1 } = options;
  const refuse = (reason: string): never => {
    throw new MillraceError("BAD_OPTION", `${what}: ${reason}.`);
  };
  if (!formats.includes(format)) refuse(`format is ${JSON.stringify(format)}; it takes ${formats.join(", ")}`);
  if (path !== undefined && (format === "csv" || format === "ndjson")) refuse(`path has no meaning in ${format}`);
  if (path === "" || path?.split(".").includes("")) refuse(`path ${JSON.stringify(path)} has an empty name in it`);
  if (delimiter !== undefined && !/^[\t -!#-~]$/.test(delimiter))
    refuse("delimiter is one ASCII character, and no quote");
  if (!Number.isSafeInteger(maxRecordBytes) || maxRecordBytes < 1) refuse("maxRecordBytes is a positive whole number");
}
