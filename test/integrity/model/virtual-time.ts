import { setImmediate as turn } from "node:timers/promises";
import type { RetryClock } from "../../../src/deliver/backoff.ts";
import { aborted } from "../../../src/errors.ts";

/** Time that passes only when nobody has anything to do: a trial takes no time, and the same course for the same seed. */
export interface VirtualTime extends RetryClock {
  sleep(ms: number, signal?: AbortSignal, doing?: string): Promise<void>;
  /** Gives way to the others, for a seeded number of turns. */
  pause(): Promise<void>;
  /** Runs until `work` settles, letting time pass, and calls `onTick` at each step. */
  run<T>(work: Promise<T>, onTick: (now: number) => void): Promise<T>;
}

interface Sleeper {
  readonly due: number;
  wake(): void;
}

/** An hour of virtual time is a hang. */
const longestMs = 3_600_000;

export function virtualTime(random: () => number): VirtualTime {
  let now = 0;
  let sleepers: Sleeper[] = [];

  function sleep(ms: number, signal?: AbortSignal, doing = "sleeping"): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(aborted(signal, doing));
      const sleeper: Sleeper = { due: now + Math.max(ms, 0.001), wake: () => resolve() };
      sleepers.push(sleeper);
      signal?.addEventListener(
        "abort",
        () => {
          sleepers = sleepers.filter((other) => other !== sleeper);
          reject(aborted(signal, doing));
        },
        { once: true },
      );
    });
  }

  return {
    now: () => now,
    random,
    sleep,
    pause: () => sleep(random() * 20),
    async run(work, onTick) {
      let isDone = false;
      const watched = work.finally(() => {
        isDone = true;
      });
      watched.catch(() => {});
      while (!isDone) {
        // A turn of the loop lets everything go on that waits for nothing but promises.
        await turn();
        if (isDone) break;
        const next = sleepers.reduce<Sleeper | undefined>((a, b) => (a && a.due <= b.due ? a : b), undefined);
        if (!next) continue;
        if (next.due > longestMs) throw new Error("the trial hangs");
        now = Math.max(now, next.due);
        onTick(now);
        sleepers = sleepers.filter((other) => other !== next);
        next.wake();
      }
      return watched;
    },
  };
}
