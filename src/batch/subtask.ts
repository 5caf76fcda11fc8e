import { randomUUID } from "node:crypto";
import { type Chunk, recordOf } from "../encode/chunk.ts";
import type { Encoder, RowFormat } from "../encode/encoder.ts";
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
        if (encoder.rows >= plan.maxRows) seal("records");
        else if (from < chunk.rows) seal("bytes");
      }
    },
    seal,
  };
}
