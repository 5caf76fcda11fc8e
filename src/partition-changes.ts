import { badArgument } from "./arguments.ts";
import type { PartitionOwnership, Positions } from "./source/source.ts";
import { longestTimeoutMs } from "./source/wakeup.ts";

/** A source waits to give these partitions up. */
export interface Revocation {
  readonly partitions: ReadonlySet<string>;
}

export interface PartitionChangesHooks {
  /** The positions that the newest checkpoint has, when no checkpoint is under way. */
  stored(): Promise<Positions>;
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
  /** The partition was given up, or lost: its slices are not for this process. */
  isGone(partition: string): boolean;
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
  let waiting: Waiting[] = [];

  function end(which: readonly Revocation[], act: (each: Waiting) => void): void {
    const ended = waiting.filter((each) => which.includes(each));
    waiting = waiting.filter((each) => !which.includes(each));
    for (const each of ended) {
      clearTimeout(each.timer);
      act(each);
    }
  }

  function lose(partitions: readonly string[]): void {
    for (const partition of partitions) gone.add(partition);
    hooks.onLost(new Set(partitions));
  }

  return {
    ownership: {
      async assigned(partitions) {
        checkPartitions("assigned()", partitions);
        const stored = await hooks.stored();
        for (const partition of partitions) gone.delete(partition);
        return Object.fromEntries(
          partitions.filter((each) => Object.hasOwn(stored, each)).map((each) => [each, stored[each]!]),
        );
      },
      async revoked(partitions, timeoutMs) {
        checkPartitions("revoked()", partitions);
        if (typeof timeoutMs !== "number" || !(timeoutMs >= 0))
          throw badArgument("revoked()", "timeoutMs", timeoutMs, "a number of milliseconds");
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
    },
    isGone: (partition) => gone.has(partition),
    get waiting() {
      return waiting;
    },
    settle(revocations) {
      end(revocations, ({ partitions, resolve }) => {
        for (const partition of partitions) gone.add(partition);
        resolve(true);
      });
    },
    close() {
      end(waiting, ({ resolve }) => resolve(false));
    },
  };
}

function checkPartitions(what: string, partitions: readonly string[]): void {
  if (!Array.isArray(partitions) || partitions.some((partition) => typeof partition !== "string"))
    throw badArgument(what, "partitions", partitions, "a list of partitions");
}
