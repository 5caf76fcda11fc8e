import type { PartitionOwnership } from "../source/source.ts";
import { longestTimeoutMs } from "../source/wakeup.ts";

/** The slices that a transform has taken from its source and not given on. */
export interface HeldSlices {
  /** Resolves to true when no slice of these partitions is held, or to false after `timeoutMs`. */
  drained(partitions: ReadonlySet<string>, timeoutMs: number): Promise<boolean>;
  /** These partitions belong to another process: their slices are left out. */
  drop(partitions: ReadonlySet<string>): void;
}

/** Ownership as the source of a transform sees it: partitions that are revoked wait for their slices that the transform holds. */
export function ownershipBehind(outer: PartitionOwnership, held: () => HeldSlices | undefined): PartitionOwnership {
  const lost = (partitions: readonly string[]) => {
    held()?.drop(new Set(partitions));
    outer.lost(partitions);
  };
  return {
    assigned: (partitions) => outer.assigned(partitions),
    lost,
    generation: (partition) => outer.generation(partition),
    async revoked(partitions, timeoutMs) {
      const deadline = performance.now() + timeoutMs;
      await new Promise(setImmediate); // slices that the source gave before have then come
      if ((await held()?.drained(new Set(partitions), timeoutMs)) === false) {
        lost(partitions);
        return false;
      }
      await new Promise(setImmediate); // slices that left the transform have then come to its reader
      return outer.revoked(partitions, Math.max(0, deadline - performance.now()));
    },
  };
}

/** Waits for a condition that can become true whenever `changed()` is called. */
export interface Condition {
  changed(): void;
  /** Resolves to true when it holds, or to false after `timeoutMs`. */
  holds(test: () => boolean, timeoutMs: number): Promise<boolean>;
}

export function condition(): Condition {
  const waiters = new Set<() => void>();
  return {
    changed() {
      for (const waiter of waiters) waiter();
    },
    async holds(test, timeoutMs) {
      if (test()) return true;
      let timer: NodeJS.Timeout | undefined;
      let waiter = () => {};
      await new Promise<void>((resolve) => {
        timer = setTimeout(resolve, Math.min(timeoutMs, longestTimeoutMs));
        waiter = () => {
          if (test()) resolve();
        };
        waiters.add(waiter);
      });
      clearTimeout(timer);
      waiters.delete(waiter);
      return test();
    },
  };
}
