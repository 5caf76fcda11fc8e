/** When a fault strikes, among the requests or messages that it could strike. Given together, all of them must hold. */
export interface FaultTiming {
  /** How many pass before the first one is struck; default 0. */
  readonly after?: number;
  /** Of those that are left, each so-manieth is struck: 2 is the second, the fourth and so on. Default 1, each. */
  readonly every?: number;
  /** Of those that are left, this part is struck, by the seed: 0.25 is one in four. Default 1. */
  readonly chance?: number;
  /** How many are struck; then the fault is over. Default 1, or no limit where `every`, `chance` or `forMs` is given. */
  readonly times?: number;
  /** From when on it strikes, in milliseconds of the emulator's clock after it was asked for; default 0. */
  readonly fromMs?: number;
  /** For how long, in milliseconds of the emulator's clock; default without end. */
  readonly forMs?: number;
}

/** Asked once for each that could be struck; keeps count. */
export interface Trigger {
  strikes(): boolean;
  readonly struck: number;
  /** Will not strike any more. */
  readonly isOver: boolean;
}

export function trigger(timing: FaultTiming, { seed, now }: { seed: number; now: () => number }): Trigger {
  const { after = 0, every = 1, chance = 1, fromMs = 0, forMs = Number.POSITIVE_INFINITY } = timing;
  const isOpen = timing.every !== undefined || timing.chance !== undefined || timing.forMs !== undefined;
  const times = timing.times ?? (isOpen ? Number.POSITIVE_INFINITY : 1);
  const start = now() + fromMs;
  let seen = 0;
  let struck = 0;
  return {
    strikes() {
      const at = now();
      if (struck >= times || at < start || at >= start + forMs) return false;
      const n = seen++ - after;
      if (n < 0 || (n + 1) % every !== 0 || fraction(seed, n) >= chance) return false;
      struck++;
      return true;
    },
    get struck() {
      return struck;
    },
    get isOver() {
      return struck >= times || now() >= start + forMs;
    },
  };
}

/** A number from 0 to 1 that looks random, and is the same for the same two numbers: the mixing step of mulberry32. */
export function fraction(seed: number, n: number): number {
  let mixed = (seed + Math.imul(n + 1, 0x6d2b79f5)) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
}
