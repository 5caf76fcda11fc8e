import type { RefusedRows } from "../../../checkpoint/epoch.ts";
import { withRetries } from "../../../deliver/backoff.ts";
import { allRefused, rowsLeft } from "../../../deliver/logged-batch.ts";
import { unlessAborted } from "../../../deliver/unless-aborted.ts";
import type { CommitHooks } from "../../../destination/destination.ts";
import { MillraceError } from "../../../errors.ts";
import { attemptBlob, blobsOf, type Sent } from "./blobs.ts";
import type { CommitPolicy } from "./commit-policy.ts";
import type { Arrived, EpochSession, StagedExtent } from "./epoch-session.ts";
import type { KustoEpoch } from "./kusto-epoch.ts";
import { isInTarget } from "./ownership.ts";
import { findRefusedRows } from "./poison.ts";

const uploadsAtOnce = 4;
const firstPollMs = 50;
/** How often the target is asked where staging leaves it open whether an epoch was moved. */
const looksInDoubt = 10;

/**
 * Commits an epoch by way of staging: modes `move` and `append`. It may begin in any state that an earlier process has left; the
 * rules are those of docs/exactly-once.md.
 *
 * - Every copy of a blob has a tag of its own. A copy that comes late counts as long as its blob is awaited; a second one stays in
 *   staging.
 * - Only named extents are committed, when they hold every blob exactly once.
 * - The target is asked right before the commit. What an older generation submitted lies in a staging table that `takeOver` has
 *   dropped.
 */
