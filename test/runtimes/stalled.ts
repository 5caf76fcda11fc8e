import { memory } from "millrace";
import type { Destination } from "millrace/connector";

/** A service that answers nothing: what is sent there waits until it is aborted. */
export function stalled(): Destination {
  const to = memory();
  const never = (_: unknown, signal: AbortSignal) =>
    new Promise<never>((_resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  return {
    name: to.name,
    open: async (context) => ({ ...(await to.open(context)), stage: never }),
    openEpochs: async (context) => ({ ...(await to.openEpochs!(context)), commit: never }),
  };
}
