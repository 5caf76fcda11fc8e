import { rawReasons } from "./raw-reasons.ts";

const newline = 0x0a;
const carriageReturn = 0x0d;
const quote = 0x22;
const comma = 0x2c;

/** Where the row ends and how many fields it has; or, with a reason, where it is broken. */
export interface CsvRow {
  readonly reason: number;
  readonly end: number;
  readonly fields: number;
}

function broken(reason: number, end: number): CsvRow {
  return { reason, end, fields: 0 };
}

/** The row of CSV that begins at `start`, if it ends before `stop`: see `rawRows` for the rules. */
export function csvRow(bytes: Uint8Array, start: number, stop: number): CsvRow {
  let fields = 1;
  let at = start;
  while (at < stop) {
    const byte = bytes[at];
    if (byte === newline) return { reason: 0, end: at + 1, fields };
    if (byte === carriageReturn) {
      if (at + 1 >= stop) break;
      if (bytes[at + 1] !== newline) return broken(rawReasons.bareReturn, at);
      return { reason: 0, end: at + 2, fields };
    }
    if (byte === comma) fields++;
    if (byte !== quote) {
      at++;
      continue;
    }
    if (at > start && bytes[at - 1] !== comma) return broken(rawReasons.quoteInField, at);
    const closing = closingQuote(bytes, at + 1, stop);
    if (closing < 0) return broken(stop === bytes.length ? rawReasons.quoteOpen : rawReasons.tooLarge, at);
    at = closing + 1;
    if (at >= stop) break;
    const behind = bytes[at];
    if (behind !== comma && behind !== newline && behind !== carriageReturn)
      return broken(rawReasons.textAfterQuote, at);
  }
  return broken(rawReasons.tooLarge, stop);
}

/** The quote before `stop` that closes the field whose text begins at `from`; -1 where there is none. */
function closingQuote(bytes: Uint8Array, from: number, stop: number): number {
  for (let at = from; ; at += 2) {
    at = bytes.indexOf(quote, at);
    if (at < 0 || at >= stop) return -1;
    if (at + 1 >= stop || bytes[at + 1] !== quote) return at;
  }
}
