import type { EpochHandle, EpochProgress, RefusedRows } from "../../../checkpoint/epoch.ts";
import { MillraceError } from "../../../errors.ts";
import type { Json } from "../../../schema/kinds.ts";
import { claimTag, firstClaimTag } from "./epoch-tag.ts";

/**
 * How far an epoch has come on its way into a table.
 *
 * `PREPARED -> SUBMITTED(attempt) -> LANDED(attempt, extents) -> MOVING(attempt, extents) -> COMMITTED`. The steps between the first
 * and the last are the `detail` of IN_DOUBT in the state. From SUBMITTED and LANDED an attempt may be given up for the next; from
 * MOVING never, before the target has been asked.
 */
export type KustoProgress = { readonly step: "PREPARED" } | Attempt | LandedAttempt | { readonly step: "COMMITTED" };

interface Attempt {
  readonly step: "SUBMITTED";
  readonly attempt: number;
  readonly generation: number;
}

interface LandedAttempt extends Omit<Attempt, "step"> {
  readonly step: "LANDED" | "MOVING";
  readonly extents: readonly string[];
}

type Step = KustoProgress["step"];

/** Which step may follow which. An attempt given up is SUBMITTED again, with a higher number. */
const arrows: Readonly<Record<Step, readonly Step[]>> = {
  PREPARED: ["SUBMITTED", "COMMITTED"],
  SUBMITTED: ["SUBMITTED", "LANDED", "COMMITTED"],
  LANDED: ["SUBMITTED", "MOVING", "COMMITTED"],
  MOVING: ["SUBMITTED", "MOVING", "COMMITTED"],
  COMMITTED: [],
};

/** Why a step from one to another is wrong; undefined when it is right. */
export function objection(from: KustoProgress, to: KustoProgress): string | undefined {
  if (!arrows[from.step].includes(to.step)) return `${from.step} is not followed by ${to.step}`;
  const attempt = attemptOf(from);
  if (to.step === "SUBMITTED" && to.attempt !== attempt + 1)
    return `attempt ${to.attempt} does not follow attempt ${attempt}`;
  if ((to.step === "LANDED" || to.step === "MOVING") && to.attempt !== attempt)
    return `attempt ${to.attempt} was not submitted last`;
  return undefined;
}

/** The number of the newest attempt, from 1; 0: none yet. */
export function attemptOf(progress: KustoProgress): number {
  return "attempt" in progress ? progress.attempt : 0;
}

/** An epoch on its way into a table: with its tags, and with Kusto's steps. */
export interface KustoEpoch extends Omit<EpochHandle, "progress" | "advance" | "job" | "isFirst"> {
  readonly progress: KustoProgress;
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
   * Stores the next step, durably, and with it the rows that it leaves out.
   *
   * @throws MillraceError STATE_FENCED when somebody else has taken the job over: the caller must do nothing more.
   */
  advance(to: KustoProgress, refused?: RefusedRows): Promise<void>;
}

export function kustoEpoch(handle: EpochHandle, table: string): KustoEpoch {
  const { job, prepared, isFirst } = handle;
  const claim = claimTag(job, table, prepared.epoch);
  return {
    prepared,
    generation: handle.generation,
    get progress() {
      return kustoProgress(handle.progress);
    },
    get refused() {
      return handle.refused;
    },
    claim,
    firstClaim: isFirst ? firstClaimTag(job, table) : undefined,
    tag: prepared.identity ? `${claim}/${prepared.identity}` : claim,
    async advance(to, refused) {
      const why = objection(this.progress, to);
      if (why) throw new MillraceError("INTERNAL", `Epoch ${prepared.epoch}: ${why}.`);
      await handle.advance(storedProgress(to), refused);
    },
    read: (batch) => handle.read(batch),
  };
}

function kustoProgress(stored: EpochProgress): KustoProgress {
  return stored.state === "IN_DOUBT" ? (stored.detail as unknown as KustoProgress) : { step: stored.state };
}

function storedProgress(progress: KustoProgress): EpochProgress {
  const { step } = progress;
  if (step === "PREPARED" || step === "COMMITTED") return { state: step };
  return { state: "IN_DOUBT", detail: progress as unknown as Json };
}
