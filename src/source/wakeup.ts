/** Wakes one waiter that looks at several things. A signal that comes while nobody waits is kept for the next wait. */
export interface Wakeup {
  signal(): void;
  /** Resolves at the next signal, or after `ms`. Default: only at a signal. */
  wait(ms?: number): Promise<void>;
}

/** The longest delay `setTimeout` takes; beyond it fires at once. */
export const longestTimeoutMs = 2 ** 31 - 1;

export function wakeup(): Wakeup {
  let isSignalled = false;
  let resume: (() => void) | undefined;
  return {
    signal() {
      isSignalled = true;
      resume?.();
    },
    async wait(ms = Infinity) {
      let timer: NodeJS.Timeout | undefined;
      if (!isSignalled)
        await new Promise<void>((resolve) => {
          resume = resolve;
          if (ms !== Infinity) timer = setTimeout(resolve, Math.min(Math.max(0, ms), longestTimeoutMs));
        });
      clearTimeout(timer);
      resume = undefined;
      isSignalled = false;
    },
  };
}
