import { badArgument } from "../arguments.ts";
import type { PartitionOwnership, Positions } from "../source/source.ts";
import { longestTimeoutMs } from "../source/wakeup.ts";

/** A source waits to give these partitions up. */
export interface Revocation {
  readonly partitions: ReadonlySet<string>;
}

export interface PartitionChangesHooks {
  /** The positions that the newest checkpoint has, when no checkpoint is under way. */
  stored(): Promise<Positions>;
  /** Partitions are assigned. */
  onAssigned(): void;
  /** Partitions belong to another process: nothing more of them is to be written or told. */
  onLost(partitions: ReadonlySet<string>): void;
  /** A revocation waits. */
  onRevoked(): void;
  /** A revocation was not done in time. */
  onLate(partitions: readonly string[], timeoutMs: number): void;
}

/** What a source has told of its partitions. */
export interface PartitionChanges {
  readonly ownership: PartitionOwnership;
  /** The revocations that wait. */
  readonly waiting: readonly Revocation[];
  /** A checkpoint has what was read of these partitions. */
  settle(revocations: readonly Revocation[]): void;
  /** The run has ended: what waits comes into no checkpoint. */
  close(): void;
}

interface Waiting extends Revocation {
  readonly resolve: (isDone: boolean) => void;
  readonly timer: NodeJS.Timeout;
}

export function partitionChanges(hooks: PartitionChangesHooks): PartitionChanges {
  const gone = new Set<string>();
  /** How often each partition went. */
  const departures = new Map<string, number>();
  let waiting: Waiting[] = [];
  let isClosed = false;

  function end(which: readonly Revocation[], act: (each: Waiting) => void): void {
    const ended = waiting.filter((each) => which.includes(each));
    waiting = waiting.filter((each) => !which.includes(each));
    for (const each of ended) {
      clearTimeout(each.timer);
      act(each);
    }
  }

  function leave(partitions: Iterable<string>): void {
    for (const partition of partitions) {
      gone.add(partition);
      departures.set(partition, departuresOf(partition) + 1);
    }
  }

  function departuresOf(partition: string): number {
    return departures.get(partition) ?? 0;
  }

  function lose(partitions: readonly string[]): void {
    leave(partitions);
    hooks.onLost(new Set(partitions));
  }

  return {
    ownership: {
      async assigned(partitions) {
        checkPartitions("assigned()", partitions);
        const before = partitions.map(departuresOf);
        // What the source gave before this call has then come, and is known to be of a partition that was another's.
        await new Promise(setImmediate);
        const stored = await hooks.stored();
        const ours = partitions.filter((each, index) => departuresOf(each) === before[index]);
        for (const partition of ours) gone.delete(partition);
        hooks.onAssigned();
        return Object.fromEntries(
          ours.filter((each) => Object.hasOwn(stored, each)).map((each) => [each, stored[each]!]),
        );
      },
      async revoked(partitions, timeoutMs) {
        checkPartitions("revoked()", partitions);
        if (typeof timeoutMs !== "number" || !(timeoutMs >= 0))
          throw badArgument("revoked()", "timeoutMs", timeoutMs, "a number of milliseconds");
        const before = partitions.map(departuresOf);
        await new Promise(setImmediate); // slices that the source gave before have then come
        if (isClosed) return false;
        if (partitions.some((each, index) => departuresOf(each) !== before[index])) {
          lose(partitions);
          return false;
        }
        return new Promise<boolean>((resolve) => {
          const late = () => {
            end([revocation], () => {});
            lose(partitions);
            hooks.onLate(partitions, timeoutMs);
            resolve(false);
          };
          const timer = setTimeout(late, Math.min(timeoutMs, longestTimeoutMs));
          const revocation: Waiting = { partitions: new Set(partitions), resolve, timer };
          waiting.push(revocation);
          hooks.onRevoked();
        });
      },
      lost(partitions) {
        checkPartitions("lost()", partitions);
        lose(partitions);
        const touched = waiting.filter((each) => partitions.some((partition) => each.partitions.has(partition)));
        for (const each of touched) lose([...each.partitions]);
        end(touched, ({ resolve }) => resolve(false));
      },
      generation: (partition) => (gone.has(partition) ? undefined : departuresOf(partition)),
    },
    get waiting() {
      return waiting;
    },
    settle(revocations) {
      end(revocations, ({ partitions, resolve }) => {
        leave(partitions);
        resolve(true);
      });
    },
    close() {
      isClosed = true;
      end(waiting, ({ resolve }) => resolve(false));
    },
  };
}

function checkPartitions(what: string, partitions: readonly string[]): void {
  if (!Array.isArray(partitions) || partitions.some((partition) => typeof partition !== "string"))
    throw badArgument(what, "partitions", partitions, "a list of partitions");
}
