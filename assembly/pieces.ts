// A row too large for the gzip window, written in pieces: the same text as csv.ts and json.ts make, with a state between
// calls, so that a row of any size needs no memory of its own. It is gone through twice, once to count its bytes before
// it is taken into the batch, and once to write them.
import { copyText } from "./copy";
import { copyDoublingQuotes, needsQuotes, writePlainValue } from "./csv";
import { isQuotedInJson } from "./json";
import { copyEscaping } from "./json-text";
import { columns, CSV, DYNAMIC, firstColumn, format, keyLengthOf, keyOf, kindOf, nextColumn, offsetOf, STRING } from "./layout";
import { beginNodes, hasNodes, isTakenApart, longText, nodesNeedQuotes, writeNodes, writeQuote } from "./nodes";
import { currentRow, takeText, textCursor } from "./tape";

/** Room for any single step: a slice whose every byte becomes six, or a key of the longest column name. */
const STEP_ROOM: usize = 16384;
/** Of text: bytes, or units of one within a value that was taken apart. */
const SLICE: usize = 2048;

const QUOTE: u8 = 0x22;

let index: i32 = 0;
let column: usize = 0;
let isFirstKey: bool = true;
let isDone: bool = true;

let isInText: bool = false;
let isQuoted: bool = false;
let textFrom: usize = 0;
let textEnd: usize = 0;

let isInNodes: bool = false;
/** The nodes are in a CSV field between quotes. */
let isFieldQuoted: bool = false;

/** Begins the current row; the text cursor must stand at its texts. */
export function beginPieces(): void {
  index = 0;
  column = firstColumn();
  isFirstKey = true;
  isDone = false;
  isInText = false;
  isInNodes = false;
}

/** Is there a row begun and not yet written to its end? */
export function hasPieces(): bool {
  return !isDone;
}

/** Writes on as long as there is room for a step; at the row's end the text cursor stands behind its texts. */
export function writePieces(out: usize, end: usize): usize {
  while (!isDone && out + STEP_ROOM <= end) {
    if (isInText) out = writeSlice(out);
    else if (isInNodes) out = writeSomeNodes(out, end);
    else if (index < columns) out = writeColumn(out);
    else out = writeEnd(out);
  }
  return out;
}

function writeColumn(out: usize): usize {
  const row = currentRow();
  const isNull = ((load<u32>(row + 4 + <usize>((index >> 5) << 2)) >> (index & 31)) & 1) != 0;
  if (format == CSV) {
    if (index > 0) store<u8>(out++, 0x2c);
  } else if (!isNull) {
    const key = out;
    out = copyText(out, keyOf(column), keyLengthOf(column));
    if (isFirstKey) store<u8>(key, 0x7b);
    isFirstKey = false;
  }
  if (isNull) return endColumn(out);
  const kind = kindOf(column);
  const slot = row + offsetOf(column);
  if (kind == DYNAMIC && isTakenApart(slot)) return openNodes(out, slot);
  if (kind == STRING || kind == DYNAMIC) return openText(out, kind, slot);
  const quotes = format != CSV && isQuotedInJson(kind, slot);
  if (quotes) store<u8>(out++, QUOTE);
  out = writePlainValue(out, kind, slot);
  if (quotes) store<u8>(out++, QUOTE);
  return endColumn(out);
}

function endColumn(out: usize): usize {
  index++;
  column = nextColumn(column);
  return out;
}

function openText(out: usize, kind: u32, slot: usize): usize {
  textFrom = textCursor();
  const bytes = takeText(load<u32>(slot));
  textEnd = textFrom + bytes;
  isInText = true;
  isQuoted = format == CSV ? needsQuotes(textFrom, bytes) : kind == STRING;
  if (isQuoted) store<u8>(out++, QUOTE);
  return out;
}

function openNodes(out: usize, slot: usize): usize {
  beginNodes(slot);
  isInNodes = true;
  isFieldQuoted = format == CSV && nodesNeedQuotes();
  if (isFieldQuoted) store<u8>(out++, QUOTE);
  return out;
}

function writeSomeNodes(out: usize, end: usize): usize {
  out = writeNodes(out, end - STEP_ROOM, SLICE);
  if (longText != 0) {
    textFrom = textCursor();
    textEnd = textFrom + takeText(longText);
    isInText = true;
    return writeQuote(out, extraQuotes());
  }
  if (hasNodes()) return out;
  isInNodes = false;
  if (isFieldQuoted) store<u8>(out++, QUOTE);
  return endColumn(out);
}

function extraQuotes(): usize {
  return format == CSV ? 1 : 0;
}

/** Slices may end within a character: nothing that is doubled or escaped is ever a part of one. */
function writeSlice(out: usize): usize {
  const bytes = min(SLICE, textEnd - textFrom);
  if (isInNodes) out = copyEscaping(out, textFrom, bytes, extraQuotes());
  else if (!isQuoted) out = copyText(out, textFrom, bytes);
  else if (format == CSV) out = copyDoublingQuotes(out, textFrom, bytes);
  else out = copyEscaping(out, textFrom, bytes, 0);
  textFrom += bytes;
  if (textFrom < textEnd) return out;
  isInText = false;
  if (isInNodes) return writeQuote(out, extraQuotes());
  if (isQuoted) store<u8>(out++, QUOTE);
  return endColumn(out);
}

function writeEnd(out: usize): usize {
  isDone = true;
  if (format != CSV) {
    // A row without a value has not opened its object yet.
    if (isFirstKey) store<u8>(out++, 0x7b);
    store<u8>(out++, 0x7d);
  }
  store<u8>(out, 0x0a);
  return out + 1;
}
