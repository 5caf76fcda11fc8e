import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { EpochHandle } from "../../checkpoint/epoch.ts";
import { type RetryClock, systemClock, withRetries } from "../../deliver/backoff.ts";
import { agree, nameOf, refuseIfBehind } from "../../deliver/held-epochs.ts";
import { inOrder, type Turn } from "../../deliver/turns.ts";
import { unlessAborted } from "../../deliver/unless-aborted.ts";
import type { CommitHooks, EpochCommitter, EpochContext } from "../../destination/destination.ts";
import { isCode, MillraceError, throwIfAborted } from "../../errors.ts";
import { type Claim, type ClaimedFile, type ClaimHead, claimChain, heldIn } from "./claims.ts";
import { draftFolder, epochOfDraft, epochStem } from "./file-names.ts";
import { extensionOf } from "./layout.ts";
import { type BatchToWrite, type Draft, type Layout, removeDraft, writeDraft } from "./parts.ts";
import { makeTargetFolder, publish, type TargetFolder } from "./target-folder.ts";

type FilePayload = "gzip" | "plain";

/** What tests replace. */
export interface FileCommitterBounds {
  readonly clock: RetryClock;
  /** Claims that are kept: a process that commits an epoch meets its claim among the newest few, for claims are made in order. */
  readonly mostClaims: number;
  drawToken(): string;
}

const bounds: FileCommitterBounds = {
  clock: systemClock,
  mostClaims: 100,
  drawToken: () => randomBytes(6).toString("hex"),
};

/** A draft of an epoch's files, which is not decided on. */
interface EpochDraft extends Draft {
  readonly token: string;
  /** Its folder among the parts. */
  readonly folder: string;
}

/**
 * Commits epochs as files of a folder, each of them once:
 *
 * 1. The rows are written into parts under temporary names that no other process uses, and synced.
 * 2. The claim is made, a file that must not be there yet: it lists the parts and their names. It is the decision, durable before
 *    any part is moved. Whoever commits the epoch from then on goes by this list, and not by parts of its own.
 * 3. Each part is renamed. Its temporary name goes with that, so no part gets its name twice, however often this is repeated.
 * 4. The state is told.
 *
 * Epochs are written side by side, and claimed one after another, so the newest claim says all: who made a copy of the state that does not know it is
 * refused, at the opening and at each claim.
 *
 * @throws MillraceError STATE_OUTDATED, STATE_LOST
 */
