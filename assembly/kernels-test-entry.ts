// The kernels by themselves, for test/assembly: not part of the shipped module.
import { sixteenDigits } from "./digits";
import { writeU64 } from "./int";
import { writeF64 } from "./float";

export { writeU32, writeI32, writeU64, writeI64 } from "./int";
export { writeF64 } from "./float";
export { writeDatetime, writeTimespan } from "./time";
export { writeGuid } from "./guid";
export { crc32 } from "./crc32";
export { crc32c } from "./crc32c";
export { powerHigh, powerLow } from "./pow10";
export { buildLengths, buildCodes } from "./huffman";
export {
  gzipReset,
  gzipInput,
  gzipInputCapacity,
  gzipWrite,
  gzipFinish,
  gzipOutput,
  gzipOutputLength,
  gzipOutputConsume,
  gzipRawLength,
  gzipSegmentBegin,
  gzipSegmentFinish,
  gzipSegmentGoOn,
  gzipCrc,
} from "./gzip";

const ARENA: usize = memory.data(1048576, 16);

/** A mebibyte for the test's own use. */
export function arena(): usize {
  return ARENA;
}

/** Texts of `count` doubles at `values`, one a line, written at `out`; returns the length. One call for all of them. */
export function writeF64Lines(values: usize, count: i32, out: usize): usize {
  let to = out;
  for (let i = 0; i < count; i++) {
    to = writeF64(to, load<f64>(values + (<usize>i << 3)));
    store<u8>(to++, 0x0a);
  }
  return to - out;
}

/** The same for u64. */
export function writeU64Lines(values: usize, count: i32, out: usize): usize {
  let to = out;
  for (let i = 0; i < count; i++) {
    to = writeU64(to, load<u64>(values + (<usize>i << 3)));
    store<u8>(to++, 0x0a);
  }
  return to - out;
}

/** The bytes of sixteenDigits at `out`, in ASCII. */
export function writeSixteenDigits(out: usize, upper: u64, lower: u64): usize {
  v128.store(out, v128.or(sixteenDigits(upper, lower), i8x16.splat(0x30)));
  return out + 16;
}
