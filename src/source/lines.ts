import type { ByteWindow } from "./byte-window.ts";
import { isJsonSpace } from "./json-text.ts";
import type { FilePosition, Frame, Splitter } from "./splitter.ts";

const newline = 10;
const carriageReturn = 13;

/**
 * NDJSON: a record per line, which ends with LF, CR LF or CR. Lines of nothing but white space are skipped; a last line
 * needs no line end.
 */
export function lineSplitter(from: FilePosition): Splitter {
  let start = from.byte;
  let scanned = from.byte;
  let line = from.line;
  /** Offset of the next CR, or of the first byte that was not searched for one: LF ends most files' lines, and one search does. */
  let nextReturn = from.byte;

  return {
    next(window, isLast): Frame | undefined {
      const { bytes, base, length } = window;
      for (;;) {
        const end = lineEnd(window, isLast);
        if (end === undefined && (!isLast || start - base >= length)) {
          scanned = Math.min(base + length, Math.max(scanned, nextReturn)); // a CR at the end is looked at again
          return undefined;
        }
        const { stop = length, next = length } = end ?? {};
        const first = start;
        const frameLine = line++;
        start = scanned = base + next;
        let last = stop;
        while (last > first - base && isJsonSpace(bytes[last - 1]!)) last--;
        if (last > first - base) return { start: first, end: base + last, line: frameLine };
      }
    },
    get keepFrom() {
      return start;
    },
    position: () => ({ byte: start, line }),
  };

  /** Where the line stops and the next begins, in the window; undefined: it does not end there. */
  function lineEnd({ bytes, base, length }: ByteWindow, isLast: boolean): { stop: number; next: number } | undefined {
    const feed = indexOf(bytes, newline, scanned - base, length);
    if (nextReturn < scanned || (nextReturn < base + length && bytes[nextReturn - base] !== carriageReturn))
      nextReturn = base + indexOf(bytes, carriageReturn, Math.max(nextReturn, scanned) - base, length);
    const back = nextReturn - base;
    if (back >= feed) return feed < length ? { stop: feed, next: feed + 1 } : undefined;
    if (back + 1 === length) return isLast ? { stop: back, next: length } : undefined; // LF may follow
    return { stop: back, next: back + (bytes[back + 1] === newline ? 2 : 1) };
  }
}

/** The index of the byte, or the end of what is filled. */
function indexOf(bytes: Buffer, byte: number, from: number, length: number): number {
  const found = bytes.indexOf(byte, from);
  return found < 0 || found >= length ? length : found;
}
