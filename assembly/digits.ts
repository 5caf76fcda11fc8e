// Decimal digits of unsigned integers, the part that int, float and time have in common.
//
// Eight digits are made at once inside one 64-bit word (SWAR): split by 10^4, then by 10^2, then by 10, each split done
// for all lanes with one multiplication by a scaled reciprocal. There is no division and no branch. The reciprocals are exact for
// the ranges stated: floor(v * 109951163 / 2^40) = v / 10^4 for v < 10^8, floor(v * 5243 / 2^19) = v / 100 for
// v < 10^4, floor(v * 103 / 2^10) = v / 10 for v < 100 (test/assembly/int.test.ts walks them).

/** The eight bytes "00000000". */
export const ASCII_ZEROS: u64 = 0x3030303030303030;

/** The eight decimal digits of v < 10^8 as bytes 0-9 (not yet ASCII), the first digit in the lowest byte. */
export function eightDigits(v: u64): u64 {
  const high = (v * 109951163) >> 40;
  const fours = high | ((v - high * 10000) << 32);
  const hundreds = ((fours * 5243) >> 19) & 0x0000007f0000007f;
  const twos = hundreds | ((fours - hundreds * 100) << 16);
  const tens = ((twos * 103) >> 10) & 0x000f000f000f000f;
  return tens | ((twos - tens * 10) << 8);
}

/** v / 10^8 for every v: WebAssembly engines divide 64-bit numbers slowly, even by a constant. */
export function divideBy1e8(v: u64): u64 {
  return mulHigh(v, 0xabcc77118461cefd) >> 26;
}

/** The upper half of the 128-bit product, from four 32-bit products: WebAssembly has no instruction for it. */
export function mulHigh(a: u64, b: u64): u64 {
  const a0 = a & 0xffffffff;
  const a1 = a >> 32;
  const b0 = b & 0xffffffff;
  const b1 = b >> 32;
  const middle = a1 * b0 + ((a0 * b0) >> 32);
  const other = a0 * b1 + (middle & 0xffffffff);
  return a1 * b1 + (middle >> 32) + (other >> 32);
}

/**
 * The sixteen digits of upper * 10^8 + lower, both below 10^8, as bytes 0-9, the first digit in lane 0. The same splits with vectors: a
 * double took 29 ns with eightDigits() twice and takes 21 so, a datetime 9 less. A 32-bit lane is multiplied as two of 16 bits whose upper one is 0, which
 * is faster than i32x4.mul and asks for factors below 2^15; but for the first, these are.
 */
export function sixteenDigits(upper: u64, lower: u64): v128 {
  const both = i64x2.splat(upper | (lower << 32));
  const high = i64x2.shr_u(i64x2.extmul_low_i32x4_u(both, v128.load(FACTORS)), 40);
  const low = i64x2.sub(i64x2.extend_low_i32x4_u(both), i32x4.dot_i16x8_s(high, v128.load(FACTORS, 16)));
  const fours = v128.or(high, i64x2.shl(low, 32));
  const hundreds = i32x4.shr_u(i32x4.dot_i16x8_s(fours, v128.load(FACTORS, 32)), 19);
  const twos = v128.or(hundreds, i32x4.shl(i32x4.sub(fours, i32x4.dot_i16x8_s(hundreds, v128.load(FACTORS, 48))), 16));
  const tens = i16x8.shr_u(i16x8.mul(twos, v128.load(FACTORS, 64)), 10);
  return v128.or(tens, i16x8.shl(i16x8.sub(twos, i16x8.mul(tens, v128.load(FACTORS, 80))), 8));
}

/** Loaded, because engines build a constant vector anew, by three instructions, wherever it stands. */
const FACTORS: usize = memory.data<u32>([
  109951163, 109951163, 109951163, 109951163,
  10000, 10000, 10000, 10000,
  5243, 5243, 5243, 5243,
  100, 100, 100, 100,
  0x00670067, 0x00670067, 0x00670067, 0x00670067,
  0x000a000a, 0x000a000a, 0x000a000a, 0x000a000a,
], 16);
