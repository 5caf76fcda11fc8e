// Decimal text of integers. Each function writes at `out` and returns the position behind the text. To save branches whole words are stored: up
// to MAX_INT_TEXT bytes from `out` on may be touched, whatever the length of the text.
import { ASCII_ZEROS, divideBy1e8, eightDigits, sixteenDigits } from "./digits";

/** Room that must be writable at `out`: 20 characters at most, and what the last 8-byte store may spill. */
export const MAX_INT_TEXT: i32 = 32;

export function writeU32(out: usize, v: u32): usize {
  if (v < 100000000) return writeUpTo8(out, v);
  const high = v / 100000000;
  return write8(writeUpTo8(out, high), v - high * 100000000);
}

export function writeI32(out: usize, v: i32): usize {
  if (v >= 0) return writeU32(out, v);
  store<u8>(out, 0x2d);
  return writeU32(out + 1, 0 - <u32>v);
}

export function writeU64(out: usize, v: u64): usize {
  if (v < 100000000) return writeUpTo8(out, v);
  const high = divideBy1e8(v);
  const low = v - high * 100000000;
  if (high < 100000000) return writeUpTo16(out, high, low);
  const top = divideBy1e8(high);
  out = writeUpTo8(out, top);
  v128.store(out, v128.or(sixteenDigits(high - top * 100000000, low), i8x16.splat(0x30)));
  return out + 16;
}

export function writeI64(out: usize, v: i64): usize {
  if (v >= 0) return writeU64(out, v);
  store<u8>(out, 0x2d);
  return writeU64(out + 1, 0 - <u64>v); // right for the minimum too: its magnitude is 2^63 modulo 2^64
}

/** Exactly eight digits of v < 10^8. */
function write8(out: usize, v: u64): usize {
  store<u64>(out, eightDigits(v) | ASCII_ZEROS);
  return out + 8;
}

/** high * 10^8 + low, both below 10^8 and not both 0, without leading zeros: they are counted in the vector and turned out of it. */
function writeUpTo16(out: usize, high: u64, low: u64): usize {
  const digits = sixteenDigits(high, low);
  const leading = ctz(i8x16.bitmask(i8x16.ne(digits, i8x16.splat(0))));
  const places = i8x16.add(v128.load(PLACES), i8x16.splat(<i8>leading));
  v128.store(out, v128.swizzle(v128.or(digits, i8x16.splat(0x30)), places));
  return out + 16 - <usize>leading;
}

const PLACES: usize = memory.data<u8>([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], 16);

/** v < 10^8 without leading zeros: they are counted in the word and shifted out of it. */
function writeUpTo8(out: usize, v: u64): usize {
  const digits = eightDigits(v);
  const leading = ctz(digits | (<u64>1 << 56)) >> 3; // the last digit always stays
  store<u64>(out, (digits | ASCII_ZEROS) >> (leading << 3));
  return out + 8 - <usize>leading;
}
