// Rows that the caller has encoded already: a raw chunk of whole rows is gone through row by row, and each is either sound or
// refused with a reason. The rules stand in src/encode/raw-rows.ts, which must find the same rows.
//
// A raw chunk lies where a chunk's texts do, and ends in a newline.
import { maskOf, specials } from "./csv";
import { checkJsonObject, jsonErrorAt } from "./json-syntax";
import { columns, CSV, format } from "./layout";
import { BARE_RETURN, FIELD_COUNT, NOT_UTF8, QUOTE_IN_FIELD, QUOTE_OPEN, TEXT_AFTER_QUOTE, TOO_LARGE } from "./reasons";
import { textStart } from "./tape";
import { isUtf8 } from "./utf8";

const TAB: u8 = 0x09;
const NEWLINE: u8 = 0x0a;
const RETURN: u8 = 0x0d;
const SPACE: u8 = 0x20;
const QUOTE: u8 = 0x22;
const COMMA: u8 = 0x2c;

let end: usize = 0;
/** All of the raw chunk is UTF-8, and no row needs to be looked at for that again. */
let isClean: bool = false;

/** The row at hand, and where the next one begins. */
export let rawRow: usize = 0;
export let rawNext: usize = 0;
/** 0 for a sound row. */
export let rawReason: u32 = 0;
/** Where in the row, in bytes; of FIELD_COUNT the number of fields. */
export let rawDetail: usize = 0;

/** The raw chunk's bytes are in place: begins at the row that starts at byte `from`. */
export function beginRaw(bytes: i32, from: i32): void {
  end = textStart() + bytes;
  // Whatever does not end where it should stops here.
  store<u8>(end, NEWLINE);
  rawNext = textStart() + from;
  isClean = isUtf8(rawNext, end);
}

/** Goes to the next row and checks it; false at the raw chunk's end. A row of more than `limit` bytes is refused. */
export function nextRawRow(limit: usize): bool {
  rawRow = format == CSV ? behindEmptyLines(rawNext) : behindBlankLines(rawNext, limit);
  if (rawRow >= end) {
    rawNext = end;
    return false;
  }
  rawReason = format == CSV ? checkCsv(limit) : checkJson(limit);
  return true;
}

export function rawOffset(at: usize): i32 {
  return <i32>(at - textStart());
}

/** Readers of CSV skip empty lines. */
function behindEmptyLines(at: usize): usize {
  while (at < end) {
    if (load<u8>(at) == NEWLINE) at++;
    else if (load<u8>(at) == RETURN && load<u8>(at, 1) == NEWLINE) at += 2;
    else break;
  }
  return at;
}

/** In NDJSON a line of white space is no row either, unless it is too long: then what came behind may have been cut off. */
function behindBlankLines(at: usize, limit: usize): usize {
  let line = at;
  while (at < end) {
    const byte = load<u8>(at);
    if (byte == NEWLINE) {
      if (++at - line > limit) break;
      line = at;
    } else if (byte == SPACE || byte == TAB || byte == RETURN) at++;
    else break;
  }
  return line;
}

function behindLine(at: usize): usize {
  const newline = i8x16.splat(NEWLINE);
  while (true) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(at), newline));
    if (found != 0) return at + <usize>ctz(found) + 1;
    at += 16;
  }
}

function checkJson(limit: usize): u32 {
  rawNext = behindLine(rawRow);
  rawDetail = 0;
  if (rawNext - rawRow > limit) return TOO_LARGE;
  if (!isClean && !isUtf8(rawRow, rawNext)) return NOT_UTF8;
  const reason = checkJsonObject(rawRow);
  if (reason != 0) rawDetail = jsonErrorAt - rawRow;
  return reason;
}

/**
 * Where the quotes do not say where the row ends, or not soon enough, its first line is refused and the next line is a row again:
 * one stray quote does not take its neighbours along.
 */
function checkCsv(limit: usize): u32 {
  const reason = scanCsv(rawRow + min(limit, end - rawRow));
  if (reason != 0) {
    rawDetail = brokenAt - rawRow;
    rawNext = behindLine(rawRow);
    return reason;
  }
  rawDetail = 0;
  if (!isClean && !isUtf8(rawRow, rawNext)) return NOT_UTF8;
  rawDetail = fields;
  return fields == columns ? 0 : FIELD_COUNT;
}

let fields: i32 = 0;
let brokenAt: usize = 0;

/** Finds the row's end before `stop` and counts its fields; or a reason, with `brokenAt`. */
function scanCsv(stop: usize): u32 {
  fields = 1;
  let at = rawRow;
  while (at < stop) {
    const block = v128.load(at);
    const inside = maskOf(stop - at);
    const commas = i8x16.bitmask(i8x16.eq(block, i8x16.splat(COMMA))) & inside;
    const others = specials(block) & inside & ~commas;
    if (others == 0) {
      fields += popcnt(commas);
      at += 16;
      continue;
    }
    const first = ctz(others);
    fields += popcnt(commas & ((1 << first) - 1));
    at += <usize>first;
    const byte = load<u8>(at);
    if (byte == NEWLINE) {
      rawNext = at + 1;
      return 0;
    }
    if (byte == RETURN) {
      if (at + 1 >= stop) break;
      if (load<u8>(at, 1) != NEWLINE) return broken(at, BARE_RETURN);
      rawNext = at + 2;
      return 0;
    }
    if (at > rawRow && load<u8>(at - 1) != COMMA) return broken(at, QUOTE_IN_FIELD);
    const closing = closingQuote(at + 1, stop);
    if (closing == 0) return broken(at, stop == end ? QUOTE_OPEN : TOO_LARGE);
    at = closing + 1;
    if (at >= stop) break;
    const next = load<u8>(at);
    if (next != COMMA && next != NEWLINE && next != RETURN) return broken(at, TEXT_AFTER_QUOTE);
  }
  return broken(stop, TOO_LARGE);
}

function broken(at: usize, reason: u32): u32 {
  brokenAt = at;
  return reason;
}

/** The quote before `stop` that closes the field whose text begins at `at`; 0 where there is none. */
function closingQuote(at: usize, stop: usize): usize {
  while (at < stop) {
    const quotes = i8x16.bitmask(i8x16.eq(v128.load(at), i8x16.splat(QUOTE))) & maskOf(stop - at);
    if (quotes == 0) {
      at += 16;
      continue;
    }
    at += <usize>ctz(quotes);
    if (at + 1 < stop && load<u8>(at, 1) == QUOTE) at += 2;
    else return at;
  }
  return 0;
}

/**
 * Where the last row ends that surely is over, when more bytes are to follow the `bytes` that lie there from a row's beginning
 * on: what the host's thread asks, to cut a stream of CSV into raw chunks. 0 where none is over.
 */
export function cutCsv(bytes: i32, limit: usize): i32 {
  end = textStart() + bytes;
  store<u8>(end, NEWLINE);
  rawRow = textStart();
  while (rawRow < end) {
    const left = end - rawRow;
    const reason = scanCsv(rawRow + min(limit, left));
    if (reason != 0) {
      // Its end, or what is wrong with it, may be in what follows.
      if ((reason == QUOTE_OPEN || reason == TOO_LARGE) && left < limit) break;
      rawNext = behindLine(rawRow);
      if (rawNext > end) break;
    }
    rawRow = rawNext;
  }
  return <i32>(rawRow - textStart());
}
