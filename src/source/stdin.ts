import type { Readable } from "node:stream";
import { streamBytes } from "./byte-stream.ts";
import type { CsvDialect } from "./csv-dialect.ts";
import { dialectOf } from "./csv-sniff.ts";
import { decoderOf } from "./decoder.ts";
import { toldIfEmpty } from "./empty-file.ts";
import { checkOptions, defaultMaxRecordBytes, type FilesOptions } from "./file-options.ts";
import { type FilesSource, formOf, isExport } from "./files.ts";
import { bomLength, type FileFormat } from "./format.ts";
import { chosenFormat, contentOf, firstBytes, type OpenedFile } from "./open-files.ts";
import { readRecords } from "./records.ts";
import { encodingOf, headInUtf8, inUtf8 } from "./text-encoding.ts";

const noSignal = new AbortController().signal;

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
        const { format, encoding, dialect } = await look();
        const file = { path: name, format, bytes: 0, encoding, ...(format === "csv" && { dialect }) };
        return { files: [file], form: formOf(format), totalBytes: undefined };
      } finally {
        release();
      }
    },
    async *read(_from, signal) {
      const release = endWith(signal);
      try {
        const { format, bytes, content, bom, encoding, dialect } = await look();
        const start = { byte: bom, line: 1 };
        const path = rest.path === undefined || rest.path === "$" ? [] : rest.path.split(".");
        const { splitter, parse, fields } = decoderOf(format, start, path, dialect, name, undefined, rest.onNotice);
        const maxRecordBytes = rest.maxRecordBytes ?? defaultMaxRecordBytes;
        const slices = readRecords({
          ...{ partition: name, name, encoding, bytes, from: 0, splitter, parse, maxRecordBytes, signal },
        });
        if (content === "none") yield* slices;
        else yield* toldIfEmpty(slices, name, () => isExport({ format, content, dialect }, fields?.()), rest.onNotice);
      } finally {
        release();
      }
    },
  };
}

interface Head {
  readonly format: FileFormat;
  readonly encoding: string;
  readonly dialect: CsvDialect;
  readonly bom: number;
  readonly content: OpenedFile["content"];
  /** All of them, in UTF-8. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** What is waited for to see the delimiter of CSV, at most. */
const longestFirstRow = 64 * 1024;

async function lookAhead(bytes: AsyncGenerator<Uint8Array>, name: string, options: FilesOptions): Promise<Head> {
  const isCsv = options.format === "csv";
  const hasRow = (head: Uint8Array) =>
    head.length >= longestFirstRow || head.some((byte) => byte === 10 || byte === 13);
  const first = await firstBytes(bytes, isCsv && options.delimiter === undefined ? hasRow : undefined);
  const encoding = encodingOf(first, options.encoding);
  const head = headInUtf8(first, encoding);
  const format = chosenFormat(name, head, options);
  const bom = bomLength(head);
  const { dialect, notices } = dialectOf(name, head.subarray(bom), options);
  if (isCsv) for (const notice of notices) options.onNotice?.(notice);
  async function* all(): AsyncGenerator<Uint8Array> {
    yield first;
    yield* bytes;
  }
  const text = encoding === "utf-8" ? all() : inUtf8(all(), encoding);
  return { format, encoding, dialect, bom, content: contentOf(head, bom), bytes: text };
}
