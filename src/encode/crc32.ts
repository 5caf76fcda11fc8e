/**
 * CRC-32 as gzip has it (RFC 1952): of bytes, for the encoder without WebAssembly, and of two runs behind each other from
 * the CRCs of both, which is what lets segments that were packed apart join into one gzip member.
 */

/** The generator, its highest power in the lowest bit. */
const polynomial = 0xedb88320;
/** x^0 and x^8 as remainders. */
const one = 0x80000000;
const x8 = 0x00800000;

let table: Uint32Array | undefined;

/** The CRC of what `crc` is of, followed by `bytes`; 0 is that of nothing. */
export function crc32(crc: number, bytes: Uint8Array): number {
  table ??= remainders();
  let register = ~crc;
  for (const byte of bytes) register = table[(register ^ byte) & 0xff]! ^ (register >>> 8);
  return ~register >>> 0;
}

function remainders(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? polynomial : 0);
    return remainder;
  });
}

/**
 * The CRC of two runs behind each other; the second has `length2` bytes, below 2^53. A zero byte behind a run multiplies its
 * remainder by x^8, so the first CRC is multiplied by x^(8 * length2), taken by repeated squaring (M. Adler describes the
 * same for zlib), and the second added. The inversions before and after cancel out. Some 3 us.
 */
export function crc32Combine(crc1: number, crc2: number, length2: number): number {
  let power = one;
  let square = x8;
  for (let rest = length2; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = multiply(power, square);
    square = multiply(square, square);
  }
  return (multiply(power, crc1) ^ crc2) >>> 0;
}

/** The product of two remainders. */
function multiply(a: number, b: number): number {
  let product = 0;
  let factor = b;
  for (let bits = a; bits !== 0; bits <<= 1) {
    if (bits & one) product ^= factor;
    factor = (factor >>> 1) ^ (factor & 1 ? polynomial : 0);
  }
  return product;
}
