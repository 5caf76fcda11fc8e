import { randomUUID } from "node:crypto";
import { gzipMember } from "../encode/gzip-member.ts";
import { hasRowEnds, type Payload } from "../encode/payload.ts";
import { plainText, textWithEnds } from "../encode/plain-text.ts";
import type { RowFormat } from "../encode/row-format.ts";
import type { BatchContent, PackedRows } from "../encode/segment.ts";
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
  recycle(batch: SealedBatch<Payload>): void;
}

export interface OpenBatchPlan {
  readonly table: string;
  readonly format: RowFormat;
  /** Default "gzip". */
  readonly payload?: Payload;
  readonly maxRows: number;
  readonly maxBytes: number;
  /** The subtask whose batch it is, or the first of those that fill it. */
  readonly subtask: number;
}

export function openBatch(plan: OpenBatchPlan, emit: (batch: SealedBatch<Payload>) => void): OpenBatch {
  const { table, format, payload = "gzip", maxRows, maxBytes, subtask } = plan;
  const content = contentOf(payload);
  let since = 0;
  let firstRecord = 0;
  let lastRecord = 0;

  function seal(reason: SealReason): void {
    if (content.rows === 0) return;
    emit({
      id: randomUUID(),
      table,
      format,
      ...sealed(payload, content.end()),
      subtask,
      firstRecord,
      lastRecord,
      openedAt: Math.round(Date.now() - (performance.now() - since)),
      sealedBy: reason,
    } as SealedBatch<Payload>);
  }

  /** The limit that the batch would break with these rows. */
  function brokenBy(rows: number, rawBytes: number): SealReason | undefined {
    if (content.rows + rows > maxRows) return "records";
    return content.rawBytes + rawBytes > maxBytes ? "bytes" : undefined;
  }

  return {
    get rows() {
      return content.rows;
    },
    get since() {
      return since;
    },
    add(segment) {
      const { rows, rawBytes, isFull } = segment;
      const broken = brokenBy(rows, rawBytes);
      if (broken) seal(broken);
      if (rows > 0) {
        if (content.rows === 0) {
          since = segment.openedAt;
          firstRecord = segment.firstRecord;
        }
        lastRecord = segment.lastRecord;
        content.add(segment);
      }
      const reason = isFull ?? (content.rows === maxRows ? "records" : undefined);
      if (reason) seal(reason);
    },
    seal,
    recycle(batch) {
      content.recycle(batch.parts as Uint8Array<ArrayBuffer>[]);
    },
  };
}

function contentOf(payload: Payload): BatchContent {
  if (payload === "gzip") return gzipMember();
  return hasRowEnds(payload) ? textWithEnds() : plainText();
}

function sealed(payload: Payload, { ends, ...content }: PackedRows) {
  return ends ? { ...content, payload, bytes: content.parts[0]!, ends } : { ...content, payload };
}
