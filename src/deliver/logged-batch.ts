import type { BatchHead, SealedBatch } from "../batch/sealed-batch.ts";
import type { EpochHandle, PreparedEpoch, RefusedRows } from "../checkpoint/epoch.ts";
import type { Payload } from "../encode/payload.ts";
import { fromLog, inForm, rowsInLog } from "../log/batch-form.ts";
import type { LoggedBatch } from "../log/write-ahead-log.ts";

type Log = Pick<EpochHandle, "read">;

/** The batch as it was sealed, with its bytes from the log: a gzip member, whatever was logged. */
export async function asLogged(epoch: Log, batch: LoggedBatch): Promise<SealedBatch> {
  return fromLog(batch, await epoch.read(batch), "gzip");
}

/** A batch of those rows of this one that `isKept` says. */
export async function someRows<P extends Payload = "gzip">(
  epoch: Log,
  batch: LoggedBatch,
  isKept: (row: number) => boolean,
  payload: P = "gzip" as P,
): Promise<SealedBatch<P>> {
  const { text, ends } = rowsInLog(batch, await epoch.read(batch));
  const kept: Uint8Array[] = [];
  const keptEnds: number[] = [];
  let start = 0;
  let at = 0;
  for (const [row, end] of ends.entries()) {
    if (isKept(row)) {
      kept.push(text.subarray(start, end));
      at += end - start;
      keptEnds.push(at);
    }
    start = end;
  }
  const head = { ...withoutPlace(batch), rows: kept.length };
  return inForm(head, { text: Buffer.concat(kept), ends: Uint32Array.from(keptEnds) }, payload);
}

/** A batch but for its bytes: nothing of where it lies in the log. */
export function withoutPlace(batch: LoggedBatch): BatchHead {
  const { epoch: _epoch, segment: _segment, offset: _offset, sha256: _sha256, ...plain } = batch;
  return plain;
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
