import type { Readable } from "node:stream";
import { streamBytes } from "./byte-stream.ts";
import { decoderOf } from "./decoder.ts";
import { checkOptions, defaultMaxRecordBytes, type FilesOptions } from "./file-options.ts";
import { type FilesSource, formOf } from "./files.ts";
import { bomLength, type FileFormat } from "./format.ts";
import { chosenFormat, firstBytes } from "./open-files.ts";
import { readRecords } from "./records.ts";
import type { Splitter } from "./splitter.ts";

const noSignal = new AbortController().signal;

/** How long a stopped stream may be silent until nothing more is expected of it, and how much of it is still read. */
const silenceMs = 100;
const mostBytesAfterStop = 4 * 1024 * 1024;

/**
 * Reads standard input, or another stream of bytes, in the same formats, plain or gzip. It cannot be read again. An array
 * within an object is found only by `path`, because a stream cannot be looked through beforehand.
 *
 * `stop()` ends it in good order: what lies in the pipe is read until it is silent for 100 ms, and at most 4 MiB of it. A record of
 * which only a part has come by then is left out, with a notice.
 */
export function stdin(options: FilesOptions & { stream?: Readable } = {}): FilesSource {
  const { stream, ...rest } = options;
  checkOptions("stdin()", rest);
  const name = "stdin";
  const end = new AbortController();
  const stopped = new AbortController();
  const cut: Cut = { isCut: undefined };
  let head: Promise<Head> | undefined;
  const look = (): Promise<Head> => {
    head ??= lookAhead(
      untilStopped(streamBytes(stream ?? process.stdin, name, end.signal), stopped.signal, end, cut),
      name,
      rest,
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
        const { parse } = decoder;
        const splitter = wholeRecords(decoder.splitter, format, cut, () =>
          rest.onNotice?.(
            `${name}: it was stopped in the midst of the record that begins at line ${decoder.splitter.position().line}; that one is left out`,
          ),
        );
        const maxRecordBytes = rest.maxRecordBytes ?? defaultMaxRecordBytes;
        yield* readRecords({ partition: name, name, bytes, from: 0, splitter, parse, maxRecordBytes, signal });
      } finally {
        release();
      }
    },
    stop: () => stopped.abort(),
  };
}

interface Cut {
  /** The bytes have ended by the stop, or after it; undefined: they have not ended. */
  isCut: boolean | undefined;
}

const newline = 10;

function stopOrPause(stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(settle, silenceMs);
    function settle(): void {
      clearTimeout(timer);
      stopped.removeEventListener("abort", settle);
      resolve();
    }
    if (stopped.aborted) settle();
    else stopped.addEventListener("abort", settle, { once: true });
  });
}

/** The chunks of a stream, up to its end or to the silence after the stop. */
async function* untilStopped(
  bytes: AsyncGenerator<Uint8Array>,
  stopped: AbortSignal,
  end: AbortController,
  cut: Cut,
): AsyncGenerator<Uint8Array> {
  let left = mostBytesAfterStop;
  let last: number | undefined;
  try {
    while (left > 0) {
      const step = await unlessSilent(bytes.next(), stopped);
      if (!step) return;
      if (step.done) {
        // Ctrl-C ends the producer as well, in the midst of a record, and its end may be seen before the signal is.
        if (last !== undefined && last !== newline) await stopOrPause(stopped);
        return;
      }
      last = step.value.at(-1) ?? last;
      if (stopped.aborted) left -= step.value.length;
      yield step.value;
    }
  } finally {
    cut.isCut ??= stopped.aborted;
    end.abort(); // or the stream would keep the process
    await bytes.return(undefined).catch(() => {}); // what it threw was thrown here
  }
}

/** The next chunk; undefined when a stopped stream is silent. */
function unlessSilent<T>(next: Promise<T>, stopped: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const onStop = () => {
      timer = setTimeout(() => resolve(undefined), silenceMs);
    };
    if (stopped.aborted) onStop();
    else stopped.addEventListener("abort", onStop, { once: true });
    next.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      stopped.removeEventListener("abort", onStop);
    });
  });
}

/**
 * The records that have come whole: where a stream was stopped, what is left at its end may be the beginning of one. JSON says
 * whether it is whole; a CSV row without a line end does not.
 */
function wholeRecords(splitter: Splitter, format: FileFormat, cut: Cut, onPartial: () => void): Splitter {
  return {
    next(window, isLast) {
      if (!isLast || !cut.isCut) return splitter.next(window, isLast);
      const frame = splitter.next(window, false);
      if (frame) return frame;
      const { base, length, bytes } = window;
      const left = bytes.toString("utf8", splitter.keepFrom - base, length);
      if (left.trim() === "") return undefined;
      if (format === "ndjson" && isJson(left)) return splitter.next(window, true);
      onPartial();
      return undefined;
    },
    get keepFrom() {
      return splitter.keepFrom;
    },
    ...(splitter.tooLong && { tooLong: () => splitter.tooLong!() }),
    position: () => splitter.position(),
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
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
