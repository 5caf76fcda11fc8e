import type { SealedBatch } from "../batch/sealed-batch.ts";
import type { DelivererHooks } from "../deliver/deliverer.ts";
import { publish } from "../events.ts";
import { stepEvent } from "./batch-events.ts";

/**
 * Tells of the steps and retries of batches that are blobs of their own.
 *
 * @param tagOf the tag by which a batch's extents can be found
 * @param retries counts them
 */
export function delivererEvents(
  sink: string,
  tagOf: ((id: string) => string | undefined) | undefined,
  retries: { count: number },
): DelivererHooks {
  const eventOf = (batch: SealedBatch, durationMs: number) =>
    stepEvent(sink, batch, { tag: tagOf?.(batch.id), durationMs });
  return {
    onStaged: (batch, durationMs) => publish("millrace:batch:staged", eventOf(batch, durationMs)),
    onTaken: (batch, durationMs) => publish("millrace:batch:taken", eventOf(batch, durationMs)),
    onLanded: (batch, durationMs) => publish("millrace:batch:landed", eventOf(batch, durationMs)),
    onRetry({ batch, stage, attempt, delayMs, error }) {
      retries.count++;
      const { code, message } = error;
      publish("millrace:retry", { sink, table: batch.table, batch: batch.id, stage, attempt, delayMs, code, message });
    },
  };
}
