import type { SealedBatch } from "../batch/sealed-batch.ts";
import type { Table } from "../schema/table.ts";

/**
 * Where batches go. A destination makes ONE attempt per call and throws a MillraceError that says whether another may
 * help; retrying is the business of `deliver/`. Every call can be repeated with the same batch: the blob's name comes
 * from the batch's id, so a second upload meets the first one.
 */
export interface Destination {
  /** For messages: the cluster and database, without secrets. */
  readonly name: string;
  /** Connects, authenticates, warms what is shared, and checks what can be checked early. */
  open(context: DestinationContext): Promise<DestinationSession>;
}

export interface DestinationContext {
  readonly table: Table;
  readonly format: SealedBatch["format"];
  readonly ingestion: IngestionOptions;
  readonly signal: AbortSignal;
}

/** The connector's options that travel with every batch. */
export interface IngestionOptions {
  readonly ingestionMappingRef: string | undefined;
  readonly flushImmediately: boolean;
  readonly ingestByTags: readonly string[];
  readonly additionalTags: readonly string[];
  /** Ask the service to report each batch, so that {@link DestinationSession.outcomes} has something to say. */
  readonly pollForIngestionStatus: boolean;
}

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
