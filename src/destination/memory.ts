import type { SealedBatch } from "../batch/sealed-batch.ts";
import type { Destination, DestinationSession } from "./destination.ts";

/** Keeps the batches that were taken, for tests and for looking at what would be sent. */
export interface MemoryDestination extends Destination {
  readonly batches: SealedBatch[];
}

export function memory(): MemoryDestination {
  const batches: SealedBatch[] = [];
  return { name: "memory", batches, open: async () => keep((batch) => batches.push(batch)) };
}

/** Counts nothing, keeps nothing: the far end of a benchmark. */
export function nowhere(): Destination {
  return { name: "nowhere", open: async () => ({ ...keep(() => {}), keepsNoParts: true as const }) };
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
