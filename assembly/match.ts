// How long two places in the window agree.

export const MAX_MATCH: u32 = 258;
export const HISTORY: u32 = 32768;
/** Bytes that a compare may read behind its first: the longest match, rounded up to whole steps. */
export const COMPARED_BYTES: i32 = 288;

/**
 * How many bytes agree, at most MAX_MATCH. The first 32 without a branch: most matches end there, and a loop of
 * eight or sixteen bytes a turn is mispredicted at every second of them.
 */
export function matchLength(at: usize, candidate: usize): u32 {
  let behind = agreement32(at, candidate);
  if (behind != 0) return ctz(behind);
  let length: u32 = 32;
  do {
    behind = agreement32(at + length, candidate + length);
    if (behind != 0) return min(length + ctz(behind), MAX_MATCH);
    length += 32;
  } while (length < MAX_MATCH);
  return MAX_MATCH;
}

/** Its lowest set bit is the place of the first of 32 bytes that differs; 0 if none does. Adding one to the agreements makes it. */
function agreement32(a: usize, b: usize): u32 {
  const first = i8x16.bitmask(i8x16.eq(v128.load(a), v128.load(b)));
  const second = i8x16.bitmask(i8x16.eq(v128.load(a, 16), v128.load(b, 16)));
  return <u32>(first + 1) + (<u32>second << 16);
}
