import type { Chunk } from "../encode/chunk.ts";
import type { RawChunk, RawTally } from "../encode/raw-chunk.ts";
import type { Segment } from "../encode/segment.ts";
import type { SealReason } from "./sealed-batch.ts";

/** What a subtask is given to do. */
export type Job = ChunkJob | RawChunkJob;

interface JobStart {
  /** Counted per subtask, from 0. */
  readonly number: number;
  /** When its first record was written. */
  readonly openedAt: number;
  /** The row or byte at which to begin: what stands before it was delivered by a thread that died. */
  readonly from: number;
}

export interface ChunkJob extends JobStart {
  readonly chunk: Chunk;
}

export interface RawChunkJob extends JobStart {
  readonly rawChunk: RawChunk;
  /** What was found before `from`. */
  readonly tally: RawTally;
}

/** How far a subtask has come: all jobs before that number, and of that job what stands before `from`. */
export interface SubtaskProgress {
  readonly number: number;
  readonly from: number;
  /** Of a raw chunk that was left in the middle. */
  readonly tally?: RawTally;
}

/** A segment on its way to its batch. */
export interface SubtaskSegment extends Segment {
  readonly firstRecord: number;
  readonly lastRecord: number;
  /** When its first record was written. */
  readonly openedAt: number;
  /** What need not be done again once this segment has arrived. */
  readonly done: SubtaskProgress;
  /** Behind it its batch is full, and why. Only where the subtask has a batch of its own. */
  readonly isFull: SealReason | undefined;
}
