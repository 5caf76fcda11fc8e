import type { SealedBatch } from "../../../batch/sealed-batch.ts";
import type { EpochRange } from "../../../checkpoint/epoch.ts";
import type { DestinationContext, DestinationSession, Outcome, StagedBatch } from "../../../destination/destination.ts";
import type { CommitMode } from "../ingestion-options.ts";

/** An opening of a job's state, whose epochs a session commits. */
export interface Opening {
  readonly commitMode: CommitMode;
  /** `name.id`, unique for ever. */
  readonly job: string;
  readonly generation: number;
  /** Of this opening: its staging table bears it. 12 hexadecimal digits. */
  readonly lineage: string;
}

export type SessionContext = DestinationContext & Opening;

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
