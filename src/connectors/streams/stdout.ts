import type { Writable } from "node:stream";
import type { Destination } from "../../destination/destination.ts";
import { MillraceError, reasonOf } from "../../errors.ts";
import { refuseUnknownOptions } from "../../option-names.ts";
import { sinkOptionNames } from "../../options.ts";
import { oneStepSession } from "./one-step.ts";
import { type RowStreamOptions, resolveRowOptions, rowOptionNames, streamHead } from "./row-options.ts";
import { writePieces } from "./write-pieces.ts";

/**
 * Standard output as the destination: NDJSON or CSV rows, for a terminal, a file or the next program of a pipe. A batch is delivered when
 * the system has taken all of its bytes, so everything was written when `close()` has resolved; a slow reader slows the writer down.
 *
 * @throws MillraceError BAD_OPTION for an unknown option or a value that it does not take. TARGET_UNWRITABLE, when a sink writes: the
 *   reader has closed the pipe (EPIPE), the disk is full.
 */
export function stdout(options: RowStreamOptions = {}): Destination<"plain"> {
  return toStream(() => process.stdout, "stdout", options);
}

/** The same on any stream. */
export function toStream(streamOf: () => Writable, name: string, given: RowStreamOptions): Destination<"plain"> {
  refuseUnknownOptions(`${name}()`, given, rowOptionNames, sinkOptionNames);
  const options = resolveRowOptions(`${name}()`, given);
  return {
    name,
    kind: name,
    payload: "plain",
    format: options.format,
    optionNames: rowOptionNames,
    async open({ table }) {
      const stream = streamOf();
      // The write reports an error; the event, without a listener, would end the process.
      const onError = () => {};
      stream.on("error", onError);
      let head = streamHead(table, options);
      return oneStepSession(
        async ({ parts }) => {
          const pieces = [...head, ...parts];
          head = [];
          await writePieces(stream, pieces).catch((error) => {
            throw unwritable(name, error);
          });
        },
        async () => {
          // The event of a failed write follows its callback.
          setImmediate(() => stream.off("error", onError));
        },
      );
    },
  };
}

const reasons: Readonly<Record<string, string>> = {
  EPIPE: "its reader has closed it (EPIPE)",
  ENOSPC: "the disk is full (ENOSPC)",
  ERR_STREAM_DESTROYED: "it was closed",
};

/** Not repeated: a part of the batch may have been written. */
function unwritable(name: string, error: unknown): MillraceError {
  const code = String((error as { code?: unknown } | null)?.code ?? "");
  return new MillraceError("TARGET_UNWRITABLE", `${name} cannot be written: ${reasons[code] ?? reasonOf(error)}.`, {
    cause: error,
    context: { path: name, code },
  });
}
