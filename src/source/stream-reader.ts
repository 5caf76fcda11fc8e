import type { Readable } from "node:stream";
import { toldIfBlank } from "./blank-lines.ts";
import { streamBytes } from "./byte-stream.ts";
import { decoderOf } from "./decoder.ts";
import { isExport, toldIfEmpty } from "./empty-file.ts";
import type { Storage } from "./file-bytes.ts";
import { askedPath, type FileHead, firstBytes, readHead } from "./file-head.ts";
import { defaultMaxRecordBytes, type FilesOptions } from "./file-options.ts";
import { type RawRecord, readRecords } from "./records.ts";
import type { Slice } from "./source.ts";
import { type Cut, untilStopped, wholeRecords } from "./stopped-stream.ts";
import { inUtf8 } from "./text-encoding.ts";

/** A stream of bytes that can be read once, and looked at before. */
export interface StreamReader {
  readonly name: string;
  /** What its first bytes say. */
  look(signal: AbortSignal): Promise<StreamHead>;
  read(partition: string, signal: AbortSignal): AsyncGenerator<Slice<RawRecord>>;
  /** What has come is read, and then the stream ends. */
  stop(): void;
  /** Ends the stream, if it was opened. */
  close(): void;
}

/** What the first bytes of a stream say. */
export interface StreamHead extends Pick<FileHead, "format" | "dialect"> {
  readonly storage: Storage;
}

interface Head extends StreamHead, Pick<FileHead, "bom" | "content"> {
  /** All of them, in UTF-8. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** The stream is opened when it is first looked at or read. */
export function streamReader(name: string, open: () => Promise<Readable>, options: FilesOptions): StreamReader {
  const end = new AbortController();
  const stopped = new AbortController();
  const cut: Cut = { isCut: undefined };
  let head: Promise<Head> | undefined;
  const look = (): Promise<Head> => {
    head ??= open().then((stream) =>
      lookAhead(untilStopped(streamBytes(stream, name, end.signal), stopped.signal, end, cut), name, options),
    );
    return head;
  };
  /** The stream ends with the signal of whoever waits for it. Returns what undoes that. */
  const endWith = (signal: AbortSignal): (() => void) => {
    const onAbort = () => end.abort(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    return () => signal.removeEventListener("abort", onAbort);
  };
  return {
    name,
    async look(signal) {
      const release = endWith(signal);
      try {
        return await look();
      } finally {
        release();
      }
    },
    async *read(partition, signal) {
      const release = endWith(signal);
      try {
        const { format, bytes, content, bom, storage, dialect } = await look();
        const start = { byte: bom, line: 1 };
        const path = askedPath(options) ?? [];
        const { fields, blankLines, ...decoder } = decoderOf(
          format,
          start,
          path,
          dialect,
          name,
          undefined,
          options.onNotice,
        );
        const splitter = wholeRecords(decoder.splitter, format, cut, () =>
          options.onNotice?.(
            `${name}: it was stopped in the midst of the record that begins at line ${decoder.splitter.position().line}; that one is left out`,
          ),
        );
        const maxRecordBytes = options.maxRecordBytes ?? defaultMaxRecordBytes;
        const { encoding } = storage;
        const records = readRecords({
          ...{ partition, name, encoding, bytes, from: 0 },
          ...{ ...decoder, splitter, maxRecordBytes, signal },
        });
        const slices = toldIfBlank(records, { fields, blankLines }, name, false, options.onNotice);
        // A stream that was stopped may have had more to come.
        const isEmptyTable = () => cut.isCut === true || isExport({ format, content, dialect }, fields?.());
        yield* content === "none" ? slices : toldIfEmpty(slices, name, isEmptyTable, options.onNotice);
      } finally {
        release();
      }
    },
    stop: () => stopped.abort(),
    close() {
      if (head) end.abort(new Error(`${name} was closed`));
    },
  };
}

/** What is waited for to see the delimiter of CSV, at most. */
const longestFirstRow = 64 * 1024;

async function lookAhead(bytes: AsyncGenerator<Uint8Array>, name: string, options: FilesOptions): Promise<Head> {
  const isSniffed = options.format === "csv" && options.delimiter === undefined;
  const hasRow = (head: Uint8Array) => head.length >= longestFirstRow || head.includes(10) || head.includes(13);
  const first = await firstBytes(bytes, isSniffed ? hasRow : undefined);
  const { encoding, ...head } = readHead(name, first, options);
  async function* all(): AsyncGenerator<Uint8Array> {
    yield first;
    yield* bytes;
  }
  const text = encoding === "utf-8" ? all() : inUtf8(all(), encoding);
  // The stream is unpacked already.
  return { ...head, storage: { isGzip: false, encoding }, bytes: text };
}