export async function commitStaged(
  epoch: KustoEpoch,
  session: EpochSession,
  policy: CommitPolicy,
  signal: AbortSignal,
  hooks: CommitHooks,
): Promise<void> {
  const { prepared, generation } = epoch;
  const number = prepared.epoch;
  let attempts = 0;
  let moveFailures = 0;
  /**
   * An earlier process may have begun to commit it. Otherwise nobody has: then the question before the commit waits for no command that is
   * under way, which may well be that of this sink's own epoch before.
   */
  const isInherited = epoch.progress.step !== "PREPARED";
  /** Copies that may still arrive, by blob. Begun anew when rows are left out, for the blobs are others then. */
  let copies: Sent[][] = [];
  /** Which blobs the next attempt sends; undefined: all. */
  let unsent: ReadonlySet<number> | undefined;
  /** Attempts whose time was over: each gives the next one twice as long. */
  let timeouts = 0;

  for (;;) {
    const { progress } = epoch;
    if (progress.step === "COMMITTED") return;
    if (progress.step === "PREPARED") {
      await next(0);
      continue;
    }
    if (progress.generation !== generation) {
      await afterTakeover(progress.attempt);
      continue;
    }
    if (progress.step === "SUBMITTED") await land(progress.attempt);
    else if (progress.step !== "LANDED") await move(progress.attempt, progress.extents);
    else if (await isThere(!isInherited)) await epoch.advance({ step: "COMMITTED" });
    else await epoch.advance({ ...progress, step: "MOVING" });
  }

  /** Begins the attempt behind `attempt`. */
  async function next(attempt: number, refused?: RefusedRows): Promise<void> {
    if (rowsLeft(prepared, refused ?? epoch.refused) === 0) {
      // The service refuses all of it: there is nothing to commit, and no tag to look for.
      if (refused) await epoch.advance({ step: "SUBMITTED", attempt: attempt + 1, generation }, refused);
      await epoch.advance({ step: "COMMITTED" });
      return;
    }
    if (++attempts > policy.mostAttempts)
      throw new MillraceError(
        "INGESTION_FAILED",
        `Epoch ${number} did not arrive as it should in ${policy.mostAttempts} attempts. It is kept in the state and will be tried again by the next start.`,
        { retryable: true, context: { epoch: number } },
      );
    await epoch.advance({ step: "SUBMITTED", attempt: attempt + 1, generation }, refused);
  }

  async function afterTakeover(attempt: number): Promise<void> {
    if (await isThere()) await epoch.advance({ step: "COMMITTED" });
    else await next(attempt);
  }

  function isThere(isPrompt = false): Promise<boolean> {
    return asked("asking whether it is committed", () => isInTarget(epoch, session, signal, isPrompt));
  }

  async function land(attempt: number): Promise<void> {
    const tag = tagOf(attempt);
    await submit(tag);
    const arrived = await awaitArrival();
    const extents = coverOf(copies, arrived);
    if (extents) return epoch.advance({ step: "LANDED", attempt, generation, extents });
    hooks.onAttemptAbandoned(number, attempt, reasonIn(copies, arrived));
    const poisoned = arrived.failures.filter((failure) => !failure.retryable);
    if (poisoned.length === 0) {
      const failed = new Set(arrived.failures.map(({ id }) => id));
      if (failed.size === 0) timeouts++;
      else await policy.clock.sleep(pauseMs(attempts), signal, `epoch ${number}`);
      // Behind a failure only what failed: the copies of the others are still on their way.
      const isDue = (index: number) => failed.size === 0 || copies[index]!.some(({ id }) => failed.has(id));
      unsent = new Set(missingBlobs(copies, arrived).filter(isDue));
      copies = copies.map((each) => each.filter(({ id }) => !failed.has(id)));
      return next(attempt);
    }
    const blobs = poisoned.map(({ id, errorCode, details }) => ({
      batches: copies.flat().find((blob) => blob.id === id)!.batches,
      reason: `${errorCode}: ${details}`,
    }));
    await beginAnew();
    const waitMs = patienceMs(policy, timeouts);
    const found = await findRefusedRows(epoch, blobs, { session, policy, signal, patienceMs: waitMs, tag, ask: asked });
    if (Object.keys(found).length === 0) timeouts++; // none was judged in time
    await hooks.onRowsRefused(epoch, found);
    return next(attempt, allRefused(epoch.refused, found));
  }

  /** What has come of the attempts so far goes; the next one sends everything. */
  async function beginAnew(): Promise<void> {
    await asked("removing what came of an attempt", () => session.discard(epoch.tag, signal));
    copies = [];
    unsent = undefined;
  }

  /** Uploads and announces every blob that the attempt has to send. */
  async function submit(tag: string): Promise<void> {
    const left: Sent[] = [];
    for (const [index, blob] of blobsOf(prepared, epoch.refused, tag, policy.blobBytesLimit).entries()) {
      if (unsent && !unsent.has(index)) continue;
      left.push(blob);
      copies[index] = [...(copies[index] ?? []), blob];
    }
    async function work(): Promise<void> {
      for (let blob = left.shift(); blob; blob = left.shift()) {
        const { id, tag: own } = blob;
        const sealed = await attemptBlob(epoch, blob);
        const { rawBytes, packedBytes } = sealed;
        const begun = policy.clock.now();
        const staged = await asked(`uploading blob ${id}`, () => session.stage(sealed, signal));
        const stored = policy.clock.now();
        hooks.onStaged?.(number, { ...blob, rawBytes, packedBytes }, stored - begun);
        await asked(`announcing blob ${id}`, () => session.submit(staged, [epoch.tag, own], signal));
        hooks.onTaken?.(number, { ...blob, rawBytes, packedBytes }, policy.clock.now() - stored);
      }
    }
    await Promise.all(Array.from({ length: uploadsAtOnce }, work));
  }

  /** Looks until every blob is there, or one has failed, or no further blob has arrived for as long as an attempt may take. */
  async function awaitArrival(): Promise<Arrived> {
    const ids = copies.flat().map(({ id }) => id);
    const patience = patienceMs(policy, timeouts);
    let deadline = policy.clock.now() + patience;
    let leastMissing = copies.length;
    for (let pause = firstPollMs; ; pause = Math.min(pause * 2, policy.pollIntervalMs)) {
      const arrived = await asked("looking at what has arrived", () => session.arrived(epoch.tag, ids, signal));
      if (arrived.failures.length > 0 || coverOf(copies, arrived)) return arrived;
      const missing = missingBlobs(copies, arrived).length;
      // A slow service is no dead one: to send again what it is about to load would make it slower.
      if (missing < leastMissing) deadline = policy.clock.now() + patience;
      leastMissing = Math.min(leastMissing, missing);
      if (policy.clock.now() > deadline) return arrived;
      await policy.clock.sleep(pause, signal, `waiting for epoch ${number}`);
    }
  }

  /** From MOVING there is no way back before the target has been asked: the move may have been done. */
  async function move(attempt: number, extents: readonly string[]): Promise<void> {
    const tag = tagOf(attempt);
    try {
      const rows = rowsLeft(prepared, epoch.refused);
      await unlessAborted(session.commit(tag, extents, rows, signal), signal, `committing epoch ${number}`);
    } catch (error) {
      if (signal.aborted || !(error instanceof MillraceError)) throw error;
      if (!(await isThere())) {
        if (error.code !== "NOT_FOUND") {
          if (!error.retryable) throw error;
          await pauseBehind(error);
          return; // MOVING still: the same extents again
        }
        if (await isUnmoved(extents)) {
          hooks.onAttemptAbandoned(number, attempt, "its extents are in staging no more as they landed");
          await beginAnew();
          return next(attempt);
        }
      }
    }
    await epoch.advance({ step: "COMMITTED" });
    // What the service loaded twice stayed behind; it harms nobody, and the next generation drops it in any case.
    await session.discard(epoch.tag, signal).catch(() => {});
  }

  /**
   * Some of the extents are not in staging, and the target does not tell of the epoch. All or none are moved, so one that is
   * still there says that none was. Where all are gone and the batches are there under other ids, the service may have
   * merged them, or moved them and loaded all of them twice: the target is asked for a while.
   */
  async function isUnmoved(extents: readonly string[]): Promise<boolean> {
    const left = await asked("looking at what is left in staging", () => session.arrived(epoch.tag, [], signal));
    if (left.extents.some(({ id }) => extents.includes(id))) return true;
    if (coverOf(copies, left)) {
      for (let look = 0; look < looksInDoubt; look++) {
        await policy.clock.sleep(policy.pollIntervalMs, signal, `asking for epoch ${number}`);
        if (await isThere()) return false;
      }
      return true;
    }
    hooks.onWarning(
      number,
      `The extents of epoch ${number} are gone from staging and no extent of the target bears its tag. Only a move takes them away, so it counts as committed; a tag retention policy shorter than an outage would explain it.`,
    );
    return false;
  }

  function pauseBehind(error: MillraceError): Promise<void> {
    if (++moveFailures > policy.mostAttempts * 10) throw error;
    const delayMs = (error.retryAfterMs ?? 0) + pauseMs(moveFailures);
    hooks.onRetry(number, "committing", { attempt: moveFailures, delayMs, error });
    return policy.clock.sleep(delayMs, signal, `committing epoch ${number}`);
  }

  function pauseMs(failures: number): number {
    return policy.clock.random() * Math.min(policy.retryMaxMs, policy.retryBaseMs * 2 ** Math.min(failures, 20));
  }

  function tagOf(attempt: number): string {
    return `${epoch.tag}/${attempt}`;
  }

  function asked<T>(what: string, act: () => Promise<T>): Promise<T> {
    const doing = `epoch ${number}: ${what}`;
    const attempt = () => unlessAborted(act(), signal, doing);
    return withRetries(doing, policy, signal, attempt, (retry) => hooks.onRetry(number, what, retry), policy.clock);
  }
}

