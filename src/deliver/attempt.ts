import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import type { SealedBatch } from "../batch/sealed-batch.ts";
import type { EpochHandle, PreparedEpoch, RefusedRows } from "../checkpoint/epoch.ts";
import { type EndedMember, joined } from "../encode/gzip-member.ts";
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

/** A blob on its way in one attempt. */
export interface Sent {
  readonly id: string;
  /** On its own extents and no other's. */
  readonly tag: string;
  /** What it holds, in this order. */
  readonly batches: readonly LoggedBatch[];
  readonly rows: number;
}

/**
 * What an attempt consists of. Small batches that follow each other share a blob, for each blob becomes an extent of its
 * own in staging; those that have lost rows go alone, and those without a row left not at all. The same after a restart.
 *
 * @param mostRawBytes of a blob of several batches
 */
export function blobsOf(
  prepared: PreparedEpoch,
  refused: RefusedRows,
  tag: string,
  mostRawBytes: number,
): readonly Sent[] {
  const groups: { batches: LoggedBatch[]; rows: number; rawBytes: number; isOpen: boolean }[] = [];
  for (const batch of prepared.batches) {
    const out = refused[batch.id]?.length ?? 0;
    const rows = batch.rows - out;
    if (rows === 0) continue;
    const last = groups.at(-1);
    if (last?.isOpen && out === 0 && last.rawBytes + batch.rawBytes <= mostRawBytes) {
      last.batches.push(batch);
      last.rows += rows;
      last.rawBytes += batch.rawBytes;
    } else groups.push({ batches: [batch], rows, rawBytes: batch.rawBytes, isOpen: out === 0 });
  }
  return groups.map(({ batches, rows }, index) => ({
    id: attemptId(tag, batches[0]!.id),
    tag: `${tag}/${index}`,
    batches,
    rows,
  }));
}

/** The blob as it is sent: batches as they were logged, joined; or what is left of one without the rows that the service refuses. */
export async function attemptBlob(
  epoch: EpochHandle,
  { id, batches }: Pick<Sent, "id" | "batches">,
): Promise<SealedBatch> {
  const [first] = batches;
  if (batches.length === 1) {
    const out = new Set(epoch.refused[first!.id]?.map(({ row }) => row));
    const left = out.size === 0 ? asLogged(epoch, first!) : someRows(epoch, first!, (row) => !out.has(row));
    return { ...(await left), id };
  }
  const members: EndedMember[] = [];
  for (const batch of batches) members.push({ packed: await epoch.read(batch), rawBytes: batch.rawBytes });
  return {
    ...withoutPlace(first!),
    ...joined(members),
    id,
    rows: batches.reduce((sum, batch) => sum + batch.rows, 0),
    rawBytes: batches.reduce((sum, batch) => sum + batch.rawBytes, 0),
    lastRecord: batches.at(-1)!.lastRecord,
  };
}

/** The batch as it was sealed, with its bytes from the log. */
export async function asLogged(epoch: EpochHandle, batch: LoggedBatch): Promise<SealedBatch> {
  const packed = await epoch.read(batch);
  return { ...withoutPlace(batch), parts: [packed], packedBytes: packed.length };
}

/** A batch of those rows of this one that `isKept` says. */
export async function someRows(
  epoch: EpochHandle,
  batch: LoggedBatch,
  isKept: (row: number) => boolean,
): Promise<SealedBatch> {
  return { ...withoutPlace(batch), ...cut(await epoch.read(batch), batch, isKept) };
}

/** A batch but for its bytes: nothing of where it lies in the log. */
function withoutPlace(batch: LoggedBatch): Omit<SealedBatch, "parts"> {
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
