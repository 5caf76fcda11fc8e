import { AsyncLocalStorage } from "node:async_hooks";

/** A call of a dead letter that the sink waits for. */
export type LetterCall = "write()" | "close()";

/**
 * Knows whether the running code belongs to a call of the sink's dead letter, also behind its awaits. Such code must not wait for the
 * sink, which waits for the dead letter.
 */
export interface LetterScope {
  /** Some call of the dead letter has not settled. */
  readonly isOpen: boolean;
  /** The unsettled call that the running code belongs to. */
  readonly current: LetterCall | undefined;
  /** Makes a call of the dead letter: at once. */
  run(call: LetterCall, act: () => Promise<void> | void): Promise<void>;
}

interface Entry {
  readonly scope: LetterScope;
  readonly call: LetterCall;
  isOpen: boolean;
  /** Of another sink, whose dead letter writes into this one. */
  outer: Entry | undefined;
}

/** One for all sinks. Before Node 24 each promise costs a little more from the first `run()` on: so it is entered for dead letters only. */
const entries = new AsyncLocalStorage<Entry | undefined>();

export function letterScope(): LetterScope {
  let open = 0;
  const scope: LetterScope = {
    get isOpen() {
      return open > 0;
    },
    get current() {
      if (open === 0) return undefined;
      for (let entry = entries.getStore(); entry !== undefined; entry = entry.outer)
        if (entry.isOpen && entry.scope === scope) return entry.call;
      return undefined;
    },
    async run(call, act) {
      const entry: Entry = { scope, call, isOpen: true, outer: unsettled(entries.getStore()) };
      open++;
      try {
        await entries.run(entry, act);
      } finally {
        open--;
        entry.isOpen = false;
        entry.outer = undefined;
      }
    },
  };
  return scope;
}

/** The nearest entry that is still open: settled ones must not pile up behind a long-lived task. */
function unsettled(entry: Entry | undefined): Entry | undefined {
  let nearest = entry;
  while (nearest !== undefined && !nearest.isOpen) nearest = nearest.outer;
  return nearest;
}
