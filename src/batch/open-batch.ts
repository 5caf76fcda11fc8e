import { randomUUID } from "node:crypto";
import { gzipMember } from "../encode/gzip-member.ts";
import type { RowFormat } from "../encode/row-format.ts";
import type { SubtaskSegment } from "./job.ts";
import type { SealedBatch, SealReason } from "./sealed-batch.ts";

/** The batch that is being filled, on the caller's side: segments in, sealed batches out. */
export interface OpenBatch {
  readonly rows: number;
  /** When the first of its records was written; only with rows. */
  readonly since: number;
  /** Takes a segment, copying its bytes; seals what would get too large by it, and what is full with it. */
  add(segment: SubtaskSegment): void;
  /** Seals it, if it has rows. */
  seal(reason: SealReason): void;
  /** The batch has been delivered and nobody looks at its bytes any more: they may be overwritten. */
  recycle(batch: SealedBatch): void;
}

export interface OpenBatchPlan {
  readonly table: string;
  readonly format: RowFormat;
  readonly maxRows: number;
  readonly maxBytes: number;
  /** The subtask whose batch it is, or the first of those that fill it. */
  readonly subtask: number;
}

export function openBatch(plan: OpenBatchPlan, emit: (batch: SealedBatch) => void): OpenBatch {
  const { table, format, maxRows, maxBytes, subtask } = plan;
  const member = gzipMember();
  let since = 0;
  let firstRecord = 0;
  let lastRecord = 0;

  function seal(reason: SealReason): void {
    if (member.rows === 0) return;
    emit({
      id: randomUUID(),
      table,
      format,
      ...member.end(),
      subtask,
      firstRecord,
      lastRecord,
      openedAt: Math.round(Date.now() - (performance.now() - since)),
      sealedBy: reason,
    });
  }

  /** The limit that the batch would break with these rows. */
  function brokenBy(rows: number, rawBytes: number): SealReason | undefined {
    if (member.rows + rows > maxRows) return "records";
    return member.rawBytes + rawBytes > maxBytes ? "bytes" : undefined;
  }

  return {
    get rows() {
      return member.rows;
    },
    get since() {
      return since;
    },
    add(segment) {
      const { rows, rawBytes, isFull } = segment;
      const broken = brokenBy(rows, rawBytes);
      if (broken) seal(broken);
      if (rows > 0) {
        if (member.rows === 0) {
          since = segment.openedAt;
          firstRecord = segment.firstRecord;
        }
        lastRecord = segment.lastRecord;
        member.add(segment);
      }
      const reason = isFull ?? (member.rows === maxRows ? "records" : undefined);
      if (reason) seal(reason);
    },
    seal,
    recycle(batch) {
      member.recycle(batch.parts as Uint8Array<ArrayBuffer>[]);
    },
  };
}
