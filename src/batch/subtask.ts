import { randomUUID } from "node:crypto";
import { type Chunk, recordOf } from "../encode/chunk.ts";
import type { Encoder, RowFormat } from "../encode/encoder.ts";
import type { RawSlab, RawTally } from "../encode/raw-slab.ts";
import type { SealedBatch, SealReason } from "./sealed-batch.ts";

/**
 * One subtask's work: chunks in, sealed batches out. It owns the open batch and no timer and no thread, so the same
 * code runs in a worker and inline.
 */
export interface Subtask {
  /** Rows of the open batch. */
  readonly openRows: number;
  /** When the first record of the open batch was written, in `Date.now()` milliseconds; only with open rows. */
  readonly openSince: number;
  /** Encodes a chunk whose first record was written at `openedAt`; calls `emit` for every batch that became full. */
  accept(chunk: Chunk, openedAt: number): void;
  /** The same for rows that were encoded before; returns what it found. */
  acceptRaw(slab: RawSlab, openedAt: number): RawTally;
  /** Seals the open batch, if it has rows. */
  seal(reason: SealReason): void;
}

export interface SubtaskPlan {
  readonly table: string;
  readonly format: RowFormat;
  readonly maxRows: number;
  /** From 0. */
  readonly index: number;
}

export function subtask(plan: SubtaskPlan, encoder: Encoder, emit: (batch: SealedBatch) => void): Subtask {
  let firstRecord = 0;
  let lastRecord = 0;
  let openSince = 0;

  function seal(reason: SealReason): void {
    if (encoder.rows === 0) return;
    emit({
      id: randomUUID(),
      table: plan.table,
      format: plan.format,
      ...encoder.seal(),
      subtask: plan.index,
      firstRecord,
      lastRecord,
      sealedBy: reason,
    });
  }

  /** Behind an append that has stopped: seals the batch if that is why. */
  function sealIfFull(isRest: boolean): void {
    if (encoder.rows >= plan.maxRows) seal("records");
    else if (isRest) seal("bytes");
  }

  return {
    get openRows() {
      return encoder.rows;
    },
    get openSince() {
      return openSince;
    },
    accept(chunk, openedAt) {
      for (let from = 0; from < chunk.rows; ) {
        if (encoder.rows === 0) {
          firstRecord = recordOf(chunk, from);
          openSince = openedAt;
        }
        const taken = encoder.append(chunk, from);
        from += taken;
        if (taken > 0) lastRecord = recordOf(chunk, from - 1);
        sealIfFull(from < chunk.rows);
      }
    },
    acceptRaw(slab, openedAt) {
      const tally: RawTally = { rows: 0, refused: [] };
      for (let from = 0; from < slab.length; ) {
        if (encoder.rows === 0) {
          firstRecord = slab.recordsBefore;
          lastRecord = slab.recordsBefore;
          openSince = openedAt;
        }
        from = encoder.appendRaw(slab, from, tally);
        sealIfFull(from < slab.length);
      }
      return tally;
    },
    seal,
  };
}
