// Deflate (RFC 1951) as a stream over fixed memory: the caller puts bytes into the window, the parser finds matches up to 32 KiB
// back, across writes and blocks, and blocks go out when they are full.
//
// Parser: greedy, one candidate per hash of SIX bytes, no match shorter than six. Deflate allows three, and zlib takes them; but in rows of
// numbers a match of four or five digits far back costs more bits (length 7, distance 5 + 13) than the digits do (3.5 each),
// and finding them is a mispredicted branch each. Measured on telemetry CSV with 15 bits of hash (zlib level 1: ratio 2.74): matches from
// four bytes 2.75, from four unless far 2.93, from five 2.94, from six 2.98 and 1.7 times as fast as from four; the same order
// on NDJSON, logs, program text and the vega-datasets files. Seven and eight are faster on numbers and lose on words. Prose
// would rather have five (3.37 against 3.34), and pays for it in telemetry.
//
// A hash entry is 16 bits of position and 16 bits of check, taken from the same multiplication as the index, so that nearly every miss
// is decided without touching the window, a load that often leaves the first-level cache. 16 bits of position suffice: a
// stale entry names some wrong place, and the bytes there are compared before anything is made of it.
//
// What is sent depends on the bytes alone, not on how they were cut into writes: the parser stays LOOKAHEAD behind the end until
// the last write, and blocks end by their content.
import { startBits } from "./bits";
import { addMatch, countLiteral, MAX_BLOCK_BYTES, startBlock, writeBlock } from "./block";

const HISTORY: i32 = 32768;
const MIN_MATCH: u32 = 6;
const MAX_MATCH: u32 = 258;
/** The longest match, and the bytes that a hash or a wide compare may read behind it. */
const LOOKAHEAD: i32 = 266;

/**
 * 64 KiB of entries. Fewer stay in the first-level cache, more find more. Telemetry CSV by bits: 12 -> ratio 2.957 at 405 MB/s, 13 -> 2.969
 * at 394, 14 -> 2.976 at 350, 15 -> 2.982 at 300, 16 -> 2.985 at 259. 14 is the least with which no corpus falls behind zlib
 * level 1: columns of random words 2.36 (zlib 2.34; 13 bits 2.27, 15 bits 2.41), prose 3.31 (3.29; 3.26, 3.34).
 */
const HASH_BITS: i32 = 14;
/** Leaves of eight bytes the six that are hashed. */
const HASHED_SHIFT: i32 = 16;
const HASH_FACTOR: u64 = 0x9e3779b185ebca87;
const HASHES: usize = memory.data(4 << 14, 64);

/** The window slides by whole steps of this size, so that the lower 16 bits of an address survive and hash entries stay right. */
const SLIDE_STEP: i32 = 65536;
const WINDOW_BYTES: i32 = 393216;
/** Slack behind: writers and wide loads may touch some bytes more. */
const WINDOW: usize = memory.data(393216 + 512, 64);
const WINDOW_END: usize = WINDOW + WINDOW_BYTES;
/** What the window always has room for between two writes; sliding is put off until there is less. */
const MIN_CAPACITY: i32 = 65536;
const MAX_CAPACITY: i32 = 131072;

/** First byte of the stream that is still in the window, or was ever there. */
let streamStart: usize = WINDOW;
/** First byte of the open block. */
let blockStart: usize = WINDOW;
/** First byte of which the parser has not yet disposed. */
let position: usize = WINDOW;
/** First byte behind the last match. */
let literalStart: usize = WINDOW;
/** Behind the last byte written. */
let inputEnd: usize = WINDOW;

/**
 * The most that one deflateWrite followed by deflateFinish can add to the output: an open block, the lookahead and the new bytes, all in
 * stored blocks, of which there are less than a dozen.
 */
export const MAX_OUTPUT_PER_WRITE: i32 = 131070 + 266 + 131072 + 64;

/** Begins a stream at `out`. */
export function deflateReset(out: usize): void {
  startBits(out);
  // Cleared, so that a stream does not depend on the one before it: the same rows give the same bytes.
  memory.fill(HASHES, 0, 4 << HASH_BITS);
  streamStart = blockStart = position = literalStart = inputEnd = WINDOW;
  startBlock();
}

/** Where the next bytes are to be put. */
export function deflateInput(): usize {
  return inputEnd;
}

