// What the host calls, and nothing else. One instance holds one encoder: a table, a format, and the batch being filled.
//
//   setup(p = reserveDescriptor(n)); begin(level)
//   per chunk:  p = reserve(...), the host copies tape and texts, openChunk(...); then encode(...) until it is not DRAIN
//   per batch:  finish(), the host takes the output, begin(level)
//
// The output buffer of the gzip has room for one window of input, so after each window the host gets its turn to take it.
import { writeCsvRow } from "./csv";
import {
  gzipFinish,
  gzipInput,
  gzipInputCapacity,
  gzipOutput,
  gzipOutputConsume,
  gzipOutputLength,
  gzipReset,
  gzipWrite,
} from "./gzip";
import { writeJsonRow } from "./json";
import { CSV, format, readDescriptor } from "./layout";
import { beginPieces, hasPieces, writePieces } from "./pieces";
import { rowBound } from "./size";
import { beginChunk, endsWell, hasRow, nextRow, setTextCursor, textCursor } from "./tape";

export { reserveDescriptor } from "./layout";
export { reserveChunk, textStart } from "./tape";

/** encode(): the chunk is at its end. */
const CHUNK_END: i32 = 0;
/** encode(): the next row would break a limit of the batch. */
const BATCH_FULL: i32 = 1;
/** encode(): take the output, then call again. */
const DRAIN: i32 = 2;
/** encode(): the texts did not end with the rows; the chunk was not made for this table. */
const MISMATCH: i32 = 3;

let rows: i32 = 0;
let rawBytes: f64 = 0;
/** Bytes in the gzip window that it was not told of yet. */
let pending: i32 = 0;

export function setup(): void {
  readDescriptor();
}

export function begin(level: i32): void {
  gzipReset(level);
  rows = 0;
  rawBytes = 0;
  pending = 0;
}

export function openChunk(chunkRows: i32, textUnits: i32, from: i32): void {
  beginChunk(chunkRows, textUnits, from);
}

/** Writes rows of the chunk until it ends, a limit is met, or the output must be taken. */
export function encode(maxRows: i32, maxBytes: f64): i32 {
  if (hasPieces() && continueLargeRow()) return DRAIN;
  while (hasRow()) {
    if (rows >= maxRows) return BATCH_FULL;
    const bound = rowBound();
    if (bound > <usize>(gzipInputCapacity() - pending)) {
      if (pending > 0) return flushWindow();
      if (!beginLargeRow(maxBytes)) return BATCH_FULL;
      if (continueLargeRow()) return DRAIN;
      continue;
    }
    const texts = textCursor();
    const out = gzipInput() + pending;
    const length = <i32>((format == CSV ? writeCsvRow(out) : writeJsonRow(out)) - out);
    if (rawBytes + <f64>length > maxBytes) {
      setTextCursor(texts);
      return BATCH_FULL;
    }
    pending += length;
    takeRow(<f64>length);
  }
  return endsWell() ? CHUNK_END : MISMATCH;
}

function takeRow(length: f64): void {
  rawBytes += length;
  rows++;
  nextRow();
}

function flushWindow(): i32 {
  gzipWrite(pending);
  pending = 0;
  return DRAIN;
}

/** Counts the row's bytes, in the empty window; false when they are more than the batch may still take. */
function beginLargeRow(maxBytes: f64): bool {
  const texts = textCursor();
  const window = gzipInput();
  const end = window + gzipInputCapacity();
  let length: f64 = 0;
  beginPieces();
  while (hasPieces()) length += <f64>(writePieces(window, end) - window);
  setTextCursor(texts);
  if (rawBytes + length > maxBytes) return false;
  beginPieces();
  largeLength = length;
  return true;
}

let largeLength: f64 = 0;

/** Fills the window from the row; true when it is full and was given to the gzip. At the row's end the row is taken. */
function continueLargeRow(): bool {
  const out = gzipInput() + pending;
  pending += <i32>(writePieces(out, gzipInput() + gzipInputCapacity()) - out);
  if (hasPieces()) {
    flushWindow();
    return true;
  }
  takeRow(largeLength);
  return false;
}

/** Closes the gzip member; the window must have been flushed by `flush()` and the output taken. */
export function finish(): void {
  gzipFinish();
}

/** Gives what is left in the window to the gzip; the host takes the output before `finish()`. */
export function flush(): void {
  if (pending > 0) flushWindow();
}

export function rowsTaken(): i32 {
  return rows;
}

export function rawBytesTaken(): f64 {
  return rawBytes;
}

export function output(): usize {
  return gzipOutput();
}

export function outputLength(): i32 {
  return gzipOutputLength();
}

export function outputTaken(): void {
  gzipOutputConsume();
}
