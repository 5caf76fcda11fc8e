import type { SealedBatch } from "../batch/sealed-batch.ts";
import type { Payload } from "../encode/payload.ts";
import type { LoggedBatch } from "../log/write-ahead-log.ts";
import type { Json } from "../schema/kinds.ts";
import type { Positions } from "../source/source.ts";

/**
 * What lies between two checkpoints, once it has been decided on (PREPARED): it will be delivered from the log, and the
 * source is never read for it again.
 */
export interface PreparedEpoch {
  /** Counted from 1 per job. */
  readonly epoch: number;
  readonly records: number;
  readonly batches: readonly LoggedBatch[];
  /** `Date.now()` of the decision. */
  readonly preparedAt: number;
  /**
   * `lineage.digest`: which opening of the state decided on it, and what it holds. Two epochs of one number are told apart by it.
   * Absent where an older version decided, and with delivery at least once.
   */
  readonly identity?: string;
  /** The first of its state with records. */
  readonly isFirst?: boolean;
}

/**
 * How far an epoch has come. Each is written durably before the act that it announces.
 *
 * - `PREPARED`: decided on, nothing of it was sent.
 * - `IN_DOUBT`: it may have been sent, in part or whole. `detail` is the committer's: what it needs to go on behind a restart. It may
 *   hold no secret.
 * - `COMMITTED`: all of it is in the target. Then the epoch is cleaned: its entries and its segment go.
 */
export type EpochProgress =
  | { readonly state: "PREPARED" }
  | { readonly state: "IN_DOUBT"; readonly detail: Json }
  | { readonly state: "COMMITTED" };

/** How far an epoch has come, see docs/exactly-once.md. */
export type EpochState = EpochProgress["state"];

/** What a state knows of its job: it is compared with what the target holds. */
export interface JobHistory {
  /** `name.id`. */
  readonly job: string;
  /** The newest epoch that was decided on. */
  readonly head: Head;
  /** No epoch was ever decided on. */
  readonly isNew: boolean;
  /** Drawn by this opening. */
  readonly lineage: string;
  /** Did this state decide on these epochs, or did the user accept them as another state's? */
  knowsEpochs(held: EpochRange): boolean;
  /** Was this opening one of this state's? */
  knowsOpening(generation: number, lineage: string | undefined): boolean;
  /**
   * Stores the lineage, before anything bears it. Epochs that are decided on from now on have an identity.
   *
   * @param held what the target holds: of other states of this job it is known from now on
   */
  recordLineage(held: readonly EpochRange[]): Promise<void>;
  /**
   * Takes what the target holds for that of other states, which the user accepted, and gives this one a new id. Epochs on their way
   * are delivered under it.
   */
  acceptOthers(held: readonly EpochRange[]): Promise<void>;
}

/** Epochs of one job and lineage. */
export interface EpochRange {
  /** `name.id`. */
  readonly job: string;
  /** Undefined: of a version that had none. */
  readonly lineage: string | undefined;
  readonly oldest: number;
  readonly newest: number;
}

/** Rows of a batch, from 0, that the service refuses, and why. */
export type RefusedRows = Readonly<Record<string, readonly { readonly row: number; readonly reason: string }[]>>;

/** An epoch on its way, as the one who commits it sees it. */
export interface EpochHandle<P extends Payload = "gzip"> {
  /** `name.id`. */
  readonly job: string;
  readonly prepared: PreparedEpoch;
  /** Of the state: one more with every opening. */
  readonly generation: number;
  /** As stored. */
  readonly progress: EpochProgress;
  /** Rows that were found to be refused by the service, and are left out of the next attempt. */
  readonly refused: RefusedRows;
  /** The first of its state with records, where the user did not accept epochs of other states. */
  readonly isFirst: boolean;
  /**
   * Stores the next state, durably, and with it the rows that it leaves out.
   *
   * @throws MillraceError STATE_FENCED when somebody else has taken the job over: the caller must do nothing more.
   */
  advance(to: EpochProgress, refused?: RefusedRows): Promise<void>;
  /** A batch's bytes, as they lie in the log. */
  read(batch: LoggedBatch): Promise<Uint8Array>;
  /** A batch in the form that the destination takes, also where another form was logged. */
  load(batch: LoggedBatch): Promise<SealedBatch<P>>;
}

/** What is stored of an epoch's progress. Format 1 of the journal had Kusto's own steps in the place of IN_DOUBT. */
export function progressIn(stored: Json): EpochProgress {
  const progress = stored as unknown as EpochProgress | { readonly state: string };
  if (progress.state === "PREPARED" || progress.state === "COMMITTED") return { state: progress.state };
  if (progress.state === "IN_DOUBT") return progress as EpochProgress;
  const { state: step, ...rest } = progress;
  return { state: "IN_DOUBT", detail: { step, ...rest } };
}

/** Why a step from one state to another is wrong; undefined when it is right. */
export function objection(from: EpochProgress, to: EpochProgress): string | undefined {
  const isRight = from.state !== "COMMITTED" && to.state !== "PREPARED";
  return isRight ? undefined : `${from.state} is not followed by ${to.state}`;
}

/** What was read up to the newest epoch: where a source goes on. */
export interface Head {
  /** The newest epoch that was prepared; 0: none yet. */
  readonly epoch: number;
  readonly positions: Positions;
  /** Records of all epochs. */
  readonly records: number;
}

export const headKey = "head";
export const jobKey = "job";

export function preparedKey(epoch: number): string {
  return `epoch/${epoch}/prepared`;
}

export function progressKey(epoch: number): string {
  return `epoch/${epoch}/progress`;
}

/** Rows that the service refuses, found in an epoch's batches; by the batch's id, the rows from 0. */
export function refusedKey(epoch: number): string {
  return `epoch/${epoch}/refused`;
}

/** The epoch that a key speaks of. */
export function epochOfKey(key: string): number | undefined {
  const match = /^epoch\/(\d+)\//.exec(key);
  return match ? Number(match[1]) : undefined;
}

/** The segments that hold the batches of an epoch. */
export function segmentsOf({ batches }: PreparedEpoch): readonly string[] {
  return batches.map(({ segment }) => segment);
}
