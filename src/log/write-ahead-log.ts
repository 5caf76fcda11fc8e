import type { BatchHead, SealedBatch } from "../batch/sealed-batch.ts";

/** A batch in the log: all that is known of it but its bytes, and where they lie. Plain data, without a secret. */
export interface LoggedBatch extends BatchHead {
  readonly epoch: number;
  /** The segment that holds it. */
  readonly segment: string;
  /** Of its frame in the segment. */
  readonly offset: number;
  /** Of the bytes in the log, in hexadecimal: what is uploaded is what was logged. */
  readonly sha256: string;
}

/**
 * Sealed batches on their way, one segment per epoch: written as they come, made durable once, at the checkpoint that
 * decides on the epoch, and let go as a whole.
 */
export interface WriteAheadLog {
  /** Bytes of all segments. */
  readonly bytes: number;
  /** Called once, before the first append: segments that are not among these were never decided on, and go. */
  retain(segments: ReadonlySet<string>): Promise<void>;
  /**
   * Writes a batch into its epoch's segment. Not durable yet. Batches of one epoch are written one after another. Whatever its payload
   * is, the log keeps its parts as bytes: of `rows` and `records` the last one is where the rows end.
   *
   * @throws MillraceError STATE_UNWRITABLE, when the disk will not have it; the segment is as it was before.
   */
  append(epoch: number, batch: SealedBatch): Promise<LoggedBatch>;
  /** Makes an epoch's segment durable, and closes it: nothing more is appended. */
  seal(epoch: number): Promise<void>;
  /**
   * The bytes of a batch's parts, in order.
   *
   * @throws MillraceError STATE_DAMAGED when they are not what was written.
   */
  read(batch: LoggedBatch): Promise<Uint8Array>;
  /** Removes an epoch's segments. */
  trim(epoch: number): Promise<void>;
  close(): Promise<void>;
}
