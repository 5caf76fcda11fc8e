import { epochTagOf, nameOf } from "../batch/epoch-tag.ts";
import type { SealedBatch } from "../batch/sealed-batch.ts";
import { MillraceError } from "../errors.ts";
import type { Destination, DestinationSession, EpochContext, EpochSession, StagingTable } from "./destination.ts";

/** Keeps the batches that were taken, for tests and for looking at what would be sent. */
export interface MemoryDestination extends Destination {
  readonly batches: SealedBatch[];
}

/** A destination in memory, which takes every batch at once: for tests of what a program writes, without a service. */
export function memory(): MemoryDestination {
  const batches: SealedBatch[] = [];
  /** Tags, over all its sessions: as a table would remember them. */
  const committed = new Set<string>();
  const stagings = new Map<string, StagingTable>();
  const take = (batch: SealedBatch) => batches.push(batch);
  return {
    name: "memory",
    batches,
    open: async () => keep(take),
    openEpochs: async (context) => keepEpochs(context, take, committed, stagings),
  };
}

/** Counts nothing, keeps nothing: the far end of a benchmark. */
export function nowhere(): Destination {
  const open = async () => ({ ...keep(() => {}), keepsNoParts: true as const });
  const openEpochs = async (context: EpochContext) => keepEpochs(context, () => {}, new Set(), new Map());
  return { name: "nowhere", open, openEpochs };
}

function keep(take: (batch: SealedBatch) => void): DestinationSession {
  const staged = new Map<string, SealedBatch>();
  return {
    async stage(batch) {
      staged.set(batch.id, batch);
      return { id: batch.id, place: batch.id, rows: batch.rows, rawBytes: batch.rawBytes };
    },
    async submit({ id }) {
      const batch = staged.get(id);
      staged.delete(id);
      if (batch) take(batch);
    },
    async outcomes(ids) {
      return ids.map((id) => ({ id, status: "landed" as const }));
    },
    async close() {},
  };
}

/** Stages at once, and commits what is named. */
function keepEpochs(
  { table, commitMode, job, generation, lineage }: EpochContext,
  take: (batch: SealedBatch) => void,
  committed: Set<string>,
  stagings: Map<string, StagingTable>,
): EpochSession {
  const blobs = new Map<string, SealedBatch>();
  const staging = new Map<string, { readonly tags: readonly string[]; readonly batch: SealedBatch }>();
  const own: StagingTable = { name: `${table.name} ${job} ${generation} ${lineage}`, job, generation, lineage };
  const isNamesake = (other: string) => nameOf(other) === nameOf(job);
  const refuseIfDropped = () => {
    if (commitMode !== "tag" && !stagings.has(own.name)) throw new MillraceError("NOT_FOUND", `${own.name} is gone.`);
  };
  return {
    async held() {
      const tags = [...committed].flatMap((tag) => epochTagOf(tag, table.name) ?? []);
      return tags
        .filter((tag) => isNamesake(tag.job))
        .map(({ job, lineage, epoch }) => ({ job, lineage, oldest: epoch, newest: epoch }));
    },
    async tagsUnder(prefix) {
      return [...committed].filter((tag) => tag.startsWith(prefix));
    },
    async stagings() {
      return [...stagings.values()].filter((other) => isNamesake(other.job));
    },
    async makeStaging() {
      if (commitMode === "tag") return undefined;
      stagings.set(own.name, own);
      return own;
    },
    async dropStaging(name) {
      stagings.delete(name);
    },
    async stage(batch) {
      blobs.set(batch.id, batch);
      return { id: batch.id, place: batch.id, rows: batch.rows, rawBytes: batch.rawBytes };
    },
    async submit({ id }, tags) {
      const batch = blobs.get(id);
      blobs.delete(id);
      if (!batch) return;
      staging.set(id, { tags, batch });
      if (commitMode !== "tag") return;
      take(batch);
      committed.add(tags[0]!);
    },
    async arrived(tag) {
      refuseIfDropped();
      const found = [...staging].filter(([, { tags }]) => tags.includes(tag));
      return { extents: found.map(([id, { tags, batch }]) => ({ id, tags, rows: batch.rows })), failures: [] };
    },
    async discard(tag) {
      for (const [id, { tags }] of staging) if (tags.includes(tag)) staging.delete(id);
    },
    async commit(tag, extents) {
      refuseIfDropped();
      for (const id of extents) {
        take(staging.get(id)!.batch);
        staging.delete(id);
      }
      committed.add(tag);
    },
    async close(isDone) {
      if (isDone) stagings.delete(own.name);
    },
  };
}
