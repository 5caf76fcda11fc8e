import { gunzipSync, gzipSync } from "node:zlib";
import type { SealedBatch } from "../batch/sealed-batch.ts";
import type { EpochHandle, PreparedEpoch, RefusedRows } from "../checkpoint/epoch.ts";
import type { LoggedBatch } from "../log/write-ahead-log.ts";
import { rowRanges } from "./row-ranges.ts";

type Log = Pick<EpochHandle, "read">;

/** The batch as it was sealed, with its bytes from the log. */
export async function asLogged(epoch: Log, batch: LoggedBatch): Promise<SealedBatch> {
  const packed = await epoch.read(batch);
  return { ...withoutPlace(batch), parts: [packed], packedBytes: packed.length };
}

/** A batch of those rows of this one that `isKept` says. */
export async function someRows(epoch: Log, batch: LoggedBatch, isKept: (row: number) => boolean): Promise<SealedBatch> {
  return { ...withoutPlace(batch), ...cut(await epoch.read(batch), batch, isKept) };
}

/** A batch but for its bytes: nothing of where it lies in the log. */
export function withoutPlace(batch: LoggedBatch): Omit<SealedBatch, "parts"> {
  const { epoch: _epoch, segment: _segment, offset: _offset, sha256: _sha256, ...plain } = batch;
  return plain;
}

/** Those rows of a batch that `isKept` says. */
function cut(
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

/** Rows of the epoch that are in the table, or are to be there. */
export function rowsLeft(prepared: PreparedEpoch, refused: RefusedRows): number {
  let rows = 0;
  for (const batch of prepared.batches) rows += batch.rows - (refused[batch.id]?.length ?? 0);
  return rows;
}

/** The rows refused before, and those found now. */
export function allRefused(before: RefusedRows, found: RefusedRows): RefusedRows {
  const all = { ...before };
  for (const [id, rows] of Object.entries(found)) all[id] = [...(before[id] ?? []), ...rows];
  return all;
}
