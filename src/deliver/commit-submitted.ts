import type { EpochHandle } from "../checkpoint/epoch.ts";
import type { Payload } from "../encode/payload.ts";
import type { Deliverer } from "./deliverer.ts";

const batchesAtOnce = 4;

/**
 * At least once from the log: an epoch is done when each of its batches has been taken (or has landed, with
 * pollForIngestionStatus). After a restart all of it is sent again.
 */
export async function commitSubmitted(epoch: EpochHandle<Payload>, deliverer: Deliverer): Promise<void> {
  const { prepared, progress } = epoch;
  const { attempt = 0 } = (progress.state === "IN_DOUBT" ? progress.detail : {}) as { attempt?: number };
  await epoch.advance({ state: "IN_DOUBT", detail: { step: "SUBMITTED", attempt: attempt + 1 } });
  const left = [...prepared.batches];
  async function work(): Promise<void> {
    for (let batch = left.shift(); batch; batch = left.shift()) await deliverer.deliver(await epoch.load(batch));
  }
  await Promise.all(Array.from({ length: batchesAtOnce }, work));
  await epoch.advance({ state: "COMMITTED" });
}
