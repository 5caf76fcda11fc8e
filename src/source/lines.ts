import type { ByteWindow } from "./byte-window.ts";
import { isJsonSpace } from "./json-text.ts";
import type { FilePosition, Frame, Splitter } from "./splitter.ts";

const newline = 10;
const carriageReturn = 13;

/**
 * NDJSON: a record per line, which ends with LF, CR LF or CR. Lines of nothing but white space are skipped; a last line
 * needs no line end. JSON takes CR for white space, too: within a record it ends no line.
 */
export function lineSplitter(from: FilePosition): Splitter {
  let start = from.byte;
  let scanned = from.byte;
  let line = from.line;
  /** Offset of the next CR, or of the first byte that was not searched for one: LF ends most files' lines, and one search does. */
  let nextReturn = from.byte;
  /** The last line ended with CR alone. */
  let endsWithReturn = false;

  return {
    next(window, isLast): Frame | undefined {
      const { bytes, base, length } = window;
      for (;;) {
        const end = lineEnd(window, isLast);
        if (end === undefined && (!isLast || start - base >= length)) {
          scanned = Math.min(base + length, Math.max(scanned, nextReturn)); // a CR at the end is looked at again
          return undefined;
        }
        // The end of the last line may still be written: the position behind it is on the same line.
        const { stop, next, isWhole } = end ?? { stop: length, next: length, isWhole: false };
        const first = start;
        const frameLine = line;
        if (isWhole) line++;
        start = scanned = base + next;
        let last = stop;
        while (last > first - base && isJsonSpace(bytes[last - 1]!)) last--;
        if (last > first - base) return { start: first, end: base + last, line: frameLine };
      }
    },
    get keepFrom() {
      return start;
    },
    isComplete,
    position: () => ({ byte: start, line }),
  };

  /** Where the line ends; undefined: not in the window. */
  function lineEnd({ bytes, base, length }: ByteWindow, isLast: boolean): LineEnd | undefined {
    const feed = indexOf(bytes, newline, scanned - base, length);
    for (;;) {
      if (nextReturn < scanned || (nextReturn < base + length && bytes[nextReturn - base] !== carriageReturn))
        nextReturn = base + indexOf(bytes, carriageReturn, Math.max(nextReturn, scanned) - base, length);
      const back = nextReturn - base;
      if (back >= feed) {
        if (feed === length) return undefined;
        endsWithReturn = false;
        return { stop: feed, next: feed + 1, isWhole: true };
      }
      // LF may follow.
      if (back + 1 === length) return isLast ? { stop: back, next: length, isWhole: endsWithReturn } : undefined;
      const isPair = bytes[back + 1] === newline;
      // Behind a line that CR ended, it ends the next, too, also a broken one; else what follows decides.
      if (!isPair && !endsWithReturn) {
        const after = spaceEnd(bytes, back + 1, length);
        if (after === length && !isLast) return undefined;
        const follows = after < length ? bytes[after]! : newline; // the file ends as a line does
        if (!isBetweenRecords(bytes, start - base, back, follows)) {
          nextReturn++;
          continue;
        }
      }
      endsWithReturn = !isPair;
      return { stop: back, next: back + (isPair ? 2 : 1), isWhole: true };
    }
  }
}

interface LineEnd {
  /** Behind the line's last byte, in the window. */
  readonly stop: number;
  /** Where the next line begins. */
  readonly next: number;
  /** False for CR behind the last line where other lines end with CR LF. */
  readonly isWhole: boolean;
}

/** The index of the byte, or the end of what is filled. */
function indexOf(bytes: Buffer, byte: number, from: number, length: number): number {
  const found = bytes.indexOf(byte, from);
  return found < 0 || found >= length ? length : found;
}

const [comma, colon, opening, closing, brace, endBrace] = [...Buffer.from(",:[]{}")];

/**
 * Whether no record goes on after the CR at `back`: the byte before it and the `next` one, white space aside, are never neighbours
 * within a JSON text. The brace that begins the next record separates it from a broken line.
 */
function isBetweenRecords(bytes: Buffer, first: number, back: number, next: number): boolean {
  if (next === newline) return false;
  let last = back - 1;
  while (last >= first && isJsonSpace(bytes[last]!)) last--;
  if (last < first) return true;
  const before = bytes[last];
  if (before === endBrace) return next !== comma && next !== closing && next !== endBrace;
  return next === brace && before !== comma && before !== colon && before !== opening;
}

/** The first byte from there on that is no white space, or a line feed. */
function spaceEnd(bytes: Buffer, from: number, length: number): number {
  let at = from;
  while (at < length && bytes[at] !== newline && isJsonSpace(bytes[at]!)) at++;
  return at;
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
