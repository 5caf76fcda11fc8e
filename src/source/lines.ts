import { isJsonSpace } from "./json-text.ts";
import type { FilePosition, Frame, Splitter } from "./splitter.ts";

const newline = 10;

/** NDJSON: a record per line. Lines of nothing but white space are skipped; a last line needs no line end. */
export function lineSplitter(from: FilePosition): Splitter {
  let start = from.byte;
  let scanned = from.byte;
  let line = from.line;

  return {
    next({ bytes, base, length }, isLast): Frame | undefined {
      for (;;) {
        let end = bytes.indexOf(newline, scanned - base);
        if (end < 0 || end >= length) {
          if (!isLast || start - base >= length) {
            scanned = base + length;
            return undefined;
          }
          end = length;
        }
        const first = start;
        const frameLine = line++;
        start = scanned = Math.min(base + end + 1, base + length);
        let stop = end;
        while (stop > first - base && isJsonSpace(bytes[stop - 1]!)) stop--;
        if (stop > first - base) return { start: first, end: base + stop, line: frameLine };
      }
    },
    get keepFrom() {
      return start;
    },
    position: () => ({ byte: start, line }),
  };
}
