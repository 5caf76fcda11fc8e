import type { Packer } from "../encode/packer.ts";
import type { MillraceError } from "../errors.ts";
import { chooseSubtask, chunkGoal, untilDue } from "./policy.ts";
import type { SealedBatch, SealReason } from "./sealed-batch.ts";
import type { SubtaskHooks, SubtaskPort } from "./subtask-port.ts";

/** Records in, sealed batches out: packs on the caller's thread, spreads chunks over subtasks, owns the one timer. */
export interface Batcher<R> {
  /** Packs one record. Throws RECORD_REFUSED and leaves everything as it was when the record does not fit. */
  write(record: R, place: Place | undefined): void;
  /** Chunks handed to subtasks and not encoded yet. */
  readonly outstanding: number;
  /** Seals every open batch; resolved once all of them have been given to `onSealed`. */
  seal(reason: SealReason): Promise<void>;
  close(): Promise<void>;
}

/** Where a record came from; a function where making the text for every record would cost. */
export type Place = string | (() => string);

export interface BatcherPlan {
  /** Records per batch, per subtask. */
  readonly maxRows: number;
  /** The greatest age of an unsealed record, in milliseconds; 0 for no limit. */
  readonly intervalMs: number;
  readonly rowsPerChunk: number;
}

export interface BatcherHooks {
  onSealed(batch: SealedBatch): void;
  /** A chunk has been encoded: there may be room again. */
  onRoom(): void;
  onFailed(error: MillraceError): void;
}

/** The longest delay `setTimeout` takes; beyond it fires at once. */
const longestTimeoutMs = 2 ** 31 - 1;

export function batcher<R>(
  plan: BatcherPlan,
  packer: Packer,
  startSubtasks: (hooks: SubtaskHooks) => SubtaskPort[],
  hooks: BatcherHooks,
): Batcher<R> {
  let goal = Math.min(plan.rowsPerChunk, plan.maxRows);
  let packingSince = 0;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  /** Subtasks that were told to seal by age and have not answered: their age is being dealt with. */
  const sealing = new Set<SubtaskPort>();

  const subtasks = startSubtasks({
    onSealed: hooks.onSealed,
    onEncoded(_subtask, spare) {
      packer.recycle(spare);
      if (isClosed) return;
      aimAt();
      arm();
      hooks.onRoom();
    },
    onFailed: hooks.onFailed,
  });

  /** Learns how many rows the next chunk should have, and hands it over when it has them already. */
  function aimAt(): void {
    goal = chunkGoal(plan.rowsPerChunk, plan.maxRows, chooseSubtask(subtasks));
    if (packer.rows >= goal) handOver();
  }

  function handOver(): void {
    const chunk = packer.take();
    if (chunk) chooseSubtask(subtasks).submit(chunk, packingSince);
  }

  function arm(): void {
    if (timer || isClosed || plan.intervalMs <= 0) return;
    const waiting = subtasks.map((s) => (sealing.has(s) ? undefined : s.oldest));
    if (packer.rows > 0) waiting.push(packingSince);
    const delay = untilDue(waiting, plan.intervalMs, performance.now());
    if (delay !== undefined) timer = setTimeout(sealDue, Math.min(delay, longestTimeoutMs));
  }

  function sealDue(): void {
    timer = undefined;
    const deadline = performance.now() - plan.intervalMs + 0.5; // timers may fire a fraction of a millisecond early
    if (packer.rows > 0 && packingSince <= deadline) handOver();
    for (const subtask of subtasks) {
      if (sealing.has(subtask) || subtask.oldest === undefined || subtask.oldest > deadline) continue;
      sealing.add(subtask);
      subtask
        .seal("interval")
        .catch(() => {}) // the failure itself has gone to onFailed
        .finally(() => {
          sealing.delete(subtask);
          arm();
        });
    }
    arm();
  }

  return {
    write(record, place) {
      packer.pack(record, place);
      if (packer.rows === 1) {
        packingSince = performance.now();
        arm();
      }
      if (packer.rows >= goal || packer.isFull) handOver();
    },
    get outstanding() {
      let chunks = 0;
      for (const subtask of subtasks) chunks += subtask.outstanding;
      return chunks;
    },
    async seal(reason) {
      handOver();
      await Promise.all(subtasks.map((subtask) => subtask.seal(reason)));
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await Promise.all(subtasks.map((subtask) => subtask.close()));
    },
  };
}
