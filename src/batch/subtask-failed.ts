import { MillraceError } from "../errors.ts";
import type { SubtaskPlan } from "./subtask.ts";

/** A subtask that cannot go on, by its thread's death or by its encoder: which one, why, and what has to be done. */
export function subtaskFailed({ index, table }: SubtaskPlan, what: string, cause: unknown): MillraceError {
  return new MillraceError(
    "SUBTASK_FAILED",
    `Subtask ${index} of table ${table} ended: ${what}. Rows since the last checkpoint are not delivered; write them again.`,
    { cause, context: { table, subtask: index } },
  );
}
