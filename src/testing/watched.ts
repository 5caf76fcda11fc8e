import type { EpochHandle } from "../checkpoint/epoch.ts";
import type { Destination, DestinationSession, EpochCommitter } from "../destination/destination.ts";
import type { Payload } from "../encode/payload.ts";

/** What a test does otherwise than the destination. */
export interface Watch {
  session?(session: DestinationSession<Payload>): Partial<DestinationSession<Payload>>;
  committer?(committer: EpochCommitter<Payload>): Partial<EpochCommitter<Payload>>;
  epoch?(epoch: EpochHandle<Payload>): Partial<EpochHandle<Payload>>;
}

/** The destination with some members of what it opens replaced. A class keeps its private members. */
export function watched(destination: Destination<Payload>, watch: Watch): Destination<Payload> {
  const { openEpochs } = destination;
  return replaced(destination, {
    open: async (context) => {
      const session = await destination.open(context);
      return replaced(session, watch.session?.(session) ?? {});
    },
    ...(openEpochs && {
      openEpochs: async (context) => {
        const committer = await destination.openEpochs!(context);
        const changed = watch.committer?.(committer) ?? {};
        return replaced(committer, {
          ...changed,
          commit(epoch, signal, hooks) {
            const handle = replaced(epoch, watch.epoch?.(epoch) ?? {});
            return changed.commit ? changed.commit(handle, signal, hooks) : committer.commit(handle, signal, hooks);
          },
        });
      },
    }),
  });
}

/** The object with other members in the place of its own. Its methods are called on the object itself. */
export function replaced<T extends object>(object: T, members: Partial<T>): T {
  return new Proxy(object, {
    get(target, name) {
      if (Object.hasOwn(members, name)) return members[name as keyof T];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
    has: (target, name) => Object.hasOwn(members, name) || Reflect.has(target, name),
  });
}
