// CSV rows as RFC 4180 and Kusto read them; the rules and their reasons stand in src/encode/row-text.ts, whose rows these
// must equal to the byte. Nothing here looks at room: the caller has made sure of `rowBound()`.
import { copyText } from "./copy";
import { writeF64 } from "./float";
import { writeI32, writeI64 } from "./int";
import { BOOL, columns, DATETIME, DYNAMIC, firstColumn, INT, kindOf, LONG, nextColumn, offsetOf, REAL, STRING, TIMESPAN } from "./layout";
import { isTakenApart, writeNested } from "./nodes";
import { currentRow, nullBitsFrom, takeText, textCursor } from "./tape";
import { writeDatetime, writeTimespan } from "./time";
import { endsWithSpace, startsWithSpace } from "./utf8";

const QUOTE: u8 = 0x22;
const COMMA: u8 = 0x2c;
const NEWLINE: u8 = 0x0a;

/** Writes the current row with its newline; the text cursor then stands behind the row's texts. */
export function writeCsvRow(out: usize): usize {
  const start = out;
  const row = currentRow();
  let nullBits: u32 = 0;
  let column = firstColumn();
  for (let i = 0; i < columns; i++) {
    if (i > 0) store<u8>(out++, COMMA);
    nullBits = nullBitsFrom(row, i, nullBits);
    if ((nullBits & 1) == 0) out = writeCsvValue(out, kindOf(column), row + offsetOf(column));
    column = nextColumn(column);
  }
  // Readers skip empty lines.
  if (columns == 1 && out == start) out = writeEmptyLine(out);
  store<u8>(out, NEWLINE);
  return out + 1;
}

export function writeEmptyLine(out: usize): usize {
  store<u16>(out, 0x2222);
  return out + 2;
}

function writeCsvValue(out: usize, kind: u32, slot: usize): usize {
  if (kind == STRING || kind == DYNAMIC) {
    if (kind == DYNAMIC && isTakenApart(slot)) return writeNested(out, slot);
    const from = textCursor();
    return writeCsvText(out, from, takeText(load<u32>(slot)));
  }
  return writePlainValue(out, kind, slot);
}

/** Every kind but string and dynamic: text that never needs quotes. JSON writes most of these alike, and a dynamic that is text. */
export function writePlainValue(out: usize, kind: u32, slot: usize): usize {
  switch (kind) {
    case REAL:
      return writeReal(out, load<f64>(slot));
    case INT:
      return writeI32(out, load<i32>(slot));
    case LONG:
      return writeI64(out, load<i64>(slot));
    case DATETIME:
      return writeDatetime(out, load<i64>(slot));
    case TIMESPAN:
      return writeTimespan(out, load<i64>(slot));
    case BOOL:
      return writeBool(out, load<i32>(slot));
    default: {
      const from = textCursor();
      return copyText(out, from, takeText(load<u32>(slot)));
    }
  }
}

function writeReal(out: usize, value: f64): usize {
  if (isFinite(value)) return writeF64(out, value);
  if (isNaN(value)) {
    store<u32>(out, 0x004e614e); // NaN
    return out + 3;
  }
  if (value < 0) store<u8>(out++, 0x2d);
  store<u64>(out, 0x7974696e69666e49); // Infinity
  return out + 8;
}

function writeBool(out: usize, value: i32): usize {
  if (value != 0) {
    store<u32>(out, 0x65757274); // true
    return out + 4;
  }
  store<u32>(out, 0x736c6166); // false
  store<u8>(out + 4, 0x65);
  return out + 5;
}

/**
 * A string or a dynamic. Copying and looking for what needs quotes go together, since most texts need none; a text that
 * does is written a second time.
 */
function writeCsvText(out: usize, from: usize, bytes: usize): usize {
  if (bytes == 0) return out;
  if (copyUnlessSpecial(out, from, bytes) && !startsWithSpace(from, bytes) && !endsWithSpace(from + bytes, bytes))
    return out + bytes;
  store<u8>(out, QUOTE);
  const end = copyDoublingQuotes(out + 1, from, bytes);
  store<u8>(end, QUOTE);
  return end + 1;
}

/** Does a CSV field of this text stand between quotes? */
export function needsQuotes(from: usize, bytes: usize): bool {
  if (bytes == 0) return false;
  const end = from + bytes;
  for (let at = from; at < end; at += 16) if ((specials(v128.load(at)) & maskOf(end - at)) != 0) return true;
  return startsWithSpace(from, bytes) || endsWithSpace(end, bytes);
}

function copyUnlessSpecial(out: usize, from: usize, bytes: usize): bool {
  const left = bytes & 15;
  for (const lastWhole = from + bytes - left; from < lastWhole; from += 16) {
    const block = v128.load(from);
    v128.store(out, block);
    if (specials(block) != 0) return false;
    out += 16;
  }
  // Behind the text there is room, so an empty rest does no harm, and that it is one costs no branch.
  const block = v128.load(from);
  v128.store(out, block);
  return (specials(block) & ((1 << <i32>left) - 1)) == 0;
}

/**
 * A bit for each byte that is one of `"` `,` CR LF. The four differ in their low halves, so one table look-up by the low
 * half gives the only candidate for each byte, and one comparison settles it. The other entries are bytes that cannot
 * have the low half by which they are found.
 */
export function specials(block: v128): i32 {
  const candidates = v128.swizzle(v128.load(CANDIDATES), v128.and(block, v128.load(CANDIDATES, 16)));
  return i8x16.bitmask(i8x16.eq(candidates, block));
}

/** The table, and 15 times 16. Loaded, because engines build a constant vector anew in each turn of a loop. */
const CANDIDATES: usize = memory.data<u8>([
  1, 0, 0x22, 0, 0, 0, 0, 0, 0, 0, 0x0a, 0, 0x2c, 0x0d, 0, 0,
  15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
], 16);

/** Bits for the bytes of a block that still belong to the text. */
export function maskOf(left: usize): i32 {
  return left >= 16 ? 0xffff : (1 << <i32>left) - 1;
}

/**
 * Doubles each quote by writing the block again from the quote on, one byte further. To look for the next one anew behind each
 * cost 0.6 ns a byte with a quote every ten bytes, now 0.2; without any 0.3, now 0.15.
 */
export function copyDoublingQuotes(out: usize, from: usize, bytes: usize): usize {
  const end = from + bytes;
  while (from < end) {
    const block = v128.load(from);
    v128.store(out, block);
    const left = min<usize>(16, end - from);
    let quotes = i8x16.bitmask(i8x16.eq(block, i8x16.splat(0x22))) & maskOf(left);
    while (quotes != 0) {
      const at = <usize>ctz(quotes);
      out++;
      v128.store(out + at, v128.load(from + at));
      quotes &= quotes - 1;
    }
    from += left;
    out += left;
  }
  return out;
}
