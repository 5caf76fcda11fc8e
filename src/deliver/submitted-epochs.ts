import type { EpochHandle } from "../checkpoint/epoch.ts";
import type { Payload } from "../encode/payload.ts";
import type { LoggedBatch } from "../log/write-ahead-log.ts";
import { atOnce } from "./at-once.ts";
import type { Deliverer } from "./deliverer.ts";
import { inOrder } from "./turns.ts";

/**
 * Commits epochs at least once from the log: an epoch is done when each of its batches has been taken (or has landed, with
 * pollForIngestionStatus). After a restart all of it is sent again. Batches are begun in their order, over all epochs.
 */
export function submittedEpochs(
  deliverer: Deliverer,
  maxBatchesInFlight: number,
): (epoch: EpochHandle<Payload>) => Promise<void> {
  const inFlight = atOnce(maxBatchesInFlight);
  const inTurn = inOrder();

  function send(epoch: EpochHandle<Payload>, batch: LoggedBatch, advanced: Promise<void>): Promise<void> {
    return inFlight(() =>
      inTurn(async ({ before, done }) => {
        const loading = Promise.all([epoch.load(batch), advanced]);
        loading.catch(() => {}); // thrown below
        await before;
        const [loaded] = await loading;
        const delivering = deliverer.deliver(loaded);
        done();
        await delivering;
      }),
    );
  }

  return async (epoch) => {
    const { prepared, progress } = epoch;
    const { attempt = 0 } = (progress.state === "IN_DOUBT" ? progress.detail : {}) as { attempt?: number };
    const advanced = epoch.advance({ state: "IN_DOUBT", detail: { step: "SUBMITTED", attempt: attempt + 1 } });
    // All of them at once, before the next epoch's: so they are begun in their order.
    const sent = prepared.batches.map((batch) => send(epoch, batch, advanced));
    await Promise.all([advanced, ...sent]);
    await epoch.advance({ state: "COMMITTED" });
  };
}
