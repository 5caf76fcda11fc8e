import type { SealedBatch } from "../batch/sealed-batch.ts";
import type { BatchEvent, StepEvent } from "../events.ts";

/** What an event says of a batch: everything but its bytes. */
export function batchEvent(sink: string, batch: Omit<SealedBatch, "parts">, epoch?: number): BatchEvent {
  const { id, table, rows, rawBytes, packedBytes, subtask } = batch;
  return { sink, batch: id, table, rows, rawBytes, packedBytes, subtask, epoch };
}

export function stepEvent(
  sink: string,
  batch: Omit<SealedBatch, "parts">,
  { tag, durationMs }: Pick<StepEvent, "tag" | "durationMs">,
): StepEvent {
  const ageMs = batch.openedAt === undefined ? undefined : Math.max(0, Date.now() - batch.openedAt);
  return { ...batchEvent(sink, batch), tag, durationMs, ageMs };
}
