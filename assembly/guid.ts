// Text of a guid: 36 lower-case characters, 8-4-4-4-12, from its 16 bytes in the order they are read (RFC 9562).

/** Writes the guid whose first eight bytes are `hi`, big-endian, and whose last eight are `lo`; 36 bytes. */
export function writeGuid(out: usize, hi: u64, lo: u64): usize {
  const bytes = i64x2.replace_lane(i64x2.splat(bswap(hi)), 1, bswap(lo));
  const upper = i8x16.shr_u(bytes, 4);
  const lower = v128.and(bytes, i8x16.splat(0x0f));
  const first = hexadecimal(v128.shuffle<u8>(upper, lower, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
  const second = hexadecimal(v128.shuffle<u8>(upper, lower, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31));
  // Each piece is followed by its dash before the next piece is laid over nothing: 8 - 4 - 4 - 4 - 12.
  store<u64>(out, i64x2.extract_lane(first, 0));
  store<u8>(out + 8, 0x2d);
  store<u32>(out + 9, i32x4.extract_lane(first, 2));
  store<u8>(out + 13, 0x2d);
  store<u32>(out + 14, i32x4.extract_lane(first, 3));
  store<u8>(out + 18, 0x2d);
  store<u32>(out + 19, i32x4.extract_lane(second, 0));
  store<u8>(out + 23, 0x2d);
  store<u32>(out + 24, i32x4.extract_lane(second, 1));
  store<u64>(out + 28, i64x2.extract_lane(second, 1));
  return out + 36;
}

function hexadecimal(nibbles: v128): v128 {
  return v128.swizzle(i8x16(48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 97, 98, 99, 100, 101, 102), nibbles);
}
