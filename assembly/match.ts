// How long two places in the window agree.

export const MAX_MATCH: u32 = 258;
/** Bytes that a compare may read behind its first: the longest match, rounded up to whole steps. */
export const COMPARED_BYTES: i32 = 288;

/**
 * How many bytes agree, at most MAX_MATCH. The first 32 without a branch: most matches end there, and a loop of
 * eight or sixteen bytes a turn is mispredicted at every second of them.
 */
export function matchLength(at: usize, candidate: usize): u32 {
  let difference = differences32(at, candidate);
  if (difference != 0) return ctz(difference);
  let length: u32 = 32;
  do {
    difference = differences32(at + length, candidate + length);
    if (difference != 0) return min(length + ctz(difference), MAX_MATCH);
    length += 32;
  } while (length < MAX_MATCH);
  return MAX_MATCH;
}

/** A bit for each of 32 bytes, set where they differ. */
function differences32(a: usize, b: usize): u32 {
  const first = i8x16.bitmask(i8x16.eq(v128.load(a), v128.load(b)));
  const second = i8x16.bitmask(i8x16.eq(v128.load(a, 16), v128.load(b, 16)));
  return ~(first | (second << 16));
}
