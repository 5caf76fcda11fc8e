import type { SealedBatch } from "../batch/sealed-batch.ts";
import type { Destination, DestinationSession, EpochSession } from "./destination.ts";

/** Keeps the batches that were taken, for tests and for looking at what would be sent. */
export interface MemoryDestination extends Destination {
  readonly batches: SealedBatch[];
}

/** A destination in memory, which takes every batch at once: for tests of what a program writes, without a service. */
export function memory(): MemoryDestination {
  const batches: SealedBatch[] = [];
  /** Tags, over all its sessions: as a table would remember them. */
  const committed = new Set<string>();
  const take = (batch: SealedBatch) => batches.push(batch);
  return {
    name: "memory",
    batches,
    open: async () => keep(take),
    openEpochs: async () => keepEpochs(take, committed),
  };
}

/** Counts nothing, keeps nothing: the far end of a benchmark. */
export function nowhere(): Destination {
  const open = async () => ({ ...keep(() => {}), keepsNoParts: true as const });
  return { name: "nowhere", open, openEpochs: async () => keepEpochs(() => {}, new Set()) };
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
function keepEpochs(take: (batch: SealedBatch) => void, committed: Set<string>): EpochSession {
  const blobs = new Map<string, SealedBatch>();
  const staging = new Map<string, { readonly tags: readonly string[]; readonly batch: SealedBatch }>();
  return {
    async isCommitted(prefix) {
      return [...committed].some((tag) => tag.startsWith(prefix));
    },
    async stage(batch) {
      blobs.set(batch.id, batch);
      return { id: batch.id, place: batch.id, rows: batch.rows, rawBytes: batch.rawBytes };
    },
    async submit({ id }, tags) {
      const batch = blobs.get(id);
      blobs.delete(id);
      if (batch) staging.set(id, { tags, batch });
    },
    async arrived(tag) {
      const found = [...staging].filter(([, { tags }]) => tags.includes(tag));
      return { extents: found.map(([id, { tags, batch }]) => ({ id, tags, rows: batch.rows })), failures: [] };
    },
    async discard(tag) {
      for (const [id, { tags }] of staging) if (tags.includes(tag)) staging.delete(id);
    },
    async commit(tag, extents) {
      for (const id of extents) {
        take(staging.get(id)!.batch);
        staging.delete(id);
      }
      committed.add(tag);
    },
    async close() {},
  };
}
