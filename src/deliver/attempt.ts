import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import type { SealedBatch } from "../batch/sealed-batch.ts";
import type { EpochHandle, PreparedEpoch, RefusedRows } from "../checkpoint/epoch.ts";
import type { LoggedBatch } from "../log/write-ahead-log.ts";
import { rowRanges } from "./row-ranges.ts";

/**
 * The id of a batch within an attempt: the same after a restart, so that an upload meets the first one, and another for
 * each attempt, so that no report and no blob of an attempt that was given up is taken for this one's. A v4 uuid by form,
 * as Kusto's clients demand.
 */
export function attemptId(tag: string, batchId: string): string {
  const hex = createHash("sha256").update(`${tag}\n${batchId}`).digest("hex");
  const variant = "89ab"[Number.parseInt(hex[16]!, 16) & 3];
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The batch as it is sent: what was logged, or what is left of it without the rows that the service refuses. */
export async function attemptBatch(epoch: EpochHandle, batch: LoggedBatch, id: string): Promise<SealedBatch> {
  const packed = await epoch.read(batch);
  const refused = epoch.refused[batch.id];
  const { epoch: _epoch, segment: _segment, offset: _offset, sha256: _sha256, ...plain } = batch;
  if (!refused || refused.length === 0) return { ...plain, id, parts: [packed], packedBytes: packed.length };
  const out = new Set(refused.map(({ row }) => row));
  return { ...plain, ...cut(packed, batch, (row) => !out.has(row)), id };
}

/** Those rows of a batch that `isKept` says. */
export function cut(
  packed: Uint8Array,
  batch: Pick<SealedBatch, "format">,
  isKept: (row: number) => boolean,
): Pick<SealedBatch, "parts" | "packedBytes" | "rawBytes" | "rows"> {
  const raw = gunzipSync(packed);
  const kept = rowRanges(raw, batch.format).filter((_, row) => isKept(row));
  const bytes = Buffer.concat(kept.map(({ start, end }) => raw.subarray(start, end)));
  const part = gzipSync(bytes, { level: 1 });
  return { parts: [part], packedBytes: part.length, rawBytes: bytes.length, rows: kept.length };
}

export function rowsLeft(prepared: PreparedEpoch, refused: RefusedRows): number {
  let rows = 0;
  for (const batch of prepared.batches) rows += batch.rows - (refused[batch.id]?.length ?? 0);
  return rows;
}
