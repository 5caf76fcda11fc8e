import type { EpochHandle } from "../checkpoint/epoch.ts";
import { asLogged } from "./attempt.ts";
import type { Deliverer } from "./deliverer.ts";

const batchesAtOnce = 4;

/**
 * At least once from the log: an epoch is done when each of its batches has been taken (or has landed, with
 * pollForIngestionStatus). After a restart all of it is sent again.
 */
export async function commitSubmitted(epoch: EpochHandle, deliverer: Deliverer): Promise<void> {
  const { prepared, generation, progress } = epoch;
  const attempt = ("attempt" in progress ? progress.attempt : 0) + 1;
  await epoch.advance({ state: "SUBMITTED", attempt, generation });
  const left = [...prepared.batches];
  async function work(): Promise<void> {
    for (let batch = left.shift(); batch; batch = left.shift()) await deliverer.deliver(await asLogged(epoch, batch));
  }
  await Promise.all(Array.from({ length: batchesAtOnce }, work));
  await epoch.advance({ state: "COMMITTED", attempt });
}
