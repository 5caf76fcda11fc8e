import type { EpochHandle, RefusedRows } from "../checkpoint/epoch.ts";
import type { Arrived, EpochSession } from "../destination/destination.ts";
import { MillraceError } from "../errors.ts";
import type { LoggedBatch } from "../log/write-ahead-log.ts";
import { attemptBatch, attemptId, rowsLeft } from "./attempt.ts";
import { type Retry, type RetryClock, type RetryPolicy, withRetries } from "./backoff.ts";
import { findRefusedRows } from "./poison.ts";
import { unlessAborted } from "./unless-aborted.ts";

export interface CommitPolicy extends RetryPolicy {
  /** The longest pause between two looks at what has arrived. */
  readonly pollIntervalMs: number;
  /** An attempt of which not all has arrived by then is given up for the next. */
  readonly attemptTimeoutMs: number;
  /** Attempts per epoch and process, before the sink fails. The epoch stays in the state. */
  readonly mostAttempts: number;
  /** The time, and chance: replaced in tests. */
  readonly clock: RetryClock;
}

export interface CommitHooks {
  onRetry(epoch: number, what: string, retry: Retry): void;
  /** An attempt was given up. */
  onAttemptAbandoned(epoch: number, attempt: number, reason: string): void;
  /** Rows that the service refuses: they go to the dead letter, and what throws here ends the sink. */
  onRowsRefused(epoch: EpochHandle, found: RefusedRows): Promise<void>;
  /** Something that a person should look at, and that loses nothing. */
  onWarning(epoch: number, message: string): void;
}

const uploadsAtOnce = 4;
const firstPollMs = 50;

/**
 * Brings an epoch into the target by way of staging: modes `move` and `append`. It may begin in any state that an earlier
 * process has left; the rules are those of docs/exactly-once.md.
 *
 * - An attempt has a tag of its own and is given up when in doubt: what comes of it later stays in staging.
 * - Only named extents are committed, when they hold every batch exactly once.
 * - What an older generation submitted lies in a staging table that `openEpochs` has dropped, so whether it was committed
 *   is asked of the target, once and for all.
 */
