import { fileState } from "../../src/checkpoint/file-state.ts";
import type { StateBackend } from "../../src/checkpoint/state-backend.ts";

/** Keeps changes in memory, and says that they have resolved. */
export function state(folder: string): StateBackend {
  const sound = fileState(folder);
  return {
    name: sound.name,
    async open(signal) {
      const lease = await sound.open(signal);
      const entries = new Map(lease.read());
      return {
        ...{ generation: lease.generation, log: lease.log, read: () => entries, close: () => lease.close() },
        async compareAndSet(changes) {
          for (const { key, expected, value } of changes) entries.set(key, { version: expected + 1, value: value! });
        },
      };
    },
  };
}