export async function openFileCommitter(
  target: TargetFolder,
  layout: Layout,
  context: EpochContext,
  { clock, mostClaims, drawToken }: FileCommitterBounds = bounds,
): Promise<EpochCommitter<FilePayload>> {
  const { history, retries, acceptDuplicates, onWarning } = context;
  const { table } = layout;
  const chain = claimChain(target.disk, target.claims, table, mostClaims);
  const opening = <T>(doing: string, act: () => Promise<T>) =>
    withRetries(doing, retries, context.signal, act, (retry) => retries.onRetry(doing, retry), clock);
  await opening(`making folders in ${target.folder}`, () => makeTargetFolder(target));
  const claims = await opening(`reading the claims in ${target.claims}`, () => chain.read());
  await agree({ history, table, acceptDuplicates, onWarning }, heldIn(claims));
  const inTurn = inOrder();

  return {
    commit: (epoch, signal, hooks) => inTurn((turn) => commitEpoch(epoch, signal, hooks, turn)),
    tagOf: stemOf,
    async close() {},
  };

  function stemOf({ job, prepared }: EpochHandle<FilePayload>): string {
    return epochStem(table, decodeURIComponent(nameOf(job)), idOf(job), prepared.epoch);
  }

  async function commitEpoch(
    epoch: EpochHandle<FilePayload>,
    signal: AbortSignal,
    hooks: CommitHooks,
    turn: Turn,
  ): Promise<void> {
    const number = epoch.prepared.epoch;
    const asked = <T>(what: string, act: () => Promise<T>) =>
      withRetries(
        `epoch ${number}: ${what}`,
        retries,
        signal,
        act,
        (retry) => hooks.onRetry(number, what, retry),
        clock,
      );
    const begun = clock.now();
    const draft = await asked("writing its files", async () => {
      // Each time: who has claimed it meanwhile may have removed the draft that was being written.
      if (claimOf(epoch, await chain.read())) return undefined;
      return drafted(epoch, signal);
    });
    if (draft) tellStaged(epoch, draft, hooks, clock.now() - begun);
    if (draft && Object.keys(draft.refused).length > 0) await hooks.onRowsRefused(epoch, draft.refused);
    await unlessAborted(turn.before, signal, `epoch ${number}: waiting for the epoch before it`);
    // Also asks whether the state is still this process's.
    await epoch.advance({ state: "IN_DOUBT", detail: { step: "CLAIMING" } });
    const claim = await asked("claiming it", () => claimed(epoch, draft, signal));
    const claimedAt = clock.now();
    await asked("renaming its files", async () => {
      await chain.sync();
      await publish(target, claim.files, (file) => tellTaken(epoch, file, hooks, clock.now() - claimedAt));
    });
    await epoch.advance({ state: "COMMITTED" }, claim.refused);
    // What is left over harms nobody, and goes with a later epoch.
    await tidy(epoch).catch(() => {});
  }

  async function drafted(epoch: EpochHandle<FilePayload>, signal: AbortSignal): Promise<EpochDraft> {
    const token = drawToken();
    const folder = draftFolder(idOf(epoch.job), epoch.prepared.epoch, history.lineage, token);
    const batches = epoch.prepared.batches.map(
      (batch): BatchToWrite => ({ ...batch, parts: async () => (await epoch.load(batch)).parts }),
    );
    const draft = await writeDraft(target.disk, join(target.parts, folder), layout, batches, signal);
    return { token, folder, ...draft };
  }

  /** The epoch's claim: this process's, or one that was there. @throws MillraceError STATE_FENCED */
  async function claimed(
    epoch: EpochHandle<FilePayload>,
    draft: EpochDraft | undefined,
    signal: AbortSignal,
  ): Promise<Claim> {
    for (;;) {
      throwIfAborted(signal, `claiming epoch ${epoch.prepared.epoch}`);
      const claims = await chain.read();
      const own = claimOf(epoch, claims);
      if (own) return chain.load(own.number);
      refuseIfTaken(epoch, claims);
      if (!draft) throw taken(epoch, "Its claim was there, and is gone.");
      const made = await chain.append(claimWith(epoch, draft), claims.at(-1));
      if (made === "stale") throw taken(epoch, "Other processes have committed epochs since it last looked.");
    }
  }

  function claimWith(epoch: EpochHandle<FilePayload>, draft: EpochDraft): Omit<Claim, "after" | "format"> {
    const { job, prepared } = epoch;
    const stem = stemOf(epoch);
    const files = draft.parts.map(({ name, folder, rows, rawBytes, bytes }, part): ClaimedFile => {
      const file = `${stem}-${part}${extensionOf(layout)}`;
      const temporary = `${draft.folder}/${name}`;
      return { temporary, name: folder === "" ? file : `${folder}/${file}`, rows, rawBytes, bytes };
    });
    const isSound = Object.keys(draft.refused).length === 0;
    const { token, refused } = draft;
    const identity = identityOf(epoch);
    return { token, table, job, epoch: prepared.epoch, identity, files, ...(isSound ? {} : { refused }) };
  }

  /** @throws MillraceError STATE_FENCED where the claims tell of another holder of the job. */
  function refuseIfTaken(epoch: EpochHandle<FilePayload>, claims: readonly ClaimHead[]): void {
    try {
      refuseIfBehind(history, table, heldIn(claims));
    } catch (error) {
      if (!isCode(error, "STATE_OUTDATED", "STATE_LOST")) throw error;
      throw taken(epoch, error.message, error);
    }
    // Epochs are claimed in their order, so this one was claimed before, so long ago that its claim is gone.
    const later = claims.find((claim) => claim.job === epoch.job && claim.epoch > epoch.prepared.epoch);
    if (later) throw taken(epoch, `Epoch ${later.epoch} is committed already.`);
  }

  /** The epoch's claim, if it has one. @throws MillraceError STATE_FENCED where its number is another epoch's. */
  function claimOf(epoch: EpochHandle<FilePayload>, claims: readonly ClaimHead[]): ClaimHead | undefined {
    const found = claims.find((claim) => claim.job === epoch.job && claim.epoch === epoch.prepared.epoch);
    if (found && found.identity !== identityOf(epoch))
      throw taken(epoch, `It committed another epoch of this number (${found.identity}).`);
    return found;
  }

  function taken({ job, prepared }: EpochHandle<FilePayload>, how: string, cause?: unknown): MillraceError {
    const name = nameOf(job);
    return new MillraceError(
      "STATE_FENCED",
      `Table ${table}, epoch ${prepared.epoch}: job ${name} was taken over by a process with another copy of its state, so this one ends. ${how} Start with the newest copy; see docs/exactly-once.md, "Backups, copies and clones".`,
      { cause, context: { table, job: name, epoch: prepared.epoch } },
    );
  }

  /** Removes drafts that nobody will look for: of this epoch, for all of its claim is renamed, and of those before it. */
  async function tidy({ job, prepared }: EpochHandle<FilePayload>): Promise<void> {
    for (const name of await target.disk.list(target.parts)) {
      const draft = epochOfDraft(name);
      if (draft?.id !== idOf(job) || draft.epoch > prepared.epoch) continue;
      await removeDraft(target.disk, join(target.parts, name));
    }
    await chain.prune();
  }

  function tellStaged(
    epoch: EpochHandle<FilePayload>,
    { folder, parts }: EpochDraft,
    hooks: CommitHooks,
    durationMs: number,
  ): void {
    for (const { name, rows, rawBytes, bytes } of parts)
      hooks.onStaged?.(epoch.prepared.epoch, blobOf(epoch, `${folder}/${name}`, rows, rawBytes, bytes), durationMs);
  }

  function tellTaken(epoch: EpochHandle<FilePayload>, file: ClaimedFile, hooks: CommitHooks, durationMs: number): void {
    const { name, rows, rawBytes, bytes } = file;
    hooks.onTaken?.(epoch.prepared.epoch, blobOf(epoch, name, rows, rawBytes, bytes), durationMs);
  }

  function blobOf(epoch: EpochHandle<FilePayload>, id: string, rows: number, rawBytes: number, packedBytes: number) {
    return { id, tag: stemOf(epoch), batches: epoch.prepared.batches, rows, rawBytes, packedBytes };
  }
}

function identityOf({ prepared }: EpochHandle<FilePayload>): string {
  return prepared.identity ?? "none";
}

function idOf(job: string): string {
  return job.slice(job.lastIndexOf(".") + 1);
}
