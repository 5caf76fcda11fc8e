/** Counters since `open()`. Bytes are of sealed batches. */
export interface SinkStats {
  /** Records that `write()` took, and rows of `writeRaw()` that were found sound, which takes place a little later. */
  readonly accepted: number;
  /** Records that were refused, whether thrown at the caller or sent to the dead letter. */
  readonly rejected: number;
  /** Records whose batches have been taken by the destination; with exactly once, those committed: without those it refused. */
  readonly delivered: number;
  /** Delivery "none" only: records of batches given up after their retries. */
  readonly lost: number;
  readonly batches: number;
  readonly batchesInFlight: number;
  readonly rawBytes: number;
  readonly packedBytes: number;
  readonly retries: number;
  /** Threads that died and were replaced. */
  readonly restarts: number;
  /** Checkpoints that have completed. */
  readonly checkpoints: number;
}

/** The counters that the parts of a sink share. */
export type SinkCounters = { -readonly [N in Exclude<keyof SinkStats, "batchesInFlight" | "retries">]: number };

export function newCounters(): SinkCounters {
  return {
    accepted: 0,
    rejected: 0,
    delivered: 0,
    lost: 0,
    batches: 0,
    rawBytes: 0,
    packedBytes: 0,
    restarts: 0,
    checkpoints: 0,
  };
}