/** Longer than this no attempt takes: the service tries a blob for 48 hours itself. */
const mostPatienceMs = 48 * 3_600_000;

/** How long an attempt may take behind so many whose time was over: what is slower than one timeout is met by a later one. */
export function patienceMs({ attemptTimeoutMs }: CommitPolicy, timeouts: number): number {
  return Math.min(attemptTimeoutMs * 2 ** Math.min(timeouts, 30), Math.max(attemptTimeoutMs, mostPatienceMs));
}

/** Blobs of which no copy lies in an extent of its own. */
function missingBlobs(copies: readonly (readonly Sent[])[], { extents }: Arrived): number[] {
  return copies.flatMap((each, index) => (wholeExtent(each, extents, copies) ? [] : [index]));
}

/** An extent that holds a copy of the blob and nothing else. */
function wholeExtent(
  of: readonly Sent[],
  extents: readonly StagedExtent[],
  copies: readonly (readonly Sent[])[],
): StagedExtent | undefined {
  const known = new Set(copies.flat().map(({ tag }) => tag));
  return extents.find(({ rows, tags }) => {
    const [tag, ...others] = tags.filter((each) => known.has(each));
    return others.length === 0 && of.some((copy) => copy.tag === tag && copy.rows === rows);
  });
}

/**
 * Extents that hold every blob exactly once, whichever of its copies; undefined where there are none (yet). Where the service
 * merged extents, only the copies of one attempt are looked at.
 */
