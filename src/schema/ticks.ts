/**
 * Kusto's time is counted in ticks of 100 ns, 64 bits of them: more than a double holds, and a BigInt per value costs
 * more than the rest of the packing. So a time travels as whole milliseconds and the ticks (0 to 9999) above them, both
 * exact in doubles, until its two 32-bit words stand on the tape.
 */
export interface Ticks {
  /** Whole milliseconds, rounded down: from 0001-01-01 for a datetime, from zero for a timespan. */
  ms: number;
  /** Ticks above them, 0 to 9999. */
  rest: number;
}

/** Milliseconds from 0001-01-01 to 1970-01-01. */
export const msTo1970 = 62_135_596_800_000;

/** Milliseconds from 0001-01-01 to 10000-01-01: the first datetime that Kusto does not have. */
export const msTo10000 = 315_537_897_600_000;

/** The last tick of the year 9999. */
export const lastTick = 3_155_378_975_999_999_999n;

/** Splits milliseconds with a fraction; the fraction is rounded to the tick. */
export function splitMs(ms: number, into: Ticks): void {
  const whole = Math.floor(ms);
  const rest = Math.round((ms - whole) * 10_000);
  // Within half a tick of the next millisecond the fraction rounds up to all of it.
  into.ms = rest === 10_000 ? whole + 1 : whole;
  into.rest = rest === 10_000 ? 0 : rest;
}

/**
 * Writes ms * 10 000 + rest as a 64-bit integer. The low word is exact because `Math.imul` multiplies modulo 2^32 (and
 * reduces a double of any size to its low 32 bits first). The high word is exact because the double product is wrong by
 * at most 1024, so that after taking the low word off it lies within 1024 / 2^32 of the integer it stands for.
 */
export function writeTicks(words: Int32Array, at: number, ms: number, rest: number): void {
  const low = (Math.imul(ms, 10_000) + rest) >>> 0;
  words[at] = low;
  words[at + 1] = Math.round((ms * 10_000 + rest - low) / 4_294_967_296);
}

/** Ticks of a text of milliseconds, rounded to the tick; undefined for what is no plain number of a sensible length. */
export function ticksOfMs(text: string): bigint | undefined {
  const [, sign, whole, fraction = ""] = /^(-?)(\d{1,20})(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === undefined) return undefined;
  // The fifth digit decides, and a half goes up, as it does for a number.
  const size = (BigInt(whole + fraction.slice(0, 5).padEnd(5, "0")) + (sign === "-" ? 4n : 5n)) / 10n;
  return sign === "-" ? -size : size;
}
