import type { Chunk } from "../encode/chunk.ts";
import type { RawChunk, RawTally } from "../encode/raw-chunk.ts";
import type { MillraceError } from "../errors.ts";
import type { SubtaskSegment } from "./job.ts";

/** A subtask as the sink sees it, whether it runs inline or on a worker thread. */
export interface SubtaskPort {
  readonly index: number;
  /** Chunks and raw chunks handed over and not yet encoded. */
  readonly outstanding: number;
  /** When the oldest record was written that has not come back in a segment; undefined where there is none. */
  readonly oldest: number | undefined;
  /** Hands over a chunk whose first record was written at `openedAt`. Answered by `onEncoded`, in the order of the calls. */
  submit(chunk: Chunk, openedAt: number): void;
  /** The same for rows that were encoded before. Answered by `onRawEncoded`. */
  submitRaw(rawChunk: RawChunk, openedAt: number): void;
  /** Ends the segment behind everything submitted so far. Answered by `onCut`, behind that segment. */
  cut(): void;
  /** Gives the parts of a segment back, to be filled again. */
  recycle(parts: Uint8Array<ArrayBuffer>[]): void;
  /** Ends it. Rows that have not come back are gone. */
  close(): Promise<void>;
}

export interface SubtaskHooks {
  onSegment(subtask: SubtaskPort, segment: SubtaskSegment): void;
  /** A chunk has been encoded: the subtask has room for another. */
  onEncoded(subtask: SubtaskPort): void;
  /** A raw chunk has been encoded: what was found in it. */
  onRawEncoded(subtask: SubtaskPort, rawChunk: RawChunk, tally: RawTally): void;
  /** All rows of a chunk or raw chunk have come back: its buffers may be filled again. */
  onDone(rows: Chunk | RawChunk): void;
  onCut(subtask: SubtaskPort): void;
  /** Its thread died, and another does again what that one had not finished. */
  onRestarted(restart: SubtaskRestart): void;
  /** It cannot go on. Called once. */
  onFailed(error: MillraceError): void;
}

export interface SubtaskRestart {
  readonly subtask: number;
  /** Threads of this subtask that have died so far. */
  readonly restarts: number;
  /** Chunks and raw chunks that are done again. */
  readonly repeated: number;
  readonly reason: string;
}
