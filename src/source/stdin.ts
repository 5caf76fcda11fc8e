import type { Readable } from "node:stream";
import { badArgument, checkObject } from "../arguments.ts";
import { checkOptions, type FilesOptions } from "./file-options.ts";
import { type FilesSource, formOf } from "./files.ts";
import { streamReader } from "./stream-reader.ts";

const noSignal = new AbortController().signal;

/**
 * Reads standard input, or another stream of bytes, in the same formats, plain or gzip. It cannot be read again. An array
 * within an object is found only by `path`, because a stream cannot be looked through beforehand.
 */
export function stdin(options: FilesOptions & { stream?: Readable } = {}): FilesSource {
  checkObject("stdin()", "options", options);
  const { stream, ...rest } = options;
  checkOptions("stdin()", rest);
  const { read, on } = (stream === undefined ? process.stdin : (stream ?? {})) as { read?: unknown; on?: unknown };
  if (typeof read !== "function" || typeof on !== "function")
    throw badArgument("stdin()", "stream", stream, "a stream of Node to read bytes from");
  const name = "stdin";
  const reader = streamReader(name, async () => stream ?? process.stdin, rest);
  return {
    name,
    replayable: false,
    async plan(signal = noSignal) {
      const format = await reader.format(signal);
      return { files: [{ path: name, format, bytes: 0 }], form: formOf(format), totalBytes: undefined };
    },
    read: (_from, signal) => reader.read(name, signal),
  };
}
