import { recordOf } from "../encode/chunk.ts";
import type { Encoder } from "../encode/encoder.ts";
import type { RawTally } from "../encode/raw-chunk.ts";
import type { RowFormat } from "../encode/row-format.ts";
import type { ChunkJob, Job, RawChunkJob, SubtaskProgress, SubtaskSegment } from "./job.ts";
import type { SealReason } from "./sealed-batch.ts";

/**
 * One subtask's work: rows in, segments of batches out. It owns no timer and no thread, so the same code runs in a worker
 * and inline.
 */
export interface Subtask {
  /** Does a job; returns what it found in a raw chunk. Calls `emit` for every segment that became full. */
  encode(job: Job): RawTally | undefined;
  /** Ends the segment, and the batch where the subtask has one of its own. */
  cut(): void;
  /** How far the segments that were emitted reach. */
  readonly done: SubtaskProgress;
}

export interface SubtaskPlan {
  readonly table: string;
  readonly format: RowFormat;
  /** Records per batch. */
  readonly maxRows: number;
  /** From 0. */
  readonly index: number;
  /**
   * The subtask fills batches of its own, and cuts them at their limits. Otherwise its segments are joined with those of
   * others, each begins anew, and who joins them knows the limits.
   */
  readonly hasOwnBatch: boolean;
  /** Uncompressed bytes from which on a segment ends. */
  readonly segmentBytes: number;
}

/** A segment ends after so many jobs, however small: their raw chunks are kept until it has arrived. */
const jobsPerSegment = 32;

export function subtask(plan: SubtaskPlan, encoder: Encoder, emit: (segment: SubtaskSegment) => void): Subtask {
  let firstRecord = 0;
  let lastRecord = 0;
  let openedAt = 0;
  let uncutJobs = 0;
  let next: SubtaskProgress = { number: 0, from: 0 };
  let done = next;

  function send(progress: SubtaskProgress, endsBatch: boolean, isFull: SealReason | undefined): void {
    done = progress;
    uncutJobs = 0;
    emit({ ...encoder.cut(endsBatch), firstRecord, lastRecord, openedAt, done, isFull });
  }

  /** Behind rows that were taken: a full batch ends here; a segment of someone else's batch is no larger than one. */
  function sendIfFull(progress: SubtaskProgress, isRest: boolean): void {
    const reason = encoder.rows >= plan.maxRows ? "records" : isRest ? "bytes" : undefined;
    if (reason !== undefined) send(progress, true, plan.hasOwnBatch ? reason : undefined);
  }

  function encodeChunk(job: ChunkJob): void {
    const { chunk, number } = job;
    for (let from = job.from; from < chunk.rows; ) {
      if (encoder.uncutRows === 0) {
        firstRecord = recordOf(chunk, from);
        openedAt = job.openedAt;
      }
      const taken = encoder.append(chunk, from);
      from += taken;
      if (taken > 0) lastRecord = recordOf(chunk, from - 1);
      sendIfFull({ number, from }, from < chunk.rows);
    }
  }

  function encodeRawChunk(job: RawChunkJob): RawTally {
    const { rawChunk, number } = job;
    const tally = copyOf(job.tally);
    for (let from = job.from; from < rawChunk.length; ) {
      if (encoder.uncutRows === 0) {
        firstRecord = rawChunk.recordsBefore;
        lastRecord = rawChunk.recordsBefore;
        openedAt = job.openedAt;
      }
      from = encoder.appendRaw(rawChunk, from, tally);
      sendIfFull({ number, from, tally: copyOf(tally) }, from < rawChunk.length);
    }
    return tally;
  }

  return {
    encode(job) {
      // Where it begins, too: a thread that took over in the middle must not answer that it has come less far.
      if (encoder.uncutRows === 0) done = startOf(job);
      next = { number: job.number + 1, from: 0 };
      uncutJobs++;
      let tally: RawTally | undefined;
      if ("chunk" in job) encodeChunk(job);
      else tally = encodeRawChunk(job);
      if (encoder.uncutBytes >= plan.segmentBytes || uncutJobs >= jobsPerSegment)
        send(endOf(job, tally), !plan.hasOwnBatch, undefined);
      if (encoder.uncutRows === 0) done = next;
      return tally;
    },
    cut() {
      if (encoder.uncutRows > 0) send(next, true, undefined);
      // All of the batch is on its way, and the encoder must know that it is over.
      else if (encoder.rows > 0) encoder.recycle(encoder.cut(true).parts);
      done = next;
    },
    get done() {
      return done;
    },
  };
}

function startOf(job: Job): SubtaskProgress {
  const { number, from } = job;
  return "chunk" in job ? { number, from } : { number, from, tally: copyOf(job.tally) };
}

/** Not the next job's beginning: until the job is answered, what was found in it may have to be told again. */
function endOf(job: Job, tally: RawTally | undefined): SubtaskProgress {
  const { number } = job;
  return "chunk" in job
    ? { number, from: job.chunk.rows }
    : { number, from: job.rawChunk.length, tally: copyOf(tally!) };
}

function copyOf({ rows, refused }: RawTally): RawTally {
  return { rows, refused: [...refused] };
}
