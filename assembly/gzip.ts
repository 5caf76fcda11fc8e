// One gzip member at a time (RFC 1952) over fixed memory: header, deflate stream, CRC-32 and length.
//
// The caller puts bytes at gzipInput(), up to gzipInputCapacity() of them, calls gzipWrite(), and takes what gzipOutput() holds before the
// next write; a row is encoded straight into the deflate window and not copied again. The output arena has room for
// all that one write and the finish behind it can send.
//
// Or one segment at a time: several instances pack parts of one batch, and the host joins them to ONE member: the ten bytes of the
// header (1f 8b 08 00 00 00 00 00 04 ff, with 00 for 04 from level 2 on), the segments in their order, a last empty block (03 00), the
// CRC of all, combined of theirs, and the sum of the lengths modulo 2^32, both little-endian (src/encode/gzip-member.ts). A segment that
// begins anew has no history: it costs what its first matches would have saved. One that goes on behind the last costs the cut in its block.
import { crc32 } from "./crc32";
import { alignBits, bitsOutput, moveBits } from "./bits";
import { deflateCapacity, deflateFinish, deflateFinishSegment, deflateInput, deflateReset, deflateWrite, MAX_OUTPUT_PER_WRITE } from "./deflate";

const HEADER_BYTES: i32 = 10;
const TRAILER_BYTES: i32 = 8;
/** Room for what one write and the finish can send, header and trailer, and the eight bytes that a store of bits may spill. */
const OUTPUT: usize = memory.data(MAX_OUTPUT_PER_WRITE + 64, 16);

let crc: u32 = 0;
let rawLength: u64 = 0;

/** Begins a member. `level`: 1 for speed, from 2 on for size. */
export function gzipReset(level: i32): void {
  // Magic, deflate, no flags; no time (the same rows give the same bytes); "fastest" or nothing said; unknown system.
  store<u64>(OUTPUT, 0x00088b1f);
  store<u16>(OUTPUT, level < 2 ? 0xff04 : 0xff00, 8);
  deflateReset(OUTPUT + HEADER_BYTES, level);
  crc = 0;
  rawLength = 0;
}

/** Where the caller puts the next bytes; changes with every gzipWrite. Some bytes behind the capacity may be touched too. */
export function gzipInput(): usize {
  return deflateInput();
}

/** How many bytes may be put there before the next gzipWrite: 64 KiB at least. */
export function gzipInputCapacity(): i32 {
  return deflateCapacity();
}

/** Takes `length` bytes that were put at gzipInput(). */
export function gzipWrite(length: i32): void {
  crc = crc32(crc, deflateInput(), length);
  rawLength += length;
  deflateWrite(length);
}

/** Ends the member: the last block, CRC-32, length modulo 2^32. */
export function gzipFinish(): void {
  deflateFinish();
  alignBits();
  const out = bitsOutput();
  store<u32>(out, crc);
  store<u32>(out, <u32>rawLength, 4);
  moveBits(out + TRAILER_BYTES);
}

/** Begins a segment of a member, without header. gzipInput, gzipWrite and gzipOutput are used as for a member. */
export function gzipSegmentBegin(level: i32): void {
  deflateReset(OUTPUT, level);
  crc = 0;
  rawLength = 0;
}

/** Begins the segment that will stand right behind the one just finished: matches may reach back into that. */
export function gzipSegmentGoOn(): void {
  crc = 0;
  rawLength = 0;
}

/** Ends the segment on a byte boundary; gzipCrc and gzipRawLength then say what the host needs to join it. */
export function gzipSegmentFinish(): void {
  deflateFinishSegment();
}

/** CRC-32 of the uncompressed bytes of the member or segment so far. */
export function gzipCrc(): u32 {
  return crc;
}

export function gzipOutput(): usize {
  return OUTPUT;
}

/** Bytes sent and not yet consumed. */
export function gzipOutputLength(): i32 {
  return <i32>(bitsOutput() - OUTPUT);
}

/** The caller has copied them. The bits of an unfinished byte stay with the stream. */
export function gzipOutputConsume(): void {
  moveBits(OUTPUT);
}

/** Uncompressed bytes of the member or segment so far. */
export function gzipRawLength(): f64 {
  return <f64>rawLength;
}
