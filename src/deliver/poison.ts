import type { EpochHandle, RefusedRows } from "../checkpoint/epoch.ts";
import type { EpochSession } from "../destination/destination.ts";
import type { LoggedBatch } from "../log/write-ahead-log.ts";
import { attemptId, cut } from "./attempt.ts";
import type { CommitPolicy } from "./commit-staged.ts";

/** A batch that the service refused for good. */
export interface Poisoned {
  readonly batch: LoggedBatch;
  readonly reason: string;
}

export interface Probing {
  readonly session: EpochSession;
  readonly policy: CommitPolicy;
  readonly signal: AbortSignal;
  /** The tag of the attempt that failed; probes have tags behind it, and nothing of theirs is ever committed. */
  readonly tag: string;
  ask<T>(what: string, act: () => Promise<T>): Promise<T>;
}

/** Some rows of a batch, by their numbers. */
interface Piece {
  readonly batch: LoggedBatch;
  readonly packed: Uint8Array;
  readonly rows: readonly number[];
  readonly reason: string;
}

/**
 * Which rows of the batches the service refuses: each batch is halved, the halves are loaded into staging under tags of
 * their own, and those that fail again are halved, until single rows are left. All pieces of a round are on their way at
 * once, so a batch of a million rows takes twenty rounds, whatever is wrong with it.
 */
export async function findRefusedRows(
  epoch: EpochHandle,
  poisoned: readonly Poisoned[],
  probing: Probing,
): Promise<RefusedRows> {
  const found: Record<string, { row: number; reason: string }[]> = {};
  let pieces: Piece[] = [];
  for (const { batch, reason } of poisoned) {
    const known = new Set((epoch.refused[batch.id] ?? []).map(({ row }) => row));
    const rows = Array.from({ length: batch.rows }, (_, row) => row).filter((row) => !known.has(row));
    pieces.push({ batch, packed: await epoch.read(batch), rows, reason });
  }
  for (let round = 1; pieces.length > 0; round++) {
    const halves: Piece[] = [];
    for (const piece of pieces)
      if (piece.rows.length === 1) {
        const refused = found[piece.batch.id] ?? [];
        refused.push({ row: piece.rows[0]!, reason: piece.reason });
        found[piece.batch.id] = refused;
      } else {
        const middle = piece.rows.length >> 1;
        halves.push({ ...piece, rows: piece.rows.slice(0, middle) }, { ...piece, rows: piece.rows.slice(middle) });
      }
    const judged = await Promise.all(
      halves.map((piece, index) => judge(piece, `${probing.tag}/probe-${round}-${index}`, probing)),
    );
    pieces = judged.filter((piece) => piece !== undefined);
  }
  return found;
}

/** Loads a piece by itself. Undefined: it is sound. */
async function judge(piece: Piece, tag: string, { session, policy, signal, ask }: Probing): Promise<Piece | undefined> {
  const { batch, packed, rows } = piece;
  const id = attemptId(tag, batch.id);
  const wanted = new Set(rows);
  const { epoch: _epoch, segment: _segment, offset: _offset, sha256: _sha256, ...plain } = batch;
  const sealed = { ...plain, ...cut(packed, batch, (row) => wanted.has(row)), id };
  const staged = await ask(`uploading rows of batch ${batch.id}`, () => session.stage(sealed, signal));
  await ask(`announcing rows of batch ${batch.id}`, () => session.submit(staged, [tag], signal, true));
  const deadline = policy.clock.now() + policy.attemptTimeoutMs;
  try {
    for (let pause = 50; ; pause = Math.min(pause * 2, policy.pollIntervalMs)) {
      const { extents, failures } = await ask("looking at what became of it", () => session.arrived(tag, [id], signal));
      const failure = failures.find((each) => !each.retryable);
      if (failure) return { ...piece, reason: `${failure.errorCode}: ${failure.details}` };
      // What cannot be judged in time counts as sound: the next attempt of the epoch will tell.
      if (extents.some((extent) => extent.rows >= rows.length) || failures.length > 0 || policy.clock.now() > deadline)
        return undefined;
      await policy.clock.sleep(pause, signal, "looking for refused rows");
    }
  } finally {
    await ask("removing a probe", () => session.discard(tag, signal)).catch(() => {});
  }
}
