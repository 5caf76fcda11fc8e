import { join } from "node:path";
import { badArgument, checkPath } from "../arguments.ts";
import { MillraceError } from "../errors.ts";
import type { Disk } from "../log/disk.ts";
import { nodeDisk } from "../log/node-disk.ts";
import { epochIn, readSegment } from "../log/segments.ts";
import type { Json } from "../schema/kinds.ts";
import type { Positions } from "../source/source.ts";
import type { JobIdentity } from "./coordinator.ts";
import {
  type EpochState,
  epochOfKey,
  type Head,
  headKey,
  jobKey,
  type PreparedEpoch,
  progressIn,
  progressKey,
} from "./epoch.ts";
import { newestEntries } from "./journal.ts";
import { holderOf } from "./lock-file.ts";

/** What a state says, read without taking its lease. */
export interface StateReport {
  readonly job: string;
  readonly table: string;
  readonly destination: string;
  readonly generation: number;
  /** The process that has it open, if it lives. */
  readonly openBy: number | undefined;
  /** The newest checkpoint. */
  readonly epoch: number;
  readonly positions: Positions;
  /** Records of all checkpoints. */
  readonly records: number;
  readonly pending: readonly PendingEpoch[];
  readonly logBytes: number;
}

/** A checkpoint that is not committed yet. */
export interface PendingEpoch {
  readonly epoch: number;
  readonly state: EpochState;
  /** With IN_DOUBT: what the destination noted of it, such as Kusto's `{ step: "LANDED", attempt: 1, ... }`. */
  readonly detail: Json | undefined;
  readonly rows: number;
  readonly batches: number;
  readonly packedBytes: number;
  readonly ageMs: number;
}

/**
 * Reads what a `fileState(folder)` says, also while a process has it open; nothing is changed.
 *
 * @throws MillraceError BAD_SOURCE where there is no state; STATE_DAMAGED, STATE_FOREIGN.
 */
export async function inspectState(folder: string, disk: Disk = nodeDisk): Promise<StateReport> {
  checkFolder("inspectState()", folder, disk);
  const newest = await newestEntries(disk, folder);
  const job = newest?.entries.get(jobKey)?.value as unknown as (JobIdentity & { id: string }) | undefined;
  if (!newest || !job)
    throw new MillraceError("BAD_SOURCE", `${folder} holds no state of a sink.`, { context: { folder } });
  const { entries, generation } = newest;
  const head = entries.get(headKey)?.value as unknown as Head | undefined;
  const pending: PendingEpoch[] = [];
  for (const [key, { value }] of entries) {
    const epoch = epochOfKey(key);
    if (epoch === undefined || !key.endsWith("/prepared")) continue;
    const prepared = value as unknown as PreparedEpoch;
    const progress = progressIn(entries.get(progressKey(epoch))!.value);
    pending.push({
      epoch,
      state: progress.state,
      detail: progress.state === "IN_DOUBT" ? progress.detail : undefined,
      rows: prepared.batches.reduce((sum, batch) => sum + batch.rows, 0),
      batches: prepared.batches.length,
      packedBytes: prepared.batches.reduce((sum, batch) => sum + batch.packedBytes, 0),
      ageMs: Date.now() - prepared.preparedAt,
    });
  }
  return {
    job: `${job.name}.${job.id}`,
    table: job.table,
    destination: job.destination,
    generation,
    openBy: await holderOf(disk, join(folder, "lock")),
    epoch: head?.epoch ?? 0,
    positions: head?.positions ?? {},
    records: head?.records ?? 0,
    pending: pending.sort((a, b) => a.epoch - b.epoch),
    logBytes: (await inspectLog(folder, disk)).reduce((sum, segment) => sum + segment.bytes, 0),
  };
}

/** One file of the log: the batches of one epoch, or a part of them. */
export interface SegmentReport {
  readonly name: string;
  readonly epoch: number;
  readonly bytes: number;
  readonly batches: readonly SegmentBatch[];
  /** "sound", or what the file ends in. Torn: it is being written, or was when the process ended. */
  readonly end: "sound" | "torn" | "damaged";
}

/** A batch as it lies in a segment, whose SHA-256 was found right. Bytes; the offset is of its frame in the file. */
export interface SegmentBatch {
  readonly id: string;
  readonly rows: number;
  readonly rawBytes: number;
  readonly packedBytes: number;
  readonly offset: number;
}

/** The segments of the log, with the sums of every batch checked. */
export async function inspectLog(folder: string, disk: Disk = nodeDisk): Promise<SegmentReport[]> {
  checkFolder("inspectLog()", folder, disk);
  const log = join(folder, "log");
  const reports: SegmentReport[] = [];
  for (const name of (await disk.list(log)).sort()) {
    const epoch = epochIn(name);
    const bytes = epoch === undefined ? undefined : await disk.read(join(log, name));
    if (epoch === undefined || !bytes) continue;
    const batches: SegmentBatch[] = [];
    let end: SegmentReport["end"] = "sound";
    for (const each of readSegment(bytes))
      if (each.found === "batch") {
        const { id, rows, rawBytes, packedBytes, offset } = each.batch;
        batches.push({ id, rows, rawBytes, packedBytes, offset });
      } else end = each.found;
    reports.push({ name, epoch, bytes: bytes.length, batches, end });
  }
  return reports;
}

function checkFolder(what: string, folder: unknown, disk: Partial<Disk> | null | undefined): void {
  checkPath(what, "folder", folder);
  if (typeof disk?.read !== "function" || typeof disk.list !== "function")
    throw badArgument(what, "disk", disk, "a disk with read() and list()");
}
