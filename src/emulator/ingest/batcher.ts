import type { BatchingPolicy } from "./batching-policy.ts";

/** What a batch is made of: a blob and what decides whom it may share a batch with. */
export interface BatchItem {
  /** Blobs of one key share a batch: same table, format, mapping, tags and so on. */
  readonly key: string;
  /** The blob's address without its SAS: twice in one batch, it is taken once. */
  readonly blob: string;
  /** Uncompressed bytes, as far as they are known. */
  readonly rawBytes: number;
  /** Why it is a batch of its own, if it is. */
  readonly alone: SealReason | undefined;
}

/** Why a batch was sealed, in the service's words (documentation, "Ingestion batching policy"). */
export type SealReason =
  | "Time"
  | "Count"
  | "Size"
  | "SystemFlush"
  | "SingleBlob_FlushImmediately"
  | "SingleBlob_IngestIfNotExists"
  | "SingleBlob_IngestByTag"
  | "SingleBlob_SizeUnknown";

export interface Batch<T> {
  readonly items: readonly T[];
  readonly reason: SealReason;
}

/** Aggregates blobs until their batch is sealed. */
export interface Batcher<T extends BatchItem> {
  /** Blobs that wait for their batch to be sealed. */
  readonly waiting: number;
  /** False: this blob is in its open batch already. */
  add(item: T, policy: BatchingPolicy): boolean;
  /** Forgets the open batches, for their messages will come again. */
  close(): void;
}

/** Runs `act` after `ms`, and gives a way to call it off. */
export type Schedule = (ms: number, act: () => void) => () => void;

interface Open<T> {
  readonly policy: BatchingPolicy;
  readonly items: T[];
  readonly blobs: Set<string>;
  rawBytes: number;
  callOff(): void;
}

export function batcher<T extends BatchItem>(schedule: Schedule, onSealed: (batch: Batch<T>) => void): Batcher<T> {
  const open = new Map<string, Open<T>>();
  let waiting = 0;
  const seal = (key: string, reason: SealReason) => {
    const batch = open.get(key)!;
    open.delete(key);
    batch.callOff();
    waiting -= batch.items.length;
    onSealed({ items: batch.items, reason });
  };
  const openBatch = (key: string, policy: BatchingPolicy): Open<T> => {
    const batch = {
      policy,
      items: [],
      blobs: new Set<string>(),
      rawBytes: 0,
      callOff: schedule(policy.timeMs, () => seal(key, "Time")),
    };
    open.set(key, batch);
    return batch;
  };
  return {
    get waiting() {
      return waiting;
    },
    add(item, policy) {
      if (item.alone || policy.timeMs === 0) {
        onSealed({ items: [item], reason: item.alone ?? "Time" });
        return true;
      }
      const batch = open.get(item.key) ?? openBatch(item.key, policy);
      if (batch.blobs.has(item.blob)) return false;
      batch.items.push(item);
      batch.blobs.add(item.blob);
      batch.rawBytes += item.rawBytes;
      waiting++;
      // The bounds are those of the policy when the batch was opened.
      if (batch.items.length >= batch.policy.items) seal(item.key, "Count");
      else if (batch.rawBytes >= batch.policy.rawBytes) seal(item.key, "Size");
      return true;
    },
    close() {
      for (const batch of open.values()) batch.callOff();
      open.clear();
      waiting = 0;
    },
  };
}
