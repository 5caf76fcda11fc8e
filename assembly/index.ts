// What the host calls, and nothing else. One instance holds one encoder: a table, a format, and the batch being filled.
//
//   setup(p = reserveDescriptor(n)); begin(level, 0, 0)      level 0: the output is the text of the rows, and rowEnds() says where each ends
//   per chunk:  p = reserveChunk(...), the host copies tape, nodes and texts, openChunk(...); then encode(...) until it is not DRAIN
//   per raw chunk of raw rows: p = reserveChunk(0, 0, n), the host copies the bytes, openRaw(...); then encodeRaw(...) in the same way
//   per segment: flush(), the host takes the output, finish(), the host takes the output; then goOn(), or begin(level, 0, 0) for a new batch
//
// Rows and bytes are counted by the batch, the CRC by the segment.
//
// The output buffer of the gzip has room for one window of input, so after each window the host gets its turn to take it.
import { crc32c } from "./crc32c";
import { copyText } from "./copy";
import { writeCsvRow } from "./csv";
import {
  gzipCrc,
  gzipInput,
  gzipInputCapacity,
  gzipOutput,
  gzipOutputConsume,
  gzipOutputLength,
  gzipSegmentBegin,
  gzipSegmentFinish,
  gzipSegmentGoOn,
  gzipWrite,
} from "./gzip";
import { writeJsonRow } from "./json";
import { checkJsonValue, jsonErrorAt } from "./json-syntax";
import { CSV, format, readDescriptor } from "./layout";
import { beginPieces, hasPieces, writePieces } from "./pieces";
import { beginRaw, cutCsv, nextRawRow, rawDetail, rawNext, rawOffset, rawReason, rawRow } from "./raw";
import { rowBound, skipRows } from "./size";
import { beginChunk, endsWell, hasRow, nextRow, setTextCursor, textCursor, textStart } from "./tape";

export { reserveDescriptor } from "./layout";
export { nodesStart, reserveChunk, textStart } from "./tape";

/** encode(): the chunk is at its end. */
const CHUNK_END: i32 = 0;
/** encode(): the next row would break a limit of the batch. */
const BATCH_FULL: i32 = 1;
/** encode(): take the output, then call again. */
const DRAIN: i32 = 2;
/** encode(): the texts did not end with the rows; the chunk was not made for this table. */
const MISMATCH: i32 = 3;
/** encodeRaw(): a row was refused; ask for it, then call again. */
const REFUSED: i32 = 4;

let rows: i32 = 0;
let rawBytes: f64 = 0;
/** Bytes in the gzip window that it was not told of yet. */
let pending: i32 = 0;
/** The output is plain text: the host takes the window itself. */
let isPlain: bool = false;
/** Bytes of the window that the host is to take, where nothing is packed. */
let plainBytes: i32 = 0;

/**
 * Where rows end, in bytes of the batch: those since the output was taken last. A row has two bytes at least, so a window of 131 072
 * bytes holds no more than 65 536; a large row may be counted beside them.
 */
const ENDS: usize = memory.data(4 * (65536 + 8), 16);
let endsAt: usize = ENDS;
/** 0 for gzip, which needs no row ends: each end overwrites the last, which costs no branch. */
let endStep: usize = 0;

export function setup(): void {
  readDescriptor();
}

/** Begins a segment without history, of a batch that has so many rows and bytes already. */
export function begin(level: i32, batchRows: i32, batchBytes: f64): void {
  isPlain = level == 0;
  if (!isPlain) gzipSegmentBegin(level);
  endStep = isPlain ? 4 : 0;
  endsAt = ENDS;
  plainBytes = 0;
  rows = batchRows;
  rawBytes = batchBytes;
  pending = 0;
}

/** Begins the segment that follows the finished one in the same batch. */
export function goOn(): void {
  gzipSegmentGoOn();
}

