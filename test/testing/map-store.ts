import type { StateEntry, StateStore } from "../../src/checkpoint/state-backend.ts";
import { MillraceError } from "../../src/errors.ts";

/** A store of entries as a key-value service has them, in memory: the newest generation writes, and no other. */
export function mapStore(): StateStore {
  const stored = new Map<string, StateEntry>();
  let newest = 0;
  return {
    name: "a map",
    async open() {
      const generation = ++newest;
      const refuseIfPassed = async () => {
        if (newest > generation) throw new MillraceError("STATE_FENCED", `Generation ${generation} was passed.`);
      };
      return {
        generation,
        read: () => new Map(stored),
        refuseIfPassed,
        async compareAndSet(changes) {
          await refuseIfPassed();
          for (const { key, expected } of changes)
            if ((stored.get(key)?.version ?? 0) !== expected)
              throw new MillraceError("STATE_FENCED", `${key} has another version.`);
          for (const { key, expected, value } of changes)
            if (value === undefined) stored.delete(key);
            else stored.set(key, structuredClone({ version: expected + 1, value }));
        },
        async close() {},
      };
    },
  };
}
