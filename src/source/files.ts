import { statSync } from "node:fs";
import { badArgument, checkPath } from "../arguments.ts";
import { MillraceError } from "../errors.ts";
import type { SampleForm } from "../schema/infer.ts";
import type { CsvDialect } from "./csv-dialect.ts";
import { checkOptions, type FilesOptions } from "./file-options.ts";
import type { FileFormat } from "./format.ts";
import { type Inputs, type OpenedFile, openAll } from "./open-files.ts";
import { isStream } from "./open-stream.ts";
import { readFile } from "./read-file.ts";
import { readingStarts } from "./reading-starts.ts";
import type { RawRecord } from "./records.ts";
import type { Positions, Slice, Source } from "./source.ts";
import type { StreamReader } from "./stream-reader.ts";

const noSignal = new AbortController().signal;

/** What one file turned out to be. */
export interface PlannedFile {
  readonly path: string;
  readonly format: FileFormat;
  /** As it lies on the disk; 0 for a stream. */
  readonly bytes: number;
  /** Of its text. */
  readonly encoding: string;
  /** CSV: how its rows are written. */
  readonly dialect?: CsvDialect;
  /**
   * JSON, where the records were found in a member of an object without `path`: the other members, which are not read. Those
   * that GeoJSON has beside its features (`type`, `crs`, `bbox`, `name`) are not among them. Absent: there are none.
   */
  readonly leftOut?: readonly string[];
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
  /**
   * Reads one of the planned files from its start, as `plan()` found it; a later `read()` is not affected. Absent for standard
   * input. A pipe or a device among the files is refused.
   *
   * @param path as the plan has it
   * @param onNotice replaces the option of that name. Default: no notices.
   */
  readOne?(path: string, signal: AbortSignal, onNotice?: FilesOptions["onNotice"]): AsyncIterable<Slice<RawRecord>>;
}

/**
 * Reads NDJSON, JSON (one array, an array within an object, one or several objects) and CSV with a header row, plain or
 * gzip. `patterns` are paths or globs (`in/*.ndjson`, quoted from the shell); a file is read once, in the given order.
 *
 * Records are objects: of JSON values, or for CSV of texts; `coerce()` turns them into what a table takes. A number that
 * no double holds keeps its digits: as bigint where it is an integer and a member of the record itself, else as
 * {@link ExactNumber}. Of a name that comes twice in an object the last counts, as for `JSON.parse`. What cannot be read as a record is refused with its line and reason, and its neighbours arrive.
 * A file is a partition, its real path the name: however it is spelled, and whatever other names it has, it is read once. A
 * position is a byte and a line, and digests of the bytes before it: reading goes on from it in the file that holds those bytes,
 * also when it was appended to or renamed. A file that was replaced, truncated or edited is an error, or what `onChanged` says.
 * Pipes and character devices (`/dev/stdin`, a FIFO, `<(...)` of a shell) are read once: the `recovery` of a source that has one is "none", otherwise "position".
 *
 * @throws (when read) MillraceError BAD_SOURCE for a missing file, a pattern without a match, a file that is cut off;
 *   SOURCE_CHANGED for one that is not the one that was read.
 */
export function files(patterns: string | readonly string[], options: FilesOptions = {}): FilesSource {
  const list = typeof patterns === "string" ? [patterns] : patterns;
  if (!Array.isArray(list)) throw badArgument("files()", "patterns", patterns, "a path, a glob, or a list of them");
  for (const [i, pattern] of list.entries())
    checkPath("files()", list === patterns ? `patterns[${i}]` : "patterns", pattern);
  checkOptions("files()", options);
  if (list.length === 0) throw new MillraceError("BAD_OPTION", "files(): no file is named.");
  let opened: Promise<Inputs> | undefined;
  let streams: readonly StreamReader[] = [];
  let isStopped = false;
  const look = (signal: AbortSignal): Promise<Inputs> => {
    opened ??= openAll(list, options, signal);
    return opened;
  };
  return {
    name: list.join(", "),
    get recovery() {
      return list.some(isStreamPath) ? "none" : "position";
    },
    async plan(signal = noSignal) {
      const inputs = await look(signal);
      streams = inputs.streams;
      const found: FilesPlan["files"][number][] = [];
      for (const input of inputs.all)
        if ("realPath" in input) found.push(planned(input.path, input, input.stamp.size));
        else found.push(planned(input.name, await input.look(signal), 0));
      const first = found[0]!;
      const other = found.find((file) => formOf(file.format) !== formOf(first.format));
      if (other)
        throw new MillraceError(
          "BAD_SOURCE",
          `${first.path} is ${first.format} and ${other.path} is ${other.format}; read them one after the other.`,
        );
      const isUnknown = streams.length > 0 || inputs.files.some((file) => file.isPacked);
      return {
        files: found,
        form: formOf(first.format),
        totalBytes: isUnknown ? undefined : found.reduce((sum, file) => sum + file.bytes, 0),
      };
    },
    async *readOne(path, signal, onNotice) {
      const file = (await look(signal)).files.find((each) => each.path === path);
      if (!file)
        throw new MillraceError("BAD_SOURCE", `${path} is none of the files that can be read again.`, {
          context: { file: path },
        });
      const start = { file, partition: file.realPath, position: undefined };
      yield* readFile(start, { ...options, onNotice }, options.final === false, signal);
    },
    async *read(from, signal, context) {
      const inputs = await look(signal);
      opened = undefined; // who reads again looks again: files may have been moved
      streams = inputs.streams;
      const { starts, changes } = await readingStarts(inputs.files, from, options, signal);
      yield* told(changes);
      const startOf = new Map(starts.map((start) => [start.file, start]));
      const leavesUnfinished = !(options.final ?? context?.isContinued !== true);
      for (const input of inputs.all) {
        if (isStopped) return;
        if (!("realPath" in input)) {
          yield* input.read(input.name, signal);
          continue;
        }
        const start = startOf.get(input);
        if (!start) continue;
        for await (const slice of readFile(start, options, leavesUnfinished, signal)) {
          yield slice;
          if (isStopped) return;
        }
      }
    },
    stop() {
      isStopped = true;
      for (const stream of streams) stream.stop();
    },
    async close() {
      for (const stream of streams) stream.close();
    },
  };
}

/** Changes of positions, which have to be stored together: one without the other would lose a file, or read it twice. */
function* told(changes: Positions): Generator<Slice<RawRecord>> {
  const [first, ...others] = Object.entries(changes);
  if (!first) return;
  const [partition, position] = first;
  yield { partition, position, records: [], ...(others.length > 0 && { moved: Object.fromEntries(others) }) };
}

function isStreamPath(path: string): boolean {
  try {
    return isStream(path, statSync(path));
  } catch {
    return false; // what is wrong with it is said when it is opened
  }
}

export function planned(
  path: string,
  { format, storage, dialect, leftOut = [] }: Pick<OpenedFile, "format" | "storage" | "dialect"> & Partial<OpenedFile>,
  bytes: number,
): PlannedFile {
  return {
    ...{ path, format, bytes, encoding: storage.encoding },
    ...(format === "csv" && { dialect }),
    ...(leftOut.length > 0 && { leftOut }),
  };
}

export function formOf(format: FileFormat): SampleForm {
  return format === "csv" ? "csv" : "json";
}
