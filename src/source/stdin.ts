import type { Readable } from "node:stream";
import { badArgument, checkObject } from "../arguments.ts";
import { checkOptions, type FilesOptions } from "./file-options.ts";
import { type FilesSource, formOf, planned } from "./files.ts";
import { streamReader } from "./stream-reader.ts";

const noSignal = new AbortController().signal;

/**
 * Reads standard input, or another stream of bytes, in the same formats, plain or gzip. It cannot be read again: delivery is at most once for what was read and not
 * delivered when the process is killed, with a state for what lies behind the newest checkpoint. An array
 * within an object is found only by `path`, because a stream cannot be looked through beforehand.
 *
 * `stop()` ends it in good order: what lies in the pipe is read until it is silent for 100 ms, and at most 4 MiB of it. A record of
 * which only a part has come by then is left out, with a notice.
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
    recovery: "none",
    async plan(signal = noSignal) {
      const file = planned(name, await reader.look(signal), 0);
      return { files: [file], form: formOf(file.format), totalBytes: undefined };
    },
    read: (_from, signal) => reader.read(name, signal),
    stop: () => reader.stop(),
  };
}
