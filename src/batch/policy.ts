import type { SubtaskPort } from "./subtask-port.ts";

/** The decisions of batching, without a clock, a timer or a thread. */

/**
 * The subtask for the next chunk: the first that is idle, else the least busy. So a trickle fills one batch instead of
 * opening one per subtask, and a flood spreads over all.
 */
export function chooseSubtask(subtasks: readonly SubtaskPort[]): SubtaskPort {
  let best = subtasks[0]!;
  for (const candidate of subtasks) if (candidate.outstanding < best.outstanding) best = candidate;
  return best;
}

/**
 * How many rows to pack before handing the chunk over: a whole chunk, or less when the batch that would get it needs only
 * so many more. Without this a batch of `batchSize` records would wait for the rest of a chunk.
 *
 * @param rows of that batch, those on their way included, and of the batches that they will fill; undefined: not known.
 */
export function chunkGoal(rowsPerChunk: number, maxRows: number, rows: number | undefined): number {
  return Math.min(rowsPerChunk, rows === undefined ? maxRows : maxRows - (rows % maxRows));
}

/** Milliseconds until the oldest unsealed record reaches its age; undefined where nothing waits. */
export function untilDue(oldest: readonly (number | undefined)[], intervalMs: number, now: number): number | undefined {
  let due: number | undefined;
  for (const at of oldest) if (at !== undefined && (due === undefined || at < due)) due = at;
  return due === undefined ? undefined : Math.max(0, due + intervalMs - now);
}
