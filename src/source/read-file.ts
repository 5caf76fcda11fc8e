import { MillraceError } from "../errors.ts";
import { toldIfBlank } from "./blank-lines.ts";
import { type ContentTrail, contentTrail } from "./content.ts";
import { changeOf, trailStart } from "./content-check.ts";
import { readHeader } from "./csv-header.ts";
import type { KnownHeader } from "./csv-records.ts";
import { csvSplitter } from "./csv-rows.ts";
import { decoderOf } from "./decoder.ts";
import { isExport, toldIfEmpty } from "./empty-file.ts";
import { fileBytes } from "./file-bytes.ts";
import { defaultMaxRecordBytes, type FilesOptions } from "./file-options.ts";
import { lookAt, type OpenedFile } from "./open-files.ts";
import { openRaw, type RawFile } from "./raw-file.ts";
import type { ReadingStart } from "./reading-starts.ts";
import { type ContentFollower, type RawRecord, readRecords } from "./records.ts";
import type { Position, Slice } from "./source.ts";
import type { FilePosition } from "./splitter.ts";
import { longestMark } from "./text-encoding.ts";

/**
 * Reads the records of one file from where its reading begins.
 *
 * @throws MillraceError SOURCE_CHANGED when the file is not the one that was looked at, or was truncated while it was read.
 */
export async function* readFile(
  start: ReadingStart,
  options: FilesOptions,
  leavesUnfinished: boolean,
  signal: AbortSignal,
): AsyncGenerator<Slice<RawRecord>> {
  const raw = await openRaw(start.file.path);
  try {
    yield* readOpened(raw, await currentFile(raw, start, options, signal), start, options, leavesUnfinished, signal);
  } finally {
    await raw.close();
  }
}

async function* readOpened(
  raw: RawFile,
  file: OpenedFile,
  { partition, position }: ReadingStart,
  options: FilesOptions,
  leavesUnfinished: boolean,
  signal: AbortSignal,
): AsyncGenerator<Slice<RawRecord>> {
  const { path, format, dialect, storage, isPacked, bom, jsonPath } = file;
  const { content, ...from }: FilePosition & { content?: unknown } = position ?? { byte: bom, line: 1 };
  const header = position && format === "csv" ? await headerOf(raw, file, options, signal) : undefined;
  const { fields, blankLines, ...decoder } = decoderOf(format, from, jsonPath, dialect, path, header, options.onNotice);
  const known = isPacked ? undefined : await trailStart(raw, position ?? from, signal);
  const trail = contentTrail(raw.stamp, isPacked, known);
  const onUnfinished = (line: number, bytes: number) => {
    isUnfinished = true;
    // Of a decoded file the bytes of the text are not those of the file.
    const left = isPacked ? "it is" : bytes === 1 ? "1 byte is" : `${bytes} bytes are`;
    options.onNotice?.(
      `${path}:${line}: the last line has no end yet; ${left} left for the next run (final reads it).`,
    );
  };
  const mayGrow = leavesUnfinished && !storage.isGzip;
  let isCut = false;
  const onCut = () => {
    isCut = true;
  };

  /** A position that was stored without its content is stored anew. */
  let lacksContent = position !== undefined && content === undefined;
  const completed = (): Slice<RawRecord> => {
    lacksContent = false;
    return { partition, position: { ...from, content: trail.content() } as Position, records: [] };
  };
  if (lacksContent && !isPacked) yield completed();
  let isUnfinished = false;
  const records = readRecords({
    partition,
    name: path,
    encoding: storage.encoding,
    // JSON has ends of its own: what is cut off there is a fault.
    bytes: fileBytes(raw, storage, from.byte, signal, {
      onRaw: trail.follow,
      ...(mayGrow && format !== "json" && { onCut }),
    }),
    from: from.byte,
    ...decoder,
    maxRecordBytes: options.maxRecordBytes ?? defaultMaxRecordBytes,
    signal,
    content: follower(trail, isPacked),
    ...(mayGrow && { onUnfinished, isCut: () => isCut }),
  });
  const slices = toldIfBlank(records, { fields, blankLines }, path, leavesUnfinished, options.onNotice);
  // A byte order mark alone is the beginning of a text that is being written.
  const isMarkOnly = mayGrow && bom > 0 && raw.stamp.size <= longestMark;
  const isFresh = position === undefined && file.content !== "none" && !isMarkOnly;
  const isEmptyTable = () => isUnfinished || isExport(file, fields?.());
  for await (const slice of isFresh ? toldIfEmpty(slices, path, isEmptyTable, options.onNotice) : slices) {
    lacksContent = false;
    yield slice;
  }
  if (lacksContent) yield completed();
}

/** Packed bytes are followed as they are read from the file; others here, up to a position. */
function follower(trail: ContentTrail, isPacked: boolean): ContentFollower {
  return {
    pass({ bytes, base }, end) {
      if (!isPacked && end > trail.at) trail.follow(bytes.subarray(trail.at - base, end - base));
    },
    content: trail.content,
  };
}

/** What was looked at, or the same file as it stands now that it is open for good. */
async function currentFile(
  raw: RawFile,
  { file, position }: ReadingStart,
  options: FilesOptions,
  signal: AbortSignal,
): Promise<OpenedFile> {
  const { size, modified } = file.stamp;
  // Some network file systems give a file another inode each time, so size and time are enough.
  if (raw.stamp.size === size && raw.stamp.modified === modified) return file;
  if (raw.stamp.file !== file.stamp.file) throw changedMeanwhile(file, "another file has its name");
  const now = await lookAt(raw, file.realPath, options, signal);
  if (now.format !== file.format) throw changedMeanwhile(file, `it was ${file.format} and is ${now.format}`);
  if (position?.content) {
    const reason = await changeOf(raw, { ...position, content: position.content }, signal);
    if (reason !== undefined) throw changedMeanwhile(file, reason);
  }
  return now;
}

function changedMeanwhile({ path }: OpenedFile, reason: string): MillraceError {
  return new MillraceError(
    "SOURCE_CHANGED",
    `${path} was changed while this run began: ${reason}. Nothing of it was read; run it again.`,
    { context: { file: path } },
  );
}

/** Reading on in the middle of a CSV file, its header has to be looked up at the start. */
async function headerOf(
  raw: RawFile,
  file: OpenedFile,
  options: FilesOptions,
  signal: AbortSignal,
): Promise<KnownHeader | undefined> {
  const { path, dialect, bom, storage } = file;
  let header: KnownHeader | undefined;
  const slices = readRecords({
    partition: path,
    name: path,
    encoding: storage.encoding,
    bytes: fileBytes(raw, storage, bom, signal),
    from: bom,
    splitter: csvSplitter({ byte: bom, line: 1 }, dialect, path),
    parse(row, line) {
      header ??= { fields: readHeader(row, dialect, path).fields, line };
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
