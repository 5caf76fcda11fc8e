import type { Readable } from "node:stream";
import { streamBytes } from "./byte-stream.ts";
import { decoderOf } from "./decoder.ts";
import { chosenFormat, firstBytes } from "./file-head.ts";
import { defaultMaxRecordBytes, type FilesOptions } from "./file-options.ts";
import { bomLength, type FileFormat } from "./format.ts";
import { type RawRecord, readRecords } from "./records.ts";
import type { Slice } from "./source.ts";
import { type Cut, untilStopped, wholeRecords } from "./stopped-stream.ts";

/** A stream of bytes that can be read once, and looked at before. */
export interface StreamReader {
  readonly name: string;
  format(signal: AbortSignal): Promise<FileFormat>;
  read(partition: string, signal: AbortSignal): AsyncGenerator<Slice<RawRecord>>;
  /** What has come is read, and then the stream ends. */
  stop(): void;
  /** Ends the stream, if it was opened. */
  close(): void;
}

interface Head {
  readonly format: FileFormat;
  readonly first: Uint8Array;
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
    async format(signal) {
      const release = endWith(signal);
      try {
        return (await look()).format;
      } finally {
        release();
      }
    },
    async *read(partition, signal) {
      const release = endWith(signal);
      try {
        const { format, bytes, first } = await look();
        const start = { byte: bomLength(first), line: 1 };
        const path = options.path === undefined || options.path === "$" ? [] : options.path.split(".");
        const delimiter = options.delimiter ?? ",";
        const decoder = decoderOf(format, start, path, delimiter, name, undefined, options.onNotice);
        const splitter = wholeRecords(decoder.splitter, format, cut, () =>
          options.onNotice?.(
            `${name}: it was stopped in the midst of the record that begins at line ${decoder.splitter.position().line}; that one is left out`,
          ),
        );
        const maxRecordBytes = options.maxRecordBytes ?? defaultMaxRecordBytes;
        yield* readRecords({ partition, name, bytes, from: 0, ...decoder, splitter, maxRecordBytes, signal });
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

async function lookAhead(bytes: AsyncGenerator<Uint8Array>, name: string, options: FilesOptions): Promise<Head> {
  const first = await firstBytes(bytes);
  const format = chosenFormat(name, first, options);
  async function* all(): AsyncGenerator<Uint8Array> {
    yield first;
    yield* bytes;
  }
  return { format, first, bytes: all() };
}
