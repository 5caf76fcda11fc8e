import { createHash } from "node:crypto";
import type { SealedBatch } from "../../../batch/sealed-batch.ts";
import type { EpochHandle, PreparedEpoch, RefusedRows } from "../../../checkpoint/epoch.ts";
import { asLogged, someRows, withoutPlace } from "../../../deliver/logged-batch.ts";
import { type EndedMember, joined } from "../../../encode/gzip-member.ts";
import type { LoggedBatch } from "../../../log/write-ahead-log.ts";

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
  epoch: Pick<EpochHandle, "read" | "refused">,
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
