// Deflate (RFC 1951) as a stream over fixed memory: the caller puts bytes into the window, the parser finds matches up to 32 KiB
// back, across writes and blocks, and blocks go out when they are full.
//
// What is sent depends on the bytes alone, not on how they were cut into writes: the parser stays LOOKAHEAD behind the end until
// the last write, and blocks end by their content.
import { startBits } from "./bits";
import { isFull, MAX_BLOCK_BYTES, measureLiterals, slideBlock, startBlock, writeBlock, writeEmptyStored } from "./block";
import { adaptGreedy, parseGreedy, resetGreedy } from "./greedy";
import { adaptLadder, MAX_DEFERRALS, parseLadder, resetLadder } from "./ladder";
import { COMPARED_BYTES } from "./match";

const HISTORY: i32 = 32768;
/** What a hash or a compare may read behind a position. */
const LOOKAHEAD: i32 = COMPARED_BYTES + MAX_DEFERRALS;
/** After so much of a stream it is seen what it holds, and how to parse it is chosen; then after each block. */
const SAMPLE_BYTES: i32 = 16384;

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
let isGreedy: bool = true;
/** Whether the first SAMPLE_BYTES are parsed. */
let isSampled: bool = false;
/** Behind the last byte written. */
let inputEnd: usize = WINDOW;

/**
 * The most that one deflateWrite followed by deflateFinish can add to the output: an open block, the lookahead and the new bytes, all in
 * stored blocks, of which there are less than a dozen.
 */
export const MAX_OUTPUT_PER_WRITE: i32 = 131070 + 304 + 131072 + 64;

/** Begins a stream at `out`; `level`: 1 for speed, from 2 on for size. */
export function deflateReset(out: usize, level: i32): void {
  startBits(out);
  isGreedy = level < 2;
  if (isGreedy) resetGreedy();
  else resetLadder();
  streamStart = blockStart = position = inputEnd = WINDOW;
  isSampled = false;
  startBlock(WINDOW);
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

/**
 * Sends what is left, and an empty stored block, which ends on a byte boundary (RFC 1951, 3.2.4) but does not end the stream: blocks that
 * another instance made can follow, or this one goes on with what it knows of the bytes before.
 */
export function deflateFinishSegment(): void {
  parse(inputEnd);
  if (position > blockStart) endBlock();
  writeEmptyStored();
}

/** Parses up to `stop`, or a little further when the last match reaches over it. */
function parse(stop: usize): void {
  while (position < stop) {
    const blockEnd = blockStart + MAX_BLOCK_BYTES;
    // Only now that more follows, since the last block of a stream must be marked.
    if (position == blockEnd || isFull()) {
      endBlock();
      continue;
    }
    const pause = isSampled ? blockEnd : blockStart + SAMPLE_BYTES;
    const end = min(inputEnd, blockEnd);
    position = isGreedy
      ? parseGreedy(position, min(stop, pause), end, streamStart)
      : parseLadder(position, min(stop, pause), end, streamStart);
    if (!isSampled && position >= pause) {
      measureLiterals();
      adapt();
      isSampled = true;
    }
  }
}

function endBlock(): void {
  writeBlock(blockStart, position, false);
  adapt();
  isSampled = true;
  startBlock(position);
  blockStart = position;
}

/** Lets the parser see what the block had. */
function adapt(): void {
  if (isGreedy) adaptGreedy(<i32>(position - blockStart), position, streamStart);
  else adaptLadder();
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
  slideBlock(distance);
  inputEnd -= distance;
}
