import type { RetryClock, RetryPolicy } from "../../../deliver/backoff.ts";

export interface CommitPolicy extends RetryPolicy {
  /** The longest pause between two looks at what has arrived. */
  readonly pollIntervalMs: number;
  /** An attempt of which not all has arrived by then is given up for the next. */
  readonly attemptTimeoutMs: number;
  /** Attempts per epoch and process, before the sink fails. The epoch stays in the state. */
  readonly mostAttempts: number;
  /** Batches of an epoch share a blob up to so many uncompressed bytes. */
  readonly blobBytesLimit: number;
  /** The time, and chance: replaced in tests. */
  readonly clock: RetryClock;
}