/** The chunk's bytes are in place; its first `from` rows are written already. */
export function openChunk(chunkRows: i32, textUnits: i32, keysAt: i32, from: i32): void {
  beginChunk(chunkRows, textUnits, keysAt);
  skipRows(from);
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
  countRow(length);
  nextRow();
}

function countRow(length: f64): void {
  rawBytes += length;
  rows++;
  store<u32>(endsAt, <u32><i64>rawBytes);
  endsAt += endStep;
}

function flushWindow(): i32 {
  if (isPlain) plainBytes = pending;
  else gzipWrite(pending);
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

export function openRaw(bytes: i32, from: i32): void {
  beginRaw(bytes, from);
  isRawChecked = false;
  copied = 0;
}

/** The raw row at hand was checked and is still to be taken. */
let isRawChecked: bool = false;
/** Bytes of it that are in the window or behind it. */
let copied: usize = 0;

/** Takes rows of the raw chunk until it ends, a limit is met, a row is refused, or the output must be taken. */
export function encodeRaw(maxRows: i32, maxBytes: f64): i32 {
  while (true) {
    if (!isRawChecked) {
      if (!nextRawRow(<usize>maxBytes)) return CHUNK_END;
      if (rawReason != 0) return REFUSED;
      isRawChecked = true;
    }
    const length = rawNext - rawRow;
    if (copied == 0 && (rows >= maxRows || rawBytes + <f64>length > maxBytes)) return BATCH_FULL;
    const room = <usize>(gzipInputCapacity() - pending);
    const piece = min(length - copied, room);
    copyText(gzipInput() + pending, rawRow + copied, piece);
    copied += piece;
    pending += <i32>piece;
    if (copied < length) return flushWindow();
    countRow(<f64>length);
    copied = 0;
    isRawChecked = false;
  }
}

/** Where a raw chunk of CSV that is so long may be cut. The bytes lie where a chunk's texts do; nothing else is touched. */
export function cutRaw(bytes: i32, maxBytes: f64): i32 {
  return cutCsv(bytes, <usize>maxBytes);
}

/**
 * Is a text JSON? Its bytes, without a newline, lie where a chunk's texts do, with room for one more. 0, or a reason whose place
 * jsonFaultAt() gives.
 */
export function jsonFault(bytes: i32): u32 {
  store<u8>(textStart() + bytes, 0x0a);
  return checkJsonValue(textStart());
}

export function jsonFaultAt(): i32 {
  return <i32>(jsonErrorAt - textStart());
}

/** The refused row: where in the raw chunk it begins, and where the next one. */
export function rawStart(): i32 {
  return rawOffset(rawRow);
}

/** Where the next row begins that was not taken or refused. */
export function rawEnd(): i32 {
  return rawOffset(isRawChecked ? rawRow : rawNext);
}

export function rawRefusal(): i32 {
  return rawReason;
}

export function rawRefusalDetail(): i32 {
  return <i32>rawDetail;
}

/** Ends the segment; the window must have been flushed by `flush()` and the output taken. */
export function finish(): void {
  if (!isPlain) gzipSegmentFinish();
}

/** Of the uncompressed bytes of the segment. */
export function segmentCrc(): u32 {
  return gzipCrc();
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
  return isPlain ? gzipInput() : gzipOutput();
}

export function outputLength(): i32 {
  return isPlain ? plainBytes : gzipOutputLength();
}

export function outputTaken(): void {
  endsAt = ENDS;
  if (isPlain) plainBytes = 0;
  else gzipOutputConsume();
}

/** Where the rows end that were taken since the output was, as 32-bit numbers of bytes since the batch began. */
export function rowEnds(): usize {
  return ENDS;
}

export function rowEndsCount(): i32 {
  return <i32>((endsAt - ENDS) >> 2);
}

/** Continues the CRC-32C `sum` over so many bytes; they lie where a chunk's texts do. */
export function sumBytes(sum: u32, bytes: i32): u32 {
  return crc32c(sum, textStart(), <usize>bytes);
}
