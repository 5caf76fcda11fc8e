import type { SealedBatch } from "../../../batch/sealed-batch.ts";
import type { RefusedRows } from "../../../checkpoint/epoch.ts";
import { someRows } from "../../../deliver/logged-batch.ts";
import type { LoggedBatch } from "../../../log/write-ahead-log.ts";
import { attemptBlob, attemptId } from "./blobs.ts";
import type { CommitPolicy } from "./commit-policy.ts";
import type { EpochSession } from "./epoch-session.ts";
import type { KustoEpoch } from "./kusto-epoch.ts";

/** A blob that the service refused for good. */
export interface Poisoned {
  readonly batches: readonly LoggedBatch[];
  readonly reason: string;
}

export interface Probing {
  readonly session: EpochSession;
  readonly policy: CommitPolicy;
  readonly signal: AbortSignal;
  /** How long one piece may take. */
  readonly patienceMs: number;
  /** The tag of the attempt that failed; probes have tags behind it, and nothing of theirs is ever committed. */
  readonly tag: string;
  ask<T>(what: string, act: () => Promise<T>): Promise<T>;
}

/** Several batches, or some rows of one, by their numbers. The service refused them, and why. */
interface Piece {
  readonly batches: readonly LoggedBatch[];
  /** Of the one batch; of several all rows count. */
  readonly rows: readonly number[];
  readonly reason: string;
}

/** Pieces on their way at once, each packed anew: many bad rows are many pieces. */
const probesAtOnce = 16;

/**
 * Which rows of the blobs the service refuses: each is halved, first between its batches and then between the rows of one,
 * the halves are loaded into staging under tags of their own, and those that fail again are halved, until single rows are
 * left. All pieces of a round are on their way side by side, so a blob of a million rows takes twenty rounds, whatever is wrong with it.
 */
export async function findRefusedRows(
  epoch: KustoEpoch,
  poisoned: readonly Poisoned[],
  probing: Probing,
): Promise<RefusedRows> {
  const found: Record<string, { row: number; reason: string }[]> = {};
  let pieces = poisoned.map(({ batches, reason }) => pieceOf(epoch, batches, reason));
  for (let round = 1; pieces.length > 0; round++) {
    const halves: Piece[] = [];
    for (const piece of pieces) {
      const { batches, rows, reason } = piece;
      if (batches.length > 1) {
        const middle = batches.length >> 1;
        for (const half of [batches.slice(0, middle), batches.slice(middle)]) halves.push(pieceOf(epoch, half, reason));
      } else if (rows.length > 1) {
        const middle = rows.length >> 1;
        halves.push({ ...piece, rows: rows.slice(0, middle) }, { ...piece, rows: rows.slice(middle) });
      } else {
        const refused = found[batches[0]!.id] ?? [];
        refused.push({ row: rows[0]!, reason });
        found[batches[0]!.id] = refused;
      }
    }
    pieces = await judgeAll(epoch, halves, round, probing);
  }
  return found;
}

function pieceOf(epoch: KustoEpoch, batches: readonly LoggedBatch[], reason: string): Piece {
  if (batches.length > 1) return { batches, rows: [], reason };
  const [batch] = batches;
  const known = new Set((epoch.refused[batch!.id] ?? []).map(({ row }) => row));
  const rows = Array.from({ length: batch!.rows }, (_, row) => row).filter((row) => !known.has(row));
  return { batches, rows, reason };
}

/** Those of the pieces that the service refuses, in their order. */
async function judgeAll(
  epoch: KustoEpoch,
  pieces: readonly Piece[],
  round: number,
  probing: Probing,
): Promise<Piece[]> {
  const judged: (Piece | undefined)[] = [];
  let next = 0;
  async function work(): Promise<void> {
    for (let at = next++; at < pieces.length; at = next++)
      judged[at] = await judge(epoch, pieces[at]!, `${probing.tag}/probe-${round}-${at}`, probing);
  }
  await Promise.all(Array.from({ length: probesAtOnce }, work));
  return judged.filter((piece) => piece !== undefined);
}

/** Loads a piece by itself. Undefined: it is sound. */
async function judge(
  epoch: KustoEpoch,
  piece: Piece,
  tag: string,
  { session, policy, signal, patienceMs, ask }: Probing,
): Promise<Piece | undefined> {
  const id = attemptId(tag, piece.batches[0]!.id);
  const sealed = await packed(epoch, piece, id);
  const staged = await ask(`uploading probe ${id}`, () => session.stage(sealed, signal));
  await ask(`announcing probe ${id}`, () => session.submit(staged, [tag], signal));
  const deadline = policy.clock.now() + patienceMs;
  try {
    for (let pause = 50; ; pause = Math.min(pause * 2, policy.pollIntervalMs)) {
      const { extents, failures } = await ask("looking at what became of it", () => session.arrived(tag, [id], signal));
      const failure = failures.find((each) => !each.retryable);
      if (failure) return { ...piece, reason: `${failure.errorCode}: ${failure.details}` };
      // What cannot be judged in time counts as sound: the next attempt of the epoch will tell.
      if (extents.some((extent) => extent.rows >= sealed.rows) || failures.length > 0 || policy.clock.now() > deadline)
        return undefined;
      await policy.clock.sleep(pause, signal, "looking for refused rows");
    }
  } finally {
    await ask("removing a probe", () => session.discard(tag, signal)).catch(() => {});
  }
}

async function packed(epoch: KustoEpoch, { batches, rows }: Piece, id: string): Promise<SealedBatch> {
  if (batches.length > 1) return attemptBlob(epoch, { id, batches });
  const wanted = new Set(rows);
  return { ...(await someRows(epoch, batches[0]!, (row) => wanted.has(row))), id };
}