export async function commitStaged(
  epoch: EpochHandle,
  session: EpochSession,
  policy: CommitPolicy,
  signal: AbortSignal,
  hooks: CommitHooks,
): Promise<void> {
  const { prepared, generation } = epoch;
  const number = prepared.epoch;
  let attempts = 0;
  let moveFailures = 0;

  for (;;) {
    const { progress } = epoch;
    if (progress.state === "COMMITTED") return;
    if (progress.state === "PREPARED") {
      await next(0);
      continue;
    }
    if (progress.generation !== generation) {
      await afterTakeover(progress.attempt);
      continue;
    }
    if (progress.state === "SUBMITTED") await land(progress.attempt);
    else if (progress.state === "LANDED") await epoch.advance({ ...progress, state: "MOVING" });
    else await move(progress.attempt, progress.extents);
  }

  /** Begins the attempt behind `attempt`. */
  async function next(attempt: number, refused?: RefusedRows): Promise<void> {
    if (rowsLeft(prepared, refused ?? epoch.refused) === 0) {
      // The service refuses all of it: there is nothing to commit, and no tag to look for.
      if (refused) await epoch.advance({ state: "SUBMITTED", attempt: attempt + 1, generation }, refused);
      await epoch.advance({ state: "COMMITTED", attempt: attempt + (refused ? 1 : 0) });
      return;
    }
    if (++attempts > policy.mostAttempts)
      throw new MillraceError(
        "INGESTION_FAILED",
        `Epoch ${number} did not arrive as it should in ${policy.mostAttempts} attempts. It is kept in the state and will be tried again by the next start.`,
        { retryable: true, context: { epoch: number } },
      );
    await epoch.advance({ state: "SUBMITTED", attempt: attempt + 1, generation }, refused);
  }

  async function afterTakeover(attempt: number): Promise<void> {
    if (await asked("asking whether it is committed", () => session.isCommitted(epoch.tagPrefix, signal)))
      await epoch.advance({ state: "COMMITTED", attempt });
    else await next(attempt);
  }

  async function land(attempt: number): Promise<void> {
    const tag = tagOf(attempt);
    const sent = await submitAll(tag);
    const arrived = await awaitArrival(tag, sent);
    const extents = exactCover(sent, arrived);
    if (extents) return epoch.advance({ state: "LANDED", attempt, generation, extents });
    const poisoned = arrived.failures.filter((failure) => !failure.retryable);
    hooks.onAttemptAbandoned(number, attempt, reasonIn(sent, arrived));
    await asked("removing what came of an attempt", () => session.discard(tag, signal));
    if (poisoned.length === 0) return next(attempt);
    const batches = poisoned.map(({ id, errorCode, details }) => ({
      batch: sent.find((blob) => blob.id === id)!.batch,
      reason: `${errorCode}: ${details}`,
    }));
    const found = await findRefusedRows(epoch, batches, { session, policy, signal, tag, ask: asked });
    await hooks.onRowsRefused(epoch, found);
    return next(attempt, { ...epoch.refused, ...merged(epoch.refused, found) });
  }

  /** Uploads and announces every batch. */
  async function submitAll(tag: string): Promise<Sent[]> {
    const sent: Sent[] = [];
    const left = [...prepared.batches.entries()];
    async function work(): Promise<void> {
      for (let entry = left.shift(); entry; entry = left.shift()) {
        const [index, batch] = entry;
        const blob: Sent = { id: attemptId(tag, batch.id), tag: `${tag}/${index}`, batch, rows: 0 };
        const sealed = await attemptBatch(epoch, batch, blob.id);
        if (sealed.rows === 0) continue;
        const staged = await asked(`uploading batch ${batch.id}`, () => session.stage(sealed, signal));
        await asked(`announcing batch ${batch.id}`, () => session.submit(staged, [tag, blob.tag], signal));
        sent.push({ ...blob, rows: sealed.rows });
      }
    }
    await Promise.all(Array.from({ length: uploadsAtOnce }, work));
    return sent;
  }

  /** Looks until every batch is there, or one has failed, or the attempt's time is over. */
  async function awaitArrival(tag: string, sent: readonly Sent[]): Promise<Arrived> {
    const ids = sent.map(({ id }) => id);
    const deadline = policy.clock.now() + policy.attemptTimeoutMs;
    for (let pause = firstPollMs; ; pause = Math.min(pause * 2, policy.pollIntervalMs)) {
      const arrived = await asked("looking at what has arrived", () => session.arrived(tag, ids, signal));
      if (arrived.failures.length > 0 || exactCover(sent, arrived)) return arrived;
      if (policy.clock.now() > deadline) return arrived;
      await policy.clock.sleep(pause, signal, `waiting for epoch ${number}`);
    }
  }

  /** From MOVING there is no way back before the target has been asked: the move may have been done. */
  async function move(attempt: number, extents: readonly string[]): Promise<void> {
    let isGone = false;
    try {
      await unlessAborted(session.commit(tagOf(attempt), extents, signal), signal, `committing epoch ${number}`);
    } catch (error) {
      if (signal.aborted || !(error instanceof MillraceError)) throw error;
      isGone = error.code === "NOT_FOUND";
      const isThere = await asked("asking whether it is committed", () => session.isCommitted(epoch.tagPrefix, signal));
      if (!isThere && !isGone) {
        if (!error.retryable) throw error;
        await pauseBehind(error);
        return; // MOVING still: the same extents again
      }
      if (!isThere)
        hooks.onWarning(
          number,
          `The extents of epoch ${number} are gone from staging and no extent of the target bears its tag. Only a move takes them away, so it counts as committed; a tag retention policy shorter than an outage would explain it.`,
        );
    }
    await epoch.advance({ state: "COMMITTED", attempt });
    // What the service loaded twice stayed behind; it harms nobody, and the next generation drops it in any case.
    await session.discard(tagOf(attempt), signal).catch(() => {});
  }

  function pauseBehind(error: MillraceError): Promise<void> {
    if (++moveFailures > policy.mostAttempts * 10) throw error;
    const delayMs =
      (error.retryAfterMs ?? 0) +
      policy.clock.random() * Math.min(policy.retryMaxMs, policy.retryBaseMs * 2 ** Math.min(moveFailures, 20));
    hooks.onRetry(number, "committing", { attempt: moveFailures, delayMs, error });
    return policy.clock.sleep(delayMs, signal, `committing epoch ${number}`);
  }

  function tagOf(attempt: number): string {
    return `${epoch.tagPrefix}${attempt}`;
  }

  function asked<T>(what: string, act: () => Promise<T>): Promise<T> {
    const doing = `epoch ${number}: ${what}`;
    const attempt = () => unlessAborted(act(), signal, doing);
    return withRetries(doing, policy, signal, attempt, (retry) => hooks.onRetry(number, what, retry), policy.clock);
  }
}

/** A batch on its way in one attempt. */
interface Sent {
  readonly id: string;
  /** On its own extents and no other's. */
  readonly tag: string;
  readonly batch: LoggedBatch;
  readonly rows: number;
}

/**
 * Extents that hold every batch exactly once; undefined where there are none (yet). Each batch has a tag of its own, for
 * the sum of the rows does not tell: one batch twice and another of its length not at all come to the same sum. What the
 * service loaded twice into two extents is no matter, for only one of them is named.
 */
function exactCover(sent: readonly Sent[], { extents }: Arrived): string[] | undefined {
  const cover: string[] = [];
  for (const { tag, rows } of sent) {
    const own = extents.filter(({ tags }) => tags.includes(tag));
    const whole = own.find((extent) => extent.rows === rows);
    if (whole) cover.push(whole.id);
    else if (own.reduce((sum, extent) => sum + extent.rows, 0) === rows) cover.push(...own.map(({ id }) => id));
    else return undefined;
  }
  return cover;
}

function reasonIn(sent: readonly Sent[], { extents, failures }: Arrived): string {
  if (failures[0]) return `${failures[0].errorCode}: ${failures[0].details}`;
  const rows = extents.reduce((sum, extent) => sum + extent.rows, 0);
  return `${rows} rows in ${extents.length} extents, of ${sent.reduce((sum, blob) => sum + blob.rows, 0)} rows in ${sent.length} batches`;
}

function merged(before: RefusedRows, found: RefusedRows): RefusedRows {
  return Object.fromEntries(Object.entries(found).map(([id, rows]) => [id, [...(before[id] ?? []), ...rows]]));
}
