import type { RefusedRows } from "../../../checkpoint/epoch.ts";
import { withRetries } from "../../../deliver/backoff.ts";
import { allRefused, asLogged, someRows } from "../../../deliver/logged-batch.ts";
import type { Turn } from "../../../deliver/turns.ts";
import { unlessAborted } from "../../../deliver/unless-aborted.ts";
import type { CommitHooks } from "../../../destination/destination.ts";
import { MillraceError } from "../../../errors.ts";
import type { LoggedBatch } from "../../../log/write-ahead-log.ts";
import { attemptId } from "./blobs.ts";
import type { CommitPolicy } from "./commit-policy.ts";
import type { EpochSession } from "./epoch-session.ts";
import { attemptOf, type KustoEpoch } from "./kusto-epoch.ts";
import { isInTarget } from "./ownership.ts";
import { patienceMs } from "./staged.ts";

/** Rows of one batch, from the first to before the last. */
interface Stretch {
  readonly batch: LoggedBatch;
  readonly from: number;
  readonly to: number;
}

const batchesAtOnce = 4;

/**
 * Sends an epoch straight into the target: mode `tag`. Every batch has one tag for ever, and the service loads no second blob under a
 * tag that an extent bears. A batch whose tag is in the target is done, whoever sent it; so there is nothing to take back, and an
 * attempt only sends again what is missing.
 *
 * The first batch also claims the epoch's number, by a tag that the service looks for as well, and nothing else of the epoch is sent
 * before it is there. So where two processes work with copies of one state, one of them gets no row of its epoch in, and ends.
 *
 * A batch that the service refuses for good goes as two halves, each under a tag of its own, and so on to single rows.
 * The halves follow from the batch, so a restart finds the tags of those that have arrived.
 */
export async function commitTagged(
  epoch: KustoEpoch,
  session: EpochSession,
  policy: CommitPolicy,
  signal: AbortSignal,
  hooks: CommitHooks,
  turn: Turn,
  refuseIfTaken: () => Promise<void>,
): Promise<void> {
  const { prepared, generation } = epoch;
  const number = prepared.epoch;
  const before = attemptOf(epoch.progress);
  let isClaimed = false;
  let timeouts = 0;
  /** Not stored before the end: after a restart the halves lead to the same rows. */
  let refused: RefusedRows = {};
  let missing: Stretch[] = prepared.batches.map((batch) => ({ batch, from: 0, to: batch.rows }));
  await unlessAborted(turn.before, signal, `epoch ${number}: waiting for the epoch before it`);
  for (let attempt = before + 1; missing.length > 0; attempt++) {
    if (attempt > before + policy.mostAttempts)
      throw new MillraceError(
        "INGESTION_FAILED",
        `Epoch ${number}: ${missing.length} batches did not arrive in ${policy.mostAttempts} attempts. The epoch is kept in the state and will be tried again by the next start.`,
        { retryable: true, context: { epoch: number } },
      );
    await epoch.advance({ step: "SUBMITTED", attempt, generation });
    missing = await sendAll(missing);
    if (missing.length === 0) break;
    timeouts++;
    hooks.onAttemptAbandoned(number, attempt, `${missing.length} batches have not arrived`);
  }
  turn.done();
  const isSound = Object.keys(refused).length === 0;
  await epoch.advance({ step: "COMMITTED" }, isSound ? undefined : refused);

  /** Returns what has not arrived. */
  async function sendAll(stretches: readonly Stretch[]): Promise<Stretch[]> {
    const left = [...stretches];
    const late: Stretch[] = [];
    while (!(await hasClaim())) {
      const stretch = left.shift();
      if (!stretch) return late;
      const missed = await send(stretch);
      // Whether it has taken the number is not known: nothing else may be sent.
      if (missed.length > 0 && !(await hasClaim())) return [...late, ...missed, ...left];
      late.push(...missed);
    }
    async function work(): Promise<void> {
      for (let stretch = left.shift(); stretch; stretch = left.shift()) late.push(...(await send(stretch)));
    }
    await Promise.all(Array.from({ length: batchesAtOnce }, work));
    return late;
  }

  /** The epoch's number is this epoch's. @throws MillraceError STATE_FENCED when it is another's. */
  async function hasClaim(): Promise<boolean> {
    if (isClaimed) return true;
    await refuseIfTaken();
    isClaimed = await asked("asking who has its number", () => isInTarget(epoch, session, signal));
    if (isClaimed) turn.done();
    return isClaimed;
  }

  async function send(stretch: Stretch): Promise<Stretch[]> {
    const { batch, from, to } = stretch;
    const isWhole = from === 0 && to === batch.rows;
    const tag = `${epoch.tag}/${batch.id}${isWhole ? "" : `/${from}-${to}`}`;
    if ((await arrived(tag, [])).extents.length > 0) return [];
    const id = attemptId(tag, `${attemptOf(epoch.progress)}`);
    const content = isWhole
      ? await asLogged(epoch, batch)
      : await someRows(epoch, batch, (row) => row >= from && row < to);
    const { rows, rawBytes, packedBytes } = content;
    const blob = { id, tag: `ingest-by:${tag}`, batches: [batch], rows, rawBytes, packedBytes };
    const begun = policy.clock.now();
    const staged = await asked(`uploading batch ${batch.id}`, () => session.stage({ ...content, id }, signal));
    const stored = policy.clock.now();
    hooks.onStaged?.(number, blob, stored - begun);
    const claims = isClaimed ? [] : [epoch.claim, ...(epoch.firstClaim ? [epoch.firstClaim] : [])];
    const tags = [tag, ...claims];
    await asked(`announcing batch ${batch.id}`, () => session.submit(staged, tags, signal));
    hooks.onTaken?.(number, blob, policy.clock.now() - stored);
    const deadline = policy.clock.now() + patienceMs(policy, timeouts);
    for (let pause = 50; ; pause = Math.min(pause * 2, policy.pollIntervalMs)) {
      const { extents, failures } = await arrived(tag, [id]);
      if (extents.length > 0) return [];
      const poison = failures.find((failure) => !failure.retryable);
      if (poison) return halves(stretch, `${poison.errorCode}: ${poison.details}`);
      if (failures.length > 0 || policy.clock.now() > deadline) return [stretch];
      // The service skips it where another process has the number.
      if (!isClaimed) await hasClaim();
      await policy.clock.sleep(pause, signal, `waiting for epoch ${number}`);
    }
  }

  async function halves({ batch, from, to }: Stretch, reason: string): Promise<Stretch[]> {
    if (to - from > 1) {
      const middle = (from + to) >> 1;
      const first = await send({ batch, from, to: middle });
      // As long as the number is nobody's, pieces go one by one.
      if (first.length > 0 && !(await hasClaim())) return [...first, { batch, from: middle, to }];
      await hasClaim();
      return [...first, ...(await send({ batch, from: middle, to }))];
    }
    const found: RefusedRows = { [batch.id]: [{ row: from, reason }] };
    await hooks.onRowsRefused(epoch, found);
    refused = allRefused(refused, found);
    return [];
  }

  function arrived(tag: string, ids: readonly string[]) {
    return asked("looking for a batch", () => session.arrived(tag, ids, signal));
  }

  function asked<T>(what: string, act: () => Promise<T>): Promise<T> {
    const doing = `epoch ${number}: ${what}`;
    const attempt = () => unlessAborted(act(), signal, doing);
    return withRetries(doing, policy, signal, attempt, (retry) => hooks.onRetry(number, what, retry), policy.clock);
  }
}
