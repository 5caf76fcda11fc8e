import type { RowFormat } from "../encode/row-format.ts";

/** A finished batch: gzip-packed rows, ready to be delivered. Nothing in it changes any more. */
export interface SealedBatch {
  /** v4 uuid: Kusto's source id, and the stem of the blob's name. One per batch, kept through every retry. */
  readonly id: string;
  readonly table: string;
  readonly format: RowFormat;
  readonly rows: number;
  /** Uncompressed bytes, as `RawDataSize` wants them. */
  readonly rawBytes: number;
  /**
   * The gzip member, in pieces; their sum is `packedBytes`. Where the destination says that it keeps no parts
   * (`DestinationSession.keepsNoParts`), they are filled again once the batch is delivered.
   */
  readonly parts: readonly Uint8Array[];
  readonly packedBytes: number;
  /** The subtask that filled it, from 0; 0 for a batch that all of them fill (`batchPerSubtask: false`). */
  readonly subtask: number;
  /**
   * Sequence numbers of the first and the last record in it, counted per sink from 0. Raw rows have none: a batch of
   * nothing else has the number of the record that would have come next.
   */
  readonly firstRecord: number;
  readonly lastRecord: number;
  /** `Date.now()` of when its first record was written; absent in what an older version has logged. */
  readonly openedAt?: number;
  /** What closed it. */
  readonly sealedBy: SealReason;
}

/** What closed a batch: `batchSize`, `clientBatchSizeLimit`, `batchIntervalMs`, or a flush, checkpoint or close. */
export type SealReason = "records" | "bytes" | "interval" | "flush";