/** How many may be put there now: at least 64 KiB. */
export function deflateCapacity(): i32 {
  return min(<i32>(WINDOW_END - inputEnd), MAX_CAPACITY);
}

/** Takes `length` bytes that were put at deflateInput(). */
export function deflateWrite(length: i32): void {
  inputEnd += length;
  if (<i32>(inputEnd - position) > LOOKAHEAD) parse(inputEnd - LOOKAHEAD);
  if (<i32>(WINDOW_END - inputEnd) < MIN_CAPACITY) slide();
}

/** Sends what is left, and the end of the stream, to a byte boundary at which the caller finds bitsOutput(). */
export function deflateFinish(): void {
  // Wide compares may look behind the end, at what an earlier stream left there; lengths are cut to the end.
  parse(inputEnd);
  writeBlock(blockStart, inputEnd, true);
}

/** Parses up to `stop`, or a little further when the last match reaches over it. */
function parse(stop: usize): void {
  while (position < stop) {
    const blockEnd = blockStart + MAX_BLOCK_BYTES;
    if (position == blockEnd || !parseBlock(min(stop, blockEnd), min(inputEnd, blockEnd))) {
      writeBlock(blockStart, position, false);
      startBlock();
      blockStart = literalStart = position;
    }
  }
}

/** Parses up to `stop` with no match reaching over `end`; false: the block can take no further match. */
function parseBlock(stop: usize, end: usize): bool {
  let at = position;
  let literals = literalStart;
  let hasRoom = true;
  while (at < stop) {
    const word = load<u64>(at);
    const product = (word << HASHED_SHIFT) * HASH_FACTOR;
    const slot = slotOf(product);
    const entry = load<u32>(slot);
    store<u32>(slot, entryOf(at, product));
    if ((entry & 0xffff) == checkOf(product)) {
      const distance = (<u32>at - (entry >> 16)) & 0xffff;
      const candidate = at - distance;
      if (distance - 1 < <u32>HISTORY && candidate >= streamStart) {
        const length = min(matchLength(word, at, candidate), <u32>(end - at));
        if (length >= MIN_MATCH) {
          hasRoom = addMatch(<u32>(at - literals), length, distance);
          enterSome(at + 1, at + length);
          at += length;
          literals = at;
          if (!hasRoom) break;
          continue;
        }
      }
    }
    countLiteral(<u32>word & 0xff);
    at++;
  }
  position = at;
  literalStart = literals;
  return hasRoom;
}

function slotOf(product: u64): usize {
  return HASHES + (<usize>(product >> (64 - HASH_BITS)) << 2);
}

/** 16 bits of the product that the index does not hold. */
function checkOf(product: u64): u32 {
  return <u32>(product >> 32) & 0xffff;
}

function entryOf(at: usize, product: u64): u32 {
  return (<u32>at << 16) | checkOf(product);
}

/** How many bytes agree, at most MAX_MATCH; eight at a time. `word` holds the eight at `at`. */
function matchLength(word: u64, at: usize, candidate: usize): u32 {
  let difference = word ^ load<u64>(candidate);
  let length: u32 = 0;
  while (difference == 0) {
    length += 8;
    if (length >= MAX_MATCH) return MAX_MATCH;
    difference = load<u64>(at + length) ^ load<u64>(candidate + length);
  }
  return min(length + (<u32>ctz(difference) >> 3), MAX_MATCH);
}

/**
 * Enters the first two and the last two positions of a match, [at, end), into the hash. All of them would gain 0.3 % of size on telemetry
 * and up to 5 % on rows that repeat much, where it is a third slower; only the last two lose 1.5 %.
 */
function enterSome(at: usize, end: usize): void {
  enter(at);
  enter(at + 1);
  enter(end - 2);
  enter(end - 1);
}

function enter(at: usize): void {
  const product = (load<u64>(at) << HASHED_SHIFT) * HASH_FACTOR;
  store<u32>(slotOf(product), entryOf(at, product));
}

/** Moves history, open block and lookahead to the front of the window. */
function slide(): void {
  const oldest = min(blockStart, max(position - HISTORY, streamStart));
  const distance = (oldest - WINDOW) & ~(<usize>SLIDE_STEP - 1);
  const from = WINDOW + distance;
  memory.copy(WINDOW, from, inputEnd - from);
  streamStart = max(streamStart, from) - distance;
  blockStart -= distance;
  position -= distance;
  literalStart -= distance;
  inputEnd -= distance;
}
