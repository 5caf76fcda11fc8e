// NDJSON rows; the rules and their reasons stand in src/encode/row-text.ts, whose rows these must equal to the byte.
// Nothing here looks at room: the caller has made sure of `rowBound()`.
import { copyText } from "./copy";
import { writePlainValue } from "./csv";
import { copyEscaping } from "./json-text";
import { BOOL, columns, DYNAMIC, firstColumn, INT, keyLengthOf, keyOf, kindOf, LONG, nextColumn, offsetOf, REAL, STRING } from "./layout";
import { isTakenApart, writeNested } from "./nodes";
import { currentRow, nullBitsFrom, takeText, textCursor } from "./tape";

const QUOTE: u8 = 0x22;

/** Writes the current row with its newline; the text cursor then stands behind the row's texts. */
export function writeJsonRow(out: usize): usize {
  const start = out;
  const row = currentRow();
  let nullBits: u32 = 0;
  let column = firstColumn();
  for (let i = 0; i < columns; i++) {
    nullBits = nullBitsFrom(row, i, nullBits);
    if ((nullBits & 1) == 0) {
      out = copyText(out, keyOf(column), keyLengthOf(column));
      out = writeJsonValue(out, kindOf(column), row + offsetOf(column));
    }
    column = nextColumn(column);
  }
  // Each key brings its comma along; the first one is where the object opens.
  store<u8>(start, 0x7b);
  if (out == start) out++;
  store<u16>(out, 0x0a7d);
  return out + 2;
}

function writeJsonValue(out: usize, kind: u32, slot: usize): usize {
  if (kind == STRING) {
    const from = textCursor();
    const bytes = takeText(load<u32>(slot));
    store<u8>(out, QUOTE);
    const end = copyEscaping(out + 1, from, bytes, 0);
    store<u8>(end, QUOTE);
    return end + 1;
  }
  if (kind == DYNAMIC && isTakenApart(slot)) return writeNested(out, slot);
  if (!isQuotedInJson(kind, slot)) return writePlainValue(out, kind, slot);
  store<u8>(out, QUOTE);
  const end = writePlainValue(out + 1, kind, slot);
  store<u8>(end, QUOTE);
  return end + 1;
}

/** Is this kind's plain text a JSON string? A dynamic is JSON already, and of reals only NaN and the infinities are. */
export function isQuotedInJson(kind: u32, slot: usize): bool {
  if (kind == REAL) return !isFinite(load<f64>(slot));
  return kind != BOOL && kind != INT && kind != LONG && kind != DYNAMIC;
}
