import type { EpochRange, JobHistory } from "../checkpoint/epoch.ts";
import { isCode, MillraceError } from "../errors.ts";

/** The part of a job's `name.id` that the user gave. */
export function nameOf(job: string): string {
  return job.slice(0, job.lastIndexOf("."));
}

/** A job, its target, and what the user wants where the two disagree. */
export interface Agreement {
  readonly history: JobHistory;
  /** The target's name. */
  readonly table: string;
  readonly acceptDuplicates: boolean;
  /** Tells of something that a person should look at. */
  onWarning(epoch: number, message: string): void;
}

/**
 * For a target whose holder no other process can disturb: compares what it holds with the state, and stores the lineage. Where the
 * user accepts duplicates, epochs that the state does not know count as another state's from then on.
 *
 * @param held what the target holds of every job that has this one's name
 * @throws MillraceError STATE_OUTDATED, STATE_LOST when it holds epochs that the state does not know.
 */
export async function agree(agreement: Agreement, held: readonly EpochRange[]): Promise<void> {
  const { history, table, acceptDuplicates } = agreement;
  try {
    refuseIfBehind(history, table, held);
  } catch (error) {
    if (!acceptDuplicates || !isCode(error, "STATE_OUTDATED", "STATE_LOST")) throw error;
    await acceptHeld(agreement, held);
  }
  await history.recordLineage(held);
}

/** The state goes on beside what the target holds of others. */
export async function acceptHeld({ history, table, onWarning }: Agreement, held: readonly EpochRange[]): Promise<void> {
  const { job } = history;
  await history.acceptOthers(held);
  onWarning(
    history.head.epoch,
    `acceptDuplicates: the sink goes on behind epoch ${history.head.epoch} of its state, though another state of job ${nameOf(job)} wrote into table ${table}. Rows that the source gives again arrive twice. Delete other copies of the state: they are refused from now on.`,
  );
}

/** @throws MillraceError STATE_OUTDATED, STATE_LOST when the target holds epochs that the state does not know. */
export function refuseIfBehind(history: JobHistory, table: string, held: readonly EpochRange[]): void {
  const unknown = held.find((each) => !history.knowsEpochs(each));
  if (unknown) throw history.isNew ? lost(table, unknown) : behind(table, history, unknown);
}

function lost(table: string, { job, newest }: EpochRange): MillraceError {
  const name = nameOf(job);
  return new MillraceError(
    "STATE_LOST",
    `Table ${table} holds epochs of job ${name} that this state knows nothing of (up to epoch ${newest} of ${job}). Give the state that wrote them, or another job's name; acceptDuplicates: true goes on all the same, and rows that the source gives again arrive twice.`,
    { context: { table, job: name } },
  );
}

function behind(
  table: string,
  { job: own, head }: JobHistory,
  { job, lineage, oldest, newest }: EpochRange,
): MillraceError {
  const name = nameOf(own);
  const holds = oldest === newest ? `epoch ${newest}` : `epochs ${oldest} to ${newest}`;
  const of = job === own ? `${lineage ? ` of lineage ${lineage}` : ""}` : ` of another state of this job (${job})`;
  const isAhead = job === own && newest > head.epoch;
  const state = `this state ends at epoch ${head.epoch}${isAhead ? "" : " and did not decide on them"}`;
  return new MillraceError(
    "STATE_OUTDATED",
    `Table ${table} is ahead of the state of job ${name}: it holds ${holds}${of}, and ${state}. The state was restored from a backup, or another copy of it was used since. Nothing was changed. Start with the newest copy; without one see docs/exactly-once.md, "Backups, copies and clones".`,
    { context: { table, job: name, head: head.epoch, newest } },
  );
}
