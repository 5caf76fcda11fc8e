import type { MillraceError } from "../errors.ts";
import type { Undelivered } from "./process-end.ts";

/** How far a sink has come when the process ends. */
export interface SinkAtEnd {
  readonly table: string;
  /** Records that were accepted and are not safe. */
  readonly records: number;
  /** Rows of `writeRaw()` that were not counted yet. */
  readonly hasUncountedRows: boolean;
  /** Dead letters that are being written. */
  readonly letters: number;
  readonly failure: MillraceError | undefined;
  readonly isClosing: boolean;
  readonly hasState: boolean;
  /** A source reads on from the positions of the newest checkpoint. */
  readonly isPositional: boolean;
}

/** What the process's end would lose, or have its source read again. */
export function undelivered(sink: SinkAtEnd): Undelivered | undefined {
  const { table, records, hasUncountedRows, letters, failure, isClosing, hasState, isPositional } = sink;
  // Whoever aborts knows.
  if (failure?.code === "ABORTED") return undefined;
  const owed = [
    ...(records > 0 ? [counted(records, "record")] : []),
    ...(hasUncountedRows ? ["uncounted rows of writeRaw()"] : []),
    ...(letters > 0 ? [counted(letters, "dead letter")] : []),
  ];
  if (owed.length === 0) return undefined;
  const fate = hasState ? "neither delivered nor in the log of the state" : "not delivered";
  const why = failure
    ? `the sink had failed with ${failure.code}: ${failure.message.replace(/[^.!?]$/, "$&.")}`
    : isClosing
      ? "close() had not resolved yet. Await it before the end."
      : "close() was not called. Await sink.close() before the end.";
  const again = isPositional
    ? " A source that reads on from the positions of the newest checkpoint gives them again."
    : "";
  return { records, message: `Table ${table}: the process ends with ${owed.join(" and ")} ${fate}: ${why}${again}` };
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}
