import type { EpochHandle } from "../../../checkpoint/epoch.ts";
import { type RetryClock, systemClock, withRetries } from "../../../deliver/backoff.ts";
import { acceptHeld } from "../../../deliver/held-epochs.ts";
import { inOrder } from "../../../deliver/turns.ts";
import { unlessAborted } from "../../../deliver/unless-aborted.ts";
import type { CommitHooks, EpochCommitter, EpochContext } from "../../../destination/destination.ts";
import { isCode } from "../../../errors.ts";
import type { CommitMode, Ingestion } from "../ingestion-options.ts";
import type { CommitPolicy } from "./commit-policy.ts";
import type { EpochSession, SessionContext } from "./epoch-session.ts";
import { kustoEpoch } from "./kusto-epoch.ts";
import { commitStaged } from "./staged.ts";
import { commitTagged } from "./tagged.ts";
import { commitWhileHeld, refuseIfTaken, type TakeOver, takeOver } from "./take-over.ts";

export type CommitOptions = Pick<Ingestion, "commitMode" | "pollIntervalMs" | "attemptTimeoutMs" | "blobBytesLimit">;

/** What tests replace. */
export interface CommitterBounds {
  /** Attempts per epoch and process, before the sink fails. */
  readonly mostAttempts: number;
  readonly clock: RetryClock;
}

/**
 * Takes the job over, and commits its epochs: by way of staging, or under tags that the service looks for.
 *
 * @param connect opens a session of this opening of the job. Called again where the user accepts duplicates.
 * @throws MillraceError STATE_OUTDATED, STATE_LOST
 */
export async function openCommitter(
  connect: (context: SessionContext) => Promise<EpochSession>,
  context: EpochContext,
  { commitMode, pollIntervalMs, attemptTimeoutMs, blobBytesLimit }: CommitOptions,
  { mostAttempts, clock }: CommitterBounds = { mostAttempts: 20, clock: systemClock },
): Promise<EpochCommitter> {
  const { table, retries } = context;
  const policy: CommitPolicy = { ...retries, pollIntervalMs, attemptTimeoutMs, blobBytesLimit, mostAttempts, clock };
  const held = await takenOver(connect, context, commitMode, clock);
  /** Epochs claim their numbers one after another. */
  const inTurn = inOrder();

  function commitTo(handle: EpochHandle, signal: AbortSignal, hooks: CommitHooks): Promise<void> {
    const epoch = kustoEpoch(handle, table.name);
    if (commitMode !== "tag") return commitStaged(epoch, held.session, policy, signal, hooks);
    return inTurn((turn) => commitTagged(epoch, held.session, policy, signal, hooks, turn, () => refuseIfTaken(held)));
  }

  return {
    commit: (epoch, signal, hooks) => commitWhileHeld(held, signal, () => commitTo(epoch, signal, hooks)),
    tagOf: (epoch) => kustoEpoch(epoch, table.name).tag,
    close: (isDone) => held.session.close(isDone),
  };
}

/** A session of the only process that can commit epochs of this job. */
async function takenOver(
  connect: (context: SessionContext) => Promise<EpochSession>,
  context: EpochContext,
  commitMode: CommitMode,
  clock: RetryClock,
): Promise<TakeOver> {
  const { history, table, generation, acceptDuplicates, signal, retries } = context;
  const ask = <T>(doing: string, act: () => Promise<T>) =>
    withRetries(
      doing,
      retries,
      signal,
      () => unlessAborted(act(), signal, doing),
      (retry) => retries.onRetry(doing, retry),
      clock,
    );
  for (let isAccepted = false; ; isAccepted = true) {
    const { job, lineage } = history;
    const session = await connect({ ...context, commitMode, job, generation, lineage });
    const isStaged = commitMode !== "tag";
    const taking: TakeOver = { session, history, table: table.name, isAccepted, isStaged, signal, ask };
    try {
      await takeOver(taking);
      return taking;
    } catch (error) {
      try {
        if (!isCode(error, "STATE_OUTDATED", "STATE_LOST") || !acceptDuplicates || isAccepted) throw error;
        const others = await ask("asking the target for its newest epoch", () => session.held(signal));
        await acceptHeld({ ...context, table: table.name }, others);
      } finally {
        await session.close(false);
      }
    }
  }
}
