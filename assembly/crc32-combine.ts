// The CRC-32 of two runs of bytes behind each other, from the CRCs of each and the length of the second: what lets segments that
// were packed apart join into one gzip member.
//
// A zero byte behind a run multiplies its remainder by x^8, so the first CRC is multiplied by x^(8 * length), taken by repeated squaring
// (M. Adler describes the same for zlib), and the second added. The inversions before and after cancel out.

/** x^0 and x^8 as remainders, the highest power in the lowest bit. */
const ONE: u32 = 0x80000000;
const X8: u32 = 0x00800000;
const POLYNOMIAL: u32 = 0xedb88320;

/** `length2` is a whole number of bytes below 2^53. */
export function crc32Combine(crc1: u32, crc2: u32, length2: f64): u32 {
  let power = ONE;
  let square = X8;
  for (let n = <u64>length2; n > 0; n >>= 1) {
    if (n & 1) power = multiply(power, square);
    square = multiply(square, square);
  }
  return multiply(power, crc1) ^ crc2;
}

/** The product of two remainders. */
function multiply(a: u32, b: u32): u32 {
  let product: u32 = 0;
  for (; a != 0; a <<= 1) {
    if (a & ONE) product ^= b;
    b = (b >> 1) ^ (b & 1 ? POLYNOMIAL : 0);
  }
  return product;
}
