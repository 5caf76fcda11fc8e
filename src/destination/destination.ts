import type { SealedBatch } from "../batch/sealed-batch.ts";
import type { EpochRange } from "../checkpoint/epoch.ts";
import type { Retries } from "../deliver/backoff.ts";
import type { ErrorCode } from "../errors.ts";
import type { NamedColumn, Table } from "../schema/table.ts";

/**
 * Where batches go. A destination makes ONE attempt per call and throws a MillraceError that says whether another may
 * help; retrying is the business of `deliver/`, but for the calls of an opening. Every call can be repeated with the same batch: the blob's name comes
 * from the batch's id, so a second upload meets the first one.
 */
export interface Destination {
  /** For messages: the cluster and database, without secrets. */
  readonly name: string;
  /** For telemetry; absent where there is none. */
  readonly database?: string;
  /** Connects, authenticates, warms what is shared, and checks what can be checked early. */
  open(context: DestinationContext): Promise<DestinationSession>;
  /** The same for exactly once; absent where the destination cannot. */
  openEpochs?(context: EpochContext): Promise<EpochSession>;
  /** Looks, item by item, at whether a sink could work there, without a record; absent where there is nothing to look at. */
  check?(context: CheckContext): AsyncIterable<CheckItem>;
}

/** What a destination is told when a sink opens; `signal` ends the opening. */
export interface DestinationContext {
  readonly table: Table;
  readonly format: SealedBatch["format"];
  readonly ingestion: IngestionOptions;
  readonly signal: AbortSignal;
  /** How the calls of the opening are repeated, which nobody else repeats. Absent: each is made once. */
  readonly retries?: Retries | undefined;
}

/** What a check has to know of the sink that is to be opened. */
export interface CheckContext {
  readonly table: string;
  /** Undefined: no columns are declared, so those of the table are used. */
  readonly columns: readonly NamedColumn[] | undefined;
  readonly format: SealedBatch["format"];
  readonly ingestion: IngestionOptions;
  readonly batchSize: number;
  readonly batchIntervalMs: number;
  readonly clientBatchSizeLimit: number;
  readonly blobBytesLimit: number;
  readonly pollTimeoutMs: number;
  readonly attemptTimeoutMs: number;
  /** Exactly once only. */
  readonly commitMode: CommitMode | undefined;
  readonly signal: AbortSignal;
  /** How an item is looked at again. Absent: each is looked at once. */
  readonly retries?: Retries | undefined;
}

/**
 * How one item of a check ended.
 *
 * - `ok`, `warning` (a sink works, and somebody should know), `failed` (it would not work).
 * - `not reached`: what it depends on failed or cannot be seen, so nothing is known of it.
 */
export type CheckStatus = "ok" | "warning" | "failed" | "not reached";

/** One thing that was looked at. Plain data without secrets. */
export interface CheckItem {
  /** What it is, in a word: `dns`, `table`, `batching`. */
  readonly name: string;
  readonly status: CheckStatus;
  /** One sentence. */
  readonly message: string;
  /** What to do about it, or what to ask whom. A command stands at its end, behind `: `. */
  readonly fix?: string;
  /** Of a failed item: the code of the error that a sink would meet. */
  readonly code?: ErrorCode;
  /** Of a failed item: it may be better by itself in a while. */
  readonly retryable?: boolean;
}

/** The connector's options that travel with every batch. */
export interface IngestionOptions {
  readonly ingestionMappingRef: string | undefined;
  readonly flushImmediately: boolean;
  readonly ingestByTags: readonly string[];
  readonly additionalTags: readonly string[];
  /** Each blob's extents bear the tag of their batch as well (`batchTag`). Delivery at least once. */
  readonly tagBatches?: boolean;
  /** Ask the service to report each batch, so that {@link DestinationSession.outcomes} has something to say. */
  readonly pollForIngestionStatus: boolean;
}

/** An open destination of one sink: batches are staged, submitted, and asked after. */
export interface DestinationSession {
  /**
   * No part of a batch is looked at once its delivery has ended well. The sink then fills the parts again, so that one open
   * batch and those in delivery are all that takes memory.
   */
  readonly keepsNoParts?: true;
  /** Stores the batch where the service can fetch it. Repeatable; "already there" is success. */
  stage(batch: SealedBatch, signal: AbortSignal): Promise<StagedBatch>;
  /**
   * Tells the service to load it. Resolved: the message has been taken. A retryable error with `context.isPlaceGone` asks
   * for the batch to be staged again.
   */
  submit(staged: StagedBatch, signal: AbortSignal): Promise<void>;
  /** The fates known so far among these batch ids; those without news are absent. Only with pollForIngestionStatus. */
  outcomes(ids: readonly string[], signal: AbortSignal): Promise<readonly Outcome[]>;
  close(): Promise<void>;
}

