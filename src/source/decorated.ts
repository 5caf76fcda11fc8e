import type { Source } from "./source.ts";

/**
 * A source that is read otherwise, and is the same in all else. By hand, not by `{ ...source }`, which leaves out the methods of a class
 * and asks getters too early.
 */
export function decorated<A, B>(source: Source<A>, read: Source<B>["read"]): Source<B> {
  const { prefetch, lease } = source;
  return {
    get name() {
      return source.name;
    },
    get recovery() {
      return source.recovery;
    },
    ...(prefetch !== undefined && { prefetch }),
    ...(lease && { lease }),
    read,
    ...(source.acknowledge && { acknowledge: (positions) => source.acknowledge!(positions) }),
    ...(source.release && { release: (signal) => source.release!(signal) }),
    ...(source.stop && { stop: () => source.stop!() }),
    ...(source.close && { close: () => source.close!() }),
  };
}
