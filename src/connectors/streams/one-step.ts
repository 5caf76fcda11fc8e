import type { SealedBatch } from "../../batch/sealed-batch.ts";
import type { DestinationSession } from "../../destination/destination.ts";
import type { Payload } from "../../encode/payload.ts";

/** A session that delivers a batch in one step: when `write` resolves, it is delivered and its bytes are not looked at any more. */
export function oneStepSession<P extends Payload>(
  write: (batch: SealedBatch<P>) => Promise<void>,
  close: () => Promise<void>,
): DestinationSession<P> {
  return {
    keepsNoParts: true,
    async stage(batch) {
      await write(batch);
      const { id, rows, rawBytes } = batch;
      return { id, place: "", rows, rawBytes };
    },
    async submit() {},
    async outcomes(ids) {
      return ids.map((id) => ({ id, status: "landed" as const }));
    },
    close,
  };
}
