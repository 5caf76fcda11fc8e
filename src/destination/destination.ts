import type { SealedBatch } from "../batch/sealed-batch.ts";
import type { EpochHandle, JobHistory, RefusedRows } from "../checkpoint/epoch.ts";
import type { Retries, Retry } from "../deliver/backoff.ts";
import type { Payload } from "../encode/payload.ts";
import type { RowFormat } from "../encode/row-format.ts";
import type { ErrorCode } from "../errors.ts";
import type { LoggedBatch } from "../log/write-ahead-log.ts";
import type { NamedColumn, Table } from "../schema/table.ts";

/**
 * Where batches go, and the payload in which it takes them: `const to: Destination<"rows"> = { payload: "rows", ... }`. Without
 * `payload` it takes gzip members.
 */
export type Destination<P extends Payload = "gzip"> = DestinationCalls<P> & PayloadOf<P>;

/** The payload that a destination declares; gzip may be left out. */
export type PayloadOf<P extends Payload> = "gzip" extends P ? { readonly payload?: P } : { readonly payload: P };

/**
 * What a {@link Destination} does. It makes ONE attempt per call and throws a MillraceError that says whether another may
 * help; retrying is the business of `deliver/`, but for the calls of an opening. Every call can be repeated with the same batch: the blob's name comes
 * from the batch's id, so a second upload meets the first one.
 */
export interface DestinationCalls<P extends Payload = "gzip"> {
  /** For messages: the cluster and database, without secrets. */
  readonly name: string;
  /** What a state belongs to: the same for the same target in every process, and no other's. Default `name`. */
  readonly identity?: string;
  /** The function that made it, for messages: `kusto`. Absent: `name` stands for it. */
  readonly kind?: string;
  /** The names of its own options: one that is given to the sink is refused with a word about where it belongs. */
  readonly optionNames?: readonly string[];
  /** How rows are written for it: the default of the sink's option `format`, which can then be no other. Absent: any. */
  readonly format?: RowFormat;
  /** How it commits epochs, in words. Epochs on their way are not committed in another one. */
  readonly delivery?: string;
  /** For telemetry; absent where there is none. */
  readonly database?: string;
  /** Connects, authenticates, warms what is shared, and checks what can be checked early. */
  open(context: DestinationContext): Promise<DestinationSession<P>>;
  /**
   * The same for exactly once; absent where the destination cannot. It compares the target with the state first.
   *
   * @throws MillraceError STATE_OUTDATED, STATE_LOST when the target holds epochs that the state does not know.
   */
  openEpochs?(context: EpochContext): Promise<EpochCommitter<P>>;
  /** Looks, item by item, at whether a sink could work there, without a record; absent where there is nothing to look at. */
  check?(context: CheckContext): AsyncIterable<CheckItem>;
}

/** What a destination is told when a sink opens; `signal` ends the opening. */
export interface DestinationContext {
  readonly table: Table;
  readonly format: RowFormat;
  /** Of the sink: the destination's own defaults may follow it. */
  readonly preset?: "realtime" | "bulk" | undefined;
  readonly signal: AbortSignal;
  /** How the calls of the opening are repeated, which nobody else repeats. Absent: each is made once. */
  readonly retries?: Retries | undefined;
}