function coverOf(copies: readonly (readonly Sent[])[], arrived: Arrived): string[] | undefined {
  const wholes = copies.map((each) => wholeExtent(each, arrived.extents, copies)?.id);
  if (copies.length > 0 && wholes.every((id) => id !== undefined)) return wholes as string[];
  const mostCopies = Math.max(0, ...copies.map((each) => each.length));
  for (let nth = 0; nth < mostCopies; nth++) {
    const sent = copies.flatMap((each) => each.slice(nth, nth + 1));
    const cover = sent.length === copies.length ? exactCover(sent, arrived) : undefined;
    if (cover) return cover;
  }
  return undefined;
}

/**
 * Extents that hold every blob exactly once; undefined where there are none (yet). Each blob has a tag of its own, for
 * the sum of the rows does not tell: one blob twice and another of its length not at all come to the same sum. What the
 * service loaded twice into two extents is no matter, for only one of them is named.
 */
export function exactCover(sent: readonly Sent[], { extents }: Arrived): string[] | undefined {
  const blobOf = new Map(sent.map((each) => [each.tag, each]));
  const bearing = new Map<Sent, StagedExtent[]>(sent.map((each) => [each, []]));
  const held = new Map<StagedExtent, Sent[]>();
  for (const extent of extents) {
    const blobs = extent.tags.flatMap((tag) => blobOf.get(tag) ?? []);
    held.set(extent, blobs);
    for (const blob of blobs) bearing.get(blob)!.push(extent);
  }
  const cover = new Set<string>();
  for (const blob of sent) {
    const own = bearing.get(blob)!;
    const isMerged = own.some((extent) => held.get(extent)!.length > 1);
    const whole = isMerged ? undefined : own.find((extent) => extent.rows === blob.rows);
    const named = whole ? [whole] : together(blob, bearing, held);
    if (!named) return undefined;
    for (const { id } of named) cover.add(id);
  }
  return [...cover];
}

/**
 * All extents that have to do with a blob, and with those that lie in one extent with it, merged by the service; where
 * their rows are just those of the blobs. Each blob that a tag tells of is in there once at least, so an equal sum means
 * once.
 */
function together(
  first: Sent,
  bearing: ReadonlyMap<Sent, readonly StagedExtent[]>,
  held: ReadonlyMap<StagedExtent, readonly Sent[]>,
): StagedExtent[] | undefined {
  const blobs = new Set([first]);
  const extents = new Set<StagedExtent>();
  // Both sets grow while they are gone through.
  for (const blob of blobs)
    for (const extent of bearing.get(blob)!) {
      extents.add(extent);
      for (const other of held.get(extent)!) blobs.add(other);
    }
  let left = 0;
  for (const { rows } of blobs) left += rows;
  for (const { rows } of extents) left -= rows;
  return left === 0 ? [...extents] : undefined;
}

function reasonIn(copies: readonly (readonly Sent[])[], { extents, failures }: Arrived): string {
  if (failures[0]) return `${failures[0].errorCode}: ${failures[0].details}`;
  const rows = extents.reduce((sum, extent) => sum + extent.rows, 0);
  const expected = copies.reduce((sum, [blob]) => sum + (blob?.rows ?? 0), 0);
  return `${rows} rows in ${extents.length} extents, of ${expected} rows in ${copies.length} blobs`;
}