/** A batch in storage. Plain data without a secret: it may be written to state and used by another process. */
export interface StagedBatch {
  readonly id: string;
  /** Account, container and blob, as the destination understands them; never a SAS. */
  readonly place: string;
  readonly rows: number;
  readonly rawBytes: number;
}

/** The fate of one batch, as the service reports it. */
export type Outcome =
  | { readonly id: string; readonly status: "landed" }
  | {
      readonly id: string;
      readonly status: "failed";
      /** The service's code, such as Stream_WrongNumberOfFields. */
      readonly errorCode: string;
      readonly details: string;
      readonly retryable: boolean;
    };

/**
 * How an epoch becomes visible in the target, all of it at once:
 * - `move`: staged rows are moved by the ids of their extents. Rights: Table Admin on the target, Database User.
 * - `append`: one command appends the staged rows, under a tag that it first looks for. Rights: Table Ingestor on the
 *   target, Database Viewer and Database User.
 * - `tag`: blobs go straight into the target, each under a tag that the service looks for. Rights: Table Ingestor,
 *   Database Viewer. Once as far as the service's own check goes; and an epoch's blobs appear one by one.
 */
export type CommitMode = "move" | "append" | "tag";

/** What a destination is told when a sink with exactly once opens. */
export interface EpochContext extends DestinationContext {
  readonly commitMode: CommitMode;
  /** `name.id`, unique for ever. */
  readonly job: string;
  readonly generation: number;
  /** Of this opening: its staging table bears it. 12 hexadecimal digits. */
  readonly lineage: string;
}

/** A staging table, of one opening of one job's state. */
export interface StagingTable {
  readonly name: string;
  /** `name.id`. */
  readonly job: string;
  readonly generation: number;
  /** Undefined: of a version that had none. */
  readonly lineage: string | undefined;
}

/**
 * A target into which whole epochs are committed. One attempt per call, as {@link DestinationSession}. Tags are plain texts;
 * those of an epoch's blobs begin with the epoch's own.
 */
export interface EpochSession {
  /**
   * What the target holds of every job that has this one's name. Final: it is not overtaken by a commit that began before the
   * question. Throws a retryable error while one may still be under way.
   */
  held(signal: AbortSignal): Promise<readonly EpochRange[]>;
  /**
   * The target's tags that begin so, without `ingest-by:`. Final, as `held`.
   *
   * @param isPrompt as of now: no commit that is under way is waited for
   */
  tagsUnder(prefix: string, signal: AbortSignal, isPrompt?: boolean): Promise<readonly string[]>;
  /** Staging tables of every job that has this one's name; none with mode `tag`. */
  stagings(signal: AbortSignal): Promise<readonly StagingTable[]>;
  /** Makes this opening's staging table; undefined with mode `tag`. Called once, before anything is submitted. Repeatable. */
  makeStaging(signal: AbortSignal): Promise<StagingTable | undefined>;
  /** Drops a staging table: no commit finds a source in it from then on. It may be gone already. */
  dropStaging(name: string, signal: AbortSignal): Promise<void>;
  /** Stores one batch of an attempt. Repeatable; "already there" is success. */
  stage(batch: SealedBatch, signal: AbortSignal): Promise<StagedBatch>;
  /** Has the service load it into staging under these tags; with mode `tag` into the target, unless an extent bears one of them. */
  submit(staged: StagedBatch, tags: readonly string[], signal: AbortSignal): Promise<void>;
  /** The extents that bear this tag so far, and which of the batches have failed. */
  arrived(tag: string, ids: readonly string[], signal: AbortSignal): Promise<Arrived>;
  /** Removes the extents that bear the tag from staging. */
  discard(tag: string, signal: AbortSignal): Promise<void>;
  /**
   * Makes the named extents visible in the target, all or none, under the tag, which they bear. Resolved: it is done.
   *
   * @param rows what they hold together
   * @throws MillraceError NOT_FOUND when one of them is not in staging; any other: it may have been done.
   */
  commit(tag: string, extents: readonly string[], rows: number, signal: AbortSignal): Promise<void>;
  /** Ends it. `isDone`: every epoch is committed, so staging can go. */
  close(isDone: boolean): Promise<void>;
}

/** What has come of an attempt so far: extents in staging, and batches that the service has refused. */
export interface Arrived {
  readonly extents: readonly StagedExtent[];
  readonly failures: readonly Extract<Outcome, { status: "failed" }>[];
}

/** An extent in staging, by the id that a commit names it by. */
export interface StagedExtent {
  readonly id: string;
  readonly rows: number;
  readonly tags: readonly string[];
}