/** What a check has to know of the sink that is to be opened. */
export interface CheckContext {
  readonly table: string;
  /** Undefined: no columns are declared, so those of the table are used. */
  readonly columns: readonly NamedColumn[] | undefined;
  readonly format: RowFormat;
  readonly preset?: "realtime" | "bulk" | undefined;
  readonly batchSize: number;
  readonly batchIntervalMs: number;
  readonly clientBatchSizeLimit: number;
  readonly isExactlyOnce: boolean;
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

/** An open destination of one sink: batches are staged, submitted, and asked after. */
export interface DestinationSession<P extends Payload = "gzip"> {
  /**
   * No part of a batch is looked at once its delivery has ended well. The sink then fills the parts again, so that one open
   * batch and those in delivery are all that takes memory.
   */
  readonly keepsNoParts?: true;
  /** A batch is delivered when it has landed, as {@link outcomes} tells. Absent: when it has been taken. */
  readonly polling?: Polling | undefined;
  /** What the extents of a batch are found by, for telemetry. */
  tagOf?(id: string): string | undefined;
  /** Stores the batch where the service can fetch it. Repeatable; "already there" is success. */
  stage(batch: SealedBatch<P>, signal: AbortSignal): Promise<StagedBatch>;
  /**
   * Tells the service to load it. Resolved: the message has been taken. PLACE_GONE, retryable, asks for
   * the batch to be staged again.
   */
  submit(staged: StagedBatch, signal: AbortSignal): Promise<void>;
  /** The fates known so far among these batch ids; those without news are absent. Only with {@link polling}. */
  outcomes(ids: readonly string[], signal: AbortSignal): Promise<readonly Outcome[]>;
  close(): Promise<void>;
}

/** How a destination is asked what has become of batches. */
export interface Polling {
  /** The longest pause between two looks, in milliseconds; the first are shorter. */
  readonly intervalMs: number;
  /** The longest wait for a batch's fate, in milliseconds. */
  readonly timeoutMs: number;
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

/** What a destination is told when a sink with exactly once opens. */
export interface EpochContext extends DestinationContext {
  /** What the state knows of the job: the target is compared with it, and the lineage stored, before anything is sent. */
  readonly history: JobHistory;
  /** Of the state: one more with every opening. */
  readonly generation: number;
  /** Go on where the target holds epochs that the state does not know. */
  readonly acceptDuplicates: boolean;
  readonly retries: Retries;
  /** Something that a person should look at, and that loses nothing. */
  onWarning(epoch: number, message: string): void;
}

/**
 * Commits epochs into a target, each of them once. Made by {@link DestinationCalls.openEpochs}, when this process is the only one that can
 * commit epochs of the job.
 */
export interface EpochCommitter<P extends Payload = "gzip"> {
  /**
   * Brings an epoch to COMMITTED, from whatever state an earlier process has left it in. Up to four at once, begun in their order.
   * It repeats what may be repeated; what it throws ends the sink, and the next start commits the epoch.
   *
   * @throws MillraceError STATE_FENCED when another process has taken the job over.
   */
  commit(epoch: EpochHandle<P>, signal: AbortSignal, hooks: CommitHooks): Promise<void>;
  /** What the epoch's rows are found by in the target, for telemetry; absent where there is nothing of the kind. */
  tagOf?(epoch: EpochHandle<P>): string;
  /** Ends it. `isDone`: every epoch is committed, so what helped to commit them can go. */
  close(isDone: boolean): Promise<void>;
}

/** What a committer tells of an epoch. */
export interface CommitHooks {
  onRetry(epoch: number, what: string, retry: Retry): void;
  /** An attempt was given up. */
  onAttemptAbandoned(epoch: number, attempt: number, reason: string): void;
  /** Rows that the service refuses: they go to the dead letter, and what throws here ends the sink. */
  onRowsRefused(epoch: Pick<EpochHandle, "prepared" | "read">, found: RefusedRows): Promise<void>;
  /** Something that a person should look at, and that loses nothing. */
  onWarning(epoch: number, message: string): void;
  /** Some of the epoch's batches are stored in one piece, and how long that took, retries included. */
  onStaged?(epoch: number, blob: SentBlob, durationMs: number): void;
  /** The service has been told to load it. */
  onTaken?(epoch: number, blob: SentBlob, durationMs: number): void;
}

/** Batches of an epoch that travel as one. */
export interface SentBlob {
  readonly id: string;
  /** By which its rows are found in the target. */
  readonly tag: string;
  readonly batches: readonly LoggedBatch[];
  readonly rows: number;
  readonly rawBytes: number;
  readonly packedBytes: number;
}
