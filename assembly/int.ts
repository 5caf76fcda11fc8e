// Decimal text of integers. Each function writes at `out` and returns the position behind the text. To save branches whole words are stored: up
// to MAX_INT_TEXT bytes from `out` on may be touched, whatever the length of the text.
import { ASCII_ZEROS, divideBy1e8, eightDigits } from "./digits";

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
  if (high < 100000000) return write8(writeUpTo8(out, high), low);
  const top = divideBy1e8(high);
  return write8(write8(writeUpTo8(out, top), high - top * 100000000), low);
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

/** v < 10^8 without leading zeros: they are counted in the word and shifted out of it. */
function writeUpTo8(out: usize, v: u64): usize {
  const digits = eightDigits(v);
  const leading = ctz(digits | (<u64>1 << 56)) >> 3; // the last digit always stays
  store<u64>(out, (digits | ASCII_ZEROS) >> (leading << 3));
  return out + 8 - <usize>leading;
}
