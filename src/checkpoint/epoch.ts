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
 * `PREPARED -> SUBMITTED(attempt) -> LANDED(attempt, extents) -> MOVING(attempt, extents) -> COMMITTED`, then the epoch is
 * cleaned: its entries and its segment go. From SUBMITTED and LANDED an attempt may be given up for the next; from MOVING
 * never, before the target has been asked.
 */
export type Progress =
  | { readonly state: "PREPARED" }
  | { readonly state: "SUBMITTED"; readonly attempt: number; readonly generation: number }
  | {
      readonly state: "LANDED";
      readonly attempt: number;
      readonly generation: number;
      readonly extents: readonly string[];
    }
  | {
      readonly state: "MOVING";
      readonly attempt: number;
      readonly generation: number;
      readonly extents: readonly string[];
    }
  | { readonly state: "COMMITTED"; readonly attempt: number };

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
export interface EpochHandle {
  readonly prepared: PreparedEpoch;
  readonly generation: number;
  /** As stored. */
  readonly progress: Progress;
  /** Rows that were found to be refused by the service, and are left out of the next attempt. */
  readonly refused: RefusedRows;
  /** `millrace:job.id/table/epoch`: the number, whoever decided on the epoch. */
  readonly claim: string;
  /**
   * `millrace:job/table/first`: of several new states of one job, one begins. Of the first epoch
   * only, and not where the user accepted other states.
   */
  readonly firstClaim: string | undefined;
  /** `millrace:job.id/table/epoch/lineage.digest`: this epoch and no other. Every tag of its blobs begins so. */
  readonly tag: string;
  /**
   * Stores the next state, durably, and with it the rows that it leaves out.
   *
   * @throws MillraceError STATE_FENCED when somebody else has taken the job over: the caller must do nothing more.
   */
  advance(to: Progress, refused?: RefusedRows): Promise<void>;
  /** A batch's packed bytes. */
  read(batch: LoggedBatch): Promise<Uint8Array>;
}

/** How far an epoch has come, see docs/exactly-once.md. */
export type EpochState = "PREPARED" | "SUBMITTED" | "LANDED" | "MOVING" | "COMMITTED";

/** Which state may follow which. An attempt given up is SUBMITTED again, with a higher number. */
const arrows: Readonly<Record<EpochState, readonly EpochState[]>> = {
  PREPARED: ["SUBMITTED", "COMMITTED"],
  SUBMITTED: ["SUBMITTED", "LANDED", "COMMITTED"],
  LANDED: ["SUBMITTED", "MOVING", "COMMITTED"],
  MOVING: ["SUBMITTED", "MOVING", "COMMITTED"],
  COMMITTED: [],
};

/** Why a step from one state to another is wrong; undefined when it is right. */
export function objection(from: Progress, to: Progress): string | undefined {
  if (!arrows[from.state].includes(to.state)) return `${from.state} is not followed by ${to.state}`;
  const attempt = "attempt" in from ? from.attempt : 0;
  if (to.state === "PREPARED") return undefined;
  if (to.state === "SUBMITTED" && to.attempt !== attempt + 1)
    return `attempt ${to.attempt} does not follow attempt ${attempt}`;
  if ((to.state === "LANDED" || to.state === "MOVING") && to.attempt !== attempt)
    return `attempt ${to.attempt} was not submitted last`;
  return undefined;
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

/** The segments of the log that an entry speaks of. */
export function segmentsOf(key: string, value: Json): readonly string[] {
  if (!/^epoch\/\d+\/prepared$/.test(key)) return [];
  return [...new Set((value as unknown as PreparedEpoch).batches.map((batch) => batch.segment))];
}
