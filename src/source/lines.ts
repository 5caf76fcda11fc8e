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
        const frameLine = line;
        if (end >= 0 && end < length) line++;
        else {
          if (!isLast || start - base >= length) {
            scanned = base + length;
            return undefined;
          }
          end = length; // its end may still be written, so the position behind it is on the same line
        }
        const first = start;
        start = scanned = Math.min(base + end + 1, base + length);
        let stop = end;
        while (stop > first - base && isJsonSpace(bytes[stop - 1]!)) stop--;
        if (stop > first - base) return { start: first, end: base + stop, line: frameLine };
      }
    },
    get keepFrom() {
      return start;
    },
    isComplete,
    position: () => ({ byte: start, line }),
  };
}

/** White space, or an object: what is written behind an object belongs to another line, or breaks this one. */
function isComplete(text: string): boolean {
  const trimmed = text.replace(/[ \t\r]+$/, "");
  if (trimmed === "") return true;
  if (!trimmed.endsWith("}")) return false;
  try {
    const value: unknown = JSON.parse(trimmed);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
