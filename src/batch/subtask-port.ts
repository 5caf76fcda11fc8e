import type { Chunk, SpareBuffers } from "../encode/chunk.ts";
import type { RawSlab, RawTally } from "../encode/raw-slab.ts";
import type { MillraceError } from "../errors.ts";
import type { SealedBatch, SealReason } from "./sealed-batch.ts";

/** A subtask as the sink sees it, whether it runs inline or on a worker thread. */
export interface SubtaskPort {
  readonly index: number;
  /** Chunks and slabs handed over and not yet encoded. */
  readonly outstanding: number;
  /** Rows of its open batch, as far as is known here: exact while nothing is outstanding. */
  readonly openRows: number;
  /** When the oldest record that is not sealed yet was written; undefined where there is none. */
  readonly oldest: number | undefined;
  /** Hands over a chunk whose first record was written at `openedAt`. */
  submit(chunk: Chunk, openedAt: number): void;
  /** The same for rows that were encoded before. Answered by `onRawEncoded`, in the order of the calls. */
  submitRaw(slab: RawSlab, openedAt: number): void;
  /** Seals the open batch behind everything submitted so far; resolved once that batch has been given to `onSealed`. */
  seal(reason: SealReason): Promise<void>;
  /** Ends it. Rows that were not sealed are gone. */
  close(): Promise<void>;
}

export interface SubtaskHooks {
  onSealed(batch: SealedBatch): void;
  /** A chunk has been encoded; its buffers may be filled again. */
  onEncoded(subtask: SubtaskPort, spare: SpareBuffers): void;
  /** A slab has been encoded: what was found in it, and its bytes again. */
  onRawEncoded(subtask: SubtaskPort, bytes: ArrayBuffer, tally: RawTally): void;
  /** It cannot go on. Called once. */
  onFailed(error: MillraceError): void;
}
