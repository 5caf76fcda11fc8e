import type { PartitionOwnership, Slice } from "./source.ts";

/** Whether this process has had the partition all the time since a slice came. */
export type IsHeld = (partition: string) => boolean;

/**
 * Notes which of the partitions that a slice tells of are this process's now. To be called when the slice comes: a partition that goes and
 * comes back while the slice waits is read from its stored position, so that the slice comes again.
 */
export function heldSince(slice: Slice<unknown>, partitions: PartitionOwnership | undefined): IsHeld {
  if (!partitions) return () => true;
  const { partition, moved, dropped } = slice;
  const names = moved || dropped ? [partition, ...Object.keys(moved ?? {}), ...(dropped ?? [])] : [partition];
  const generations = new Map(names.map((name) => [name, partitions.generation(name)]));
  return (name) => {
    const then = generations.get(name);
    return then !== undefined && partitions.generation(name) === then;
  };
}

/** The slice without the positions of partitions that are not held. Undefined if its own partition is not. */
export function ofHeld<R>(slice: Slice<R>, isHeld: IsHeld): Slice<R> | undefined {
  const { partition, moved, dropped } = slice;
  if (!isHeld(partition)) return undefined;
  if (Object.keys(moved ?? {}).every(isHeld) && (dropped ?? []).every(isHeld)) return slice;
  return {
    ...slice,
    ...(moved && { moved: Object.fromEntries(Object.entries(moved).filter(([name]) => isHeld(name))) }),
    ...(dropped && { dropped: dropped.filter(isHeld) }),
  };
}
