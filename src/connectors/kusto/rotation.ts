import type { StorageRoot } from "./resources.ts";

/** Spreads work over the storage accounts, and stays away from one that fails. */
export interface Rotation {
  /** The root to use next. Containers and queues take turns of their own, but share what is known of an account. */
  next(kind: "container" | "queue", roots: readonly StorageRoot[]): StorageRoot;
  succeeded(account: string): void;
  failed(account: string): void;
}

/** A failing account is left alone for this long, doubled with each failure in a row. */
const firstRestMs = 2_000;
const longestRestMs = 60_000;

export function rotation(now: () => number = () => performance.now()): Rotation {
  const resting = new Map<string, { failures: number; until: number }>();
  const turns = { container: 0, queue: 0 };
  return {
    next(kind, roots) {
      const time = now();
      const rested = roots.filter(({ account }) => (resting.get(account)?.until ?? 0) <= time);
      if (rested.length > 0) return rested[turns[kind]++ % rested.length]!;
      // All are failing: the one whose rest ends first has had the longest time to recover.
      return roots.reduce((a, b) => (resting.get(b.account)!.until < resting.get(a.account)!.until ? b : a));
    },
    succeeded: (account) => void resting.delete(account),
    failed(account) {
      const failures = (resting.get(account)?.failures ?? 0) + 1;
      const restMs = Math.min(longestRestMs, firstRestMs * 2 ** Math.min(failures - 1, 10));
      resting.set(account, { failures, until: now() + restMs });
    },
  };
}
