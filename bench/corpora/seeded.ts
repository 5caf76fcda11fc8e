/** A repeatable stream of numbers in [0, 1): mulberry32, so that every run and every machine has the same corpus. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    next,
    below,
    pick: (list) => list[below(list.length)]!,
    hex: (digits) => Array.from({ length: digits }, () => below(16).toString(16)).join(""),
  };
}

export interface Random {
  /** In [0, 1). */
  next(): number;
  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number;
  pick<T>(list: readonly T[]): T;
  hex(digits: number): string;
}

export function guid({ hex }: Random): string {
  return `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
}

/** Texts of words, the frequent ones first in the list more often, as in prose. */
export function sentence({ next }: Random, words: readonly string[], length: number): string {
  return Array.from({ length }, () => words[Math.floor(next() ** 2 * words.length)]!).join(" ");
}
