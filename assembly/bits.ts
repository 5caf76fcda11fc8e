// The deflate bit stream (RFC 1951, 3.1.1: bits are packed from the lowest of each byte on) over the output arena. Bits gather in a
// 64-bit word; a flush stores the word whole and steps over its full bytes, so at most 7 bits stay behind. Hot loops take the three
// numbers into locals and put them back with setBits.

let output: usize = 0;
let pending: u64 = 0;
let pendingCount: i32 = 0;

/** Begins at `out`, on a byte boundary. Each flush may store up to eight bytes behind the position. */
export function startBits(out: usize): void {
  setBits(out, 0, 0);
}

export function setBits(out: usize, bits: u64, count: i32): void {
  output = out;
  pending = bits;
  pendingCount = count;
}

/** Where the next full byte goes. */
export function bitsOutput(): usize {
  return output;
}

/** Bits not yet in a full byte, the first lowest. */
export function pendingBits(): u64 {
  return pending;
}

/** How many they are: below 8 after each function here. */
export function pendingBitCount(): i32 {
  return pendingCount;
}

/** Appends the lowest `count` <= 56 bits of `bits`; those above must be 0. */
export function putBits(bits: u64, count: i32): void {
  pending |= bits << pendingCount;
  pendingCount += count;
  store<u64>(output, pending);
  output += pendingCount >> 3;
  pending >>= pendingCount & 56;
  pendingCount &= 7;
}

/** Fills the current byte with zero bits. */
export function alignBits(): void {
  if (pendingCount > 0) putBits(0, 8 - pendingCount);
}

/** Copies whole bytes; the stream must be aligned. */
export function putBytes(from: usize, length: i32): void {
  memory.copy(output, from, length);
  output += length;
}

/** Starts anew at `out` what was written up to here, taking the unfinished byte along. */
export function moveBits(out: usize): void {
  output = out;
}
