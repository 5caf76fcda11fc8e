import type { Payload } from "../encode/payload.ts";
import type { RowFormat } from "../encode/row-format.ts";

/** A batch without its rows: plain data. */
export interface BatchHead {
  /** v4 uuid: Kusto's source id, and the stem of the blob's name. One per batch, kept through every retry. */
  readonly id: string;
  readonly table: string;
  readonly format: RowFormat;
  /** The form of its bytes. Absent in the log of an older version: `gzip`. */
  readonly payload?: Payload;
  readonly rows: number;
  /** Uncompressed bytes, as `RawDataSize` wants them. */
  readonly rawBytes: number;
  /** Bytes of the content: those of the gzip member, or `rawBytes` where nothing is packed. */
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

/** The rows of a batch as one gzip member. */
export interface GzipBatch extends BatchHead {
  readonly payload?: "gzip";
  /**
   * The gzip member, in pieces; their sum is `packedBytes`. Where the destination says that it keeps no parts
   * (`DestinationSession.keepsNoParts`), they are filled again once the batch is delivered.
   */
  readonly parts: readonly Uint8Array[];
}

/** The rows of a batch as text. */
export interface PlainBatch extends BatchHead {
  readonly payload: "plain";
  /** The text, in pieces that may end within a row; their sum is `packedBytes`. They are filled again as those of a {@link GzipBatch}. */
  readonly parts: readonly Uint8Array[];
}

/** The rows of a batch as text, and where each of them ends. */
export interface RowsBatch<P extends "rows" | "records" = "rows"> extends BatchHead {
  readonly payload: P;
  /** The text, in one piece, which is filled again as the parts of a {@link GzipBatch}. `rowsOf(batch)` gives it row by row. */
  readonly bytes: Uint8Array;
  /** Behind each row's line end: row `i` begins at `ends[i - 1]`, and row 0 at 0. */
  readonly ends: Uint32Array;
  /** `bytes` alone. */
  readonly parts: readonly Uint8Array[];
}

/** A finished batch, ready to be delivered, in the form that the destination takes. Nothing in it changes any more. */
export type SealedBatch<P extends Payload = "gzip"> = P extends "gzip"
  ? GzipBatch
  : P extends "plain"
    ? PlainBatch
    : P extends "rows" | "records"
      ? RowsBatch<P>
      : never;

/** What closed a batch: `batchSize`, `clientBatchSizeLimit`, `batchIntervalMs`, or a flush, checkpoint or close. */
export type SealReason = "records" | "bytes" | "interval" | "flush";
