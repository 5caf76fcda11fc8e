import type { Readable } from "node:stream";
import { streamBytes } from "./byte-stream.ts";
import { decoderOf } from "./decoder.ts";
import { checkOptions, defaultMaxRecordBytes, type FilesOptions } from "./file-options.ts";
import { type FilesSource, formOf } from "./files.ts";
import { bomLength, type FileFormat } from "./format.ts";
import { chosenFormat, firstBytes } from "./open-files.ts";
import { readRecords } from "./records.ts";

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
        const { splitter, parse } = decoderOf(format, start, path, delimiter, name, undefined, rest.onNotice);
        const maxRecordBytes = rest.maxRecordBytes ?? defaultMaxRecordBytes;
        yield* readRecords({ partition: name, name, bytes, from: 0, splitter, parse, maxRecordBytes, signal });
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
