import { aborted } from "../../errors.ts";
import { ticksPerMillisecond, unixEpoch } from "../values/ticks.ts";

/**
 * The emulator's time. It runs with the machine's, until a test makes it run faster or puts it forward: retention,
 * batching and the life of operations then pass without anybody waiting for them. It never goes back.
 */
export interface EmulatorClock {
  /** Milliseconds since 1970, as `Date.now()`. */
  now(): number;
  /** How many milliseconds pass in one of the machine's; default 1. Any positive number, also below 1. */
  speed: number;
  /** Puts the clock forward by so many milliseconds; what waited for less than that goes on. */
  advance(ms: number): void;
}

/** The clock as the emulator's parts use it. */
export interface EngineClock extends EmulatorClock {
  /** Kusto's datetime: 100 ns since year 1. */
  ticks(): bigint;
  /**
   * Waits until so many of the clock's milliseconds have passed.
   *
   * @throws MillraceError ABORTED.
   */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
}

/** setTimeout takes no more, and fires at once instead. */
const longestTimerMs = 2_147_483_647;

interface Waiter {
  readonly due: number;
  timer: NodeJS.Timeout | undefined;
  readonly go: () => void;
}

export function createClock(realNow: () => number = Date.now): EngineClock {
  let [realStart, ownStart, speed] = [realNow(), realNow(), 1];
  const waiters = new Set<Waiter>();
  // The machine's clock may be set back; ours stands still then.
  const now = () => ownStart + Math.max(0, realNow() - realStart) * speed;
  const restart = (ms: number) => {
    [ownStart, realStart] = [ms, realNow()];
  };
  const arm = (waiter: Waiter) => {
    clearTimeout(waiter.timer);
    const left = waiter.due - now();
    if (left <= 0) waiter.go();
    else waiter.timer = setTimeout(() => arm(waiter), Math.min(Math.ceil(left / speed), longestTimerMs));
  };
  const armAll = () => {
    for (const waiter of waiters) arm(waiter);
  };
  return {
    now: () => Math.floor(now()),
    ticks: () => unixEpoch + BigInt(Math.floor(now())) * ticksPerMillisecond,
    get speed() {
      return speed;
    },
    set speed(value) {
      if (!(value > 0 && value < Number.POSITIVE_INFINITY))
        throw new RangeError(`The speed of the emulator's clock must be a positive number, not ${value}.`);
      restart(now());
      speed = value;
      armAll();
    },
    advance(ms) {
      if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY))
        throw new RangeError(`The emulator's clock can be put forward by a number of milliseconds, not by ${ms}.`);
      restart(now() + ms);
      armAll();
    },
    wait(ms, signal) {
      if (signal?.aborted) return Promise.reject(aborted(signal, "waiting for the emulator's clock"));
      return new Promise((resolve, reject) => {
        const end = () => {
          clearTimeout(waiter.timer);
          waiters.delete(waiter);
          signal?.removeEventListener("abort", stop);
        };
        const stop = () => {
          end();
          reject(aborted(signal!, "waiting for the emulator's clock"));
        };
        const waiter: Waiter = {
          due: now() + ms,
          timer: undefined,
          go() {
            end();
            resolve();
          },
        };
        waiters.add(waiter);
        signal?.addEventListener("abort", stop, { once: true });
        arm(waiter);
      });
    },
  };
}
