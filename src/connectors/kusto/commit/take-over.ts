import type { EpochRange, JobHistory } from "../../../checkpoint/epoch.ts";
import { nameOf, refuseIfBehind } from "../../../deliver/held-epochs.ts";
import { isCode, MillraceError } from "../../../errors.ts";
import { quoteName } from "../../../schema/kql.ts";
import type { EpochSession, StagingTable } from "./epoch-session.ts";

/** A job, as this state knows it, and its target. */
export interface TakeOver {
  readonly session: EpochSession;
  readonly history: JobHistory;
  readonly table: string;
  /** The user accepted that other states of this job wrote into the table: their staging tables go, too. */
  readonly isAccepted: boolean;
  /** Commit modes `move` and `append`. */
  readonly isStaged: boolean;
  readonly signal: AbortSignal;
  /** Makes a call, with retries. */
  ask<T>(doing: string, act: () => Promise<T>): Promise<T>;
}

/**
 * Makes this process the only one that can commit epochs of its job, or refuses. Copies of a state folder cannot see each other's
 * locks; what they share is the target.
 *
 * 1. The target and the state must agree: the target holds no epoch that this state did not decide on, and no opening that it does
 *    not know has left a staging table. A refused opening has changed nothing, so it does not disturb whoever works.
 * 2. The lineage is stored, then a staging table that bears it is made.
 * 3. All other staging tables of the job are dropped: from then on no commit of an earlier holder finds a source.
 * 4. The target is asked again: for what earlier holders committed until then.
 *
 * With commit mode `tag` there is no staging; each epoch claims its number instead ({@link commitTagged}).
 *
 * @throws MillraceError STATE_OUTDATED, STATE_LOST
 */
export async function takeOver(job: TakeOver): Promise<void> {
  const { session, history, isAccepted, signal, ask } = job;
  const held = await refusedIfBehind(job);
  const before = await ask("looking for staging tables", () => session.stagings(signal));
  if (!isAccepted) refuseStrangers(job, before);
  await history.recordLineage(held);
  let own: StagingTable | undefined;
  try {
    own = await ask("making the staging table", () => session.makeStaging(signal));
    if (!own) return;
    const stagings = await ask("looking for staging tables", () => session.stagings(signal));
    // Another copy may have opened at the same moment: at least one of the two sees the other here.
    const known = new Set(isAccepted ? before.map(({ name }) => name) : []);
    refuseStrangers(
      job,
      stagings.filter(({ name }) => !known.has(name)),
    );
    for (const { name } of stagings)
      if (name !== own.name) await ask(`dropping staging table ${name}`, () => session.dropStaging(name, signal));
    await refusedIfBehind(job);
  } catch (error) {
    // Ours: left behind it would look like that of a holder whom no state knows.
    if (own && isCode(error, "STATE_OUTDATED", "STATE_LOST"))
      await session.dropStaging(own.name, signal).catch(() => {});
    if (!isCode(error, "NOT_FOUND", "BAD_REQUEST")) throw error;
    // Where the table that was just made is missing, another opening has dropped it.
    const left = await ask("looking for staging tables", () => session.stagings(signal));
    if (left.length === 0 || left.some(({ lineage }) => lineage === history.lineage)) throw error;
    throw taken(job, "It opened the state at the same moment. Start again to see who has the job.", error);
  }
}

/**
 * Commits as long as the job is this process's. Where something is missing in the target, another process with a copy of the state
 * may have dropped this one's staging table.
 *
 * @throws MillraceError STATE_FENCED
 */
export async function commitWhileHeld(job: TakeOver, signal: AbortSignal, commit: () => Promise<void>): Promise<void> {
  try {
    await commit();
  } catch (error) {
    if (!signal.aborted && isCode(error, "NOT_FOUND")) await refuseIfTaken(job);
    throw error;
  }
}

/** Looks whether the target tells of another holder of the job. @throws MillraceError STATE_FENCED */
export async function refuseIfTaken(job: TakeOver): Promise<void> {
  const { session, history, isStaged, signal, ask } = job;
  try {
    await refusedIfBehind(job);
    const stagings = await ask("looking for staging tables", () => session.stagings(signal));
    refuseStrangers(job, stagings);
    // With commit mode `tag` there is none.
    if (isStaged && !stagings.some(({ lineage }) => lineage === history.lineage))
      throw taken(job, "Its staging table was dropped. Start again: the target will be asked what was committed.");
  } catch (error) {
    if (!isCode(error, "STATE_OUTDATED", "STATE_LOST")) throw error;
    throw taken(job, error.message, error);
  }
}

function taken({ table, history }: TakeOver, how: string, cause?: unknown): MillraceError {
  return new MillraceError(
    "STATE_FENCED",
    `Table ${table}: job ${nameOf(history.job)} was taken over by another process, so this one ends. ${how}`,
    { cause, context: { table, job: nameOf(history.job) } },
  );
}

/** Returns what the target holds. */
async function refusedIfBehind({ session, history, table, signal, ask }: TakeOver): Promise<readonly EpochRange[]> {
  const held = await ask("asking the target for its newest epoch", () => session.held(signal));
  refuseIfBehind(history, table, held);
  return held;
}

/**
 * A staging table that no opening of this state made is another holder's. Where one of this state's stands beside it, both opened at the
 * same moment or ended there: then the one with the greater lineage stays, so that one of the two can always go on.
 */
function refuseStrangers({ history, table }: TakeOver, stagings: readonly StagingTable[]): void {
  const isKnown = ({ job, generation, lineage }: StagingTable) =>
    job === history.job && history.knowsOpening(generation, lineage);
  const own = stagings.filter(isKnown).reduce((most, { lineage = "" }) => (lineage > most ? lineage : most), "");
  const stranger = stagings.find((each) => !isKnown(each) && own < each.lineage!);
  if (!stranger) return;
  const job = nameOf(history.job);
  const context = { table, job, staging: stranger.name, head: history.head.epoch };
  const whose = stranger.job === history.job ? "another copy of this state" : "another state of this job";
  throw new MillraceError(
    history.isNew ? "STATE_LOST" : "STATE_OUTDATED",
    `Table ${table}, job ${job}: ${whose} was opened by another process (staging table ${stranger.name}). Use that state, or another job's name. If the process and its state are gone for good, .drop table ${quoteName(stranger.name)} and start again: this state then goes on from its epoch ${history.head.epoch}. See docs/exactly-once.md, "Backups, copies and clones".`,
    { context },
  );
}
