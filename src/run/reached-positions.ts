import { withChanges } from "../checkpoint/positions.ts";
import type { Position, Positions } from "../source/source.ts";

/** What a checkpoint is to have of the positions. */
export interface Reached {
  readonly positions: Positions;
  readonly dropped: readonly string[];
  /** Also of partitions that were dropped since the checkpoint before. */
  readonly acknowledged: Positions;
}

/** Where a source stands, as far as its records were written, and what the newest checkpoint has of it. */
export interface ReachedPositions {
  /** A slice was written. */
  advance(changes: Positions, dropped: readonly string[]): void;
  /** These partitions belong to another process: what they have reached is not told any more. */
  forget(partitions: Iterable<string>): void;
  /**
   * Partitions are assigned, so that a restored one may be another process's, or read from a later position than the restored one: from
   * now on only positions that this run has reached are acknowledged.
   */
  acknowledgeOnlyReached(): void;
  /** As of now. */
  reached(): Reached;
  /** A checkpoint has this. */
  settle(reached: Reached): void;
  /** What the newest checkpoint has. */
  readonly stored: Positions;
  /** Where the source stands now. */
  readonly now: Positions;
}

export function reachedPositions(start: Positions): ReachedPositions {
  // Maps, for a partition may be called "__proto__".
  const now = new Map<string, Position>(Object.entries(start));
  /** Dropped since the newest checkpoint, with the positions that were their last. */
  const dropped = new Map<string, Position | undefined>();
  /** Reached by this run. */
  const own = new Set<string>();
  let isOwnOnly = false;
  let stored = start;
  return {
    advance(changes, gone) {
      for (const [partition, position] of Object.entries(changes)) {
        now.set(partition, position);
        dropped.delete(partition);
        own.add(partition);
      }
      for (const partition of gone) {
        dropped.set(partition, now.get(partition));
        now.delete(partition);
      }
    },
    forget(partitions) {
      for (const partition of partitions) {
        now.delete(partition);
        dropped.delete(partition);
        own.delete(partition);
      }
    },
    acknowledgeOnlyReached() {
      isOwnOnly = true;
    },
    reached() {
      const positions = Object.fromEntries(now);
      const known = Object.fromEntries([...now, ...dropped].filter(([partition]) => !isOwnOnly || own.has(partition)));
      return { positions, dropped: [...dropped.keys()], acknowledged: withChanges({}, known) };
    },
    settle(reached) {
      const gone = Object.fromEntries(reached.dropped.map((partition) => [partition, undefined]));
      stored = withChanges(stored, { ...reached.positions, ...gone });
      for (const partition of reached.dropped) dropped.delete(partition);
    },
    get stored() {
      return stored;
    },
    get now() {
      return Object.fromEntries(now);
    },
  };
}
