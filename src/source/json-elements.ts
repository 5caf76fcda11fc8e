import { MillraceError } from "../errors.ts";
import type { ByteWindow } from "./byte-window.ts";
import { isJsonSpace, shownByte } from "./json-text.ts";
import { resetScan, scanValue, valueScan } from "./json-value.ts";
import type { FilePosition, Frame, Splitter } from "./splitter.ts";

const comma = 44;
const openBracket = 91;
const closeBracket = 93;
const openBrace = 123;
const newline = 10;

export interface ElementSplitter extends Splitter {
  /** Behind the bracket that closes the array, once it has been seen. */
  behindArray(): FilePosition | undefined;
}

/**
 * Finds the records of JSON text without holding the text: the elements of one array, or objects, one after another.
 * `inside: "array"` starts between two elements; `isWithin` says that the array lies within a document, whose rest the
 * caller reads. Else nothing may stand behind the array, as nothing may for `JSON.parse`.
 */
export function elementSplitter(from: FilePosition, name: string, isWithin = false): ElementSplitter {
  let inside: FilePosition["inside"] = from.inside;
  let scanned = from.byte;
  let line = from.line;
  let needsComma = inside === "array" && from.isFirst !== true;
  let isAfterComma = false;

  const scan = valueScan();
  let isInValue = false;
  let behind: FilePosition = from;
  let start = from.byte;
  let startLine = from.line;
  let fault: string | undefined;

  return {
    next(window, isLast): Frame | undefined {
      const end = window.base + window.length;
      while (scanned < end && !isDone()) {
        if (isInValue || toValue(window, end)) {
          if (fault !== missing && !toEnd(window)) break;
          return taken();
        }
      }
      if (!isLast) return undefined;
      // A bare value ends with the file, and is refused as a record by its reader; all else must have been closed.
      if (isInValue) throw endsWithin(`the record that begins on line ${startLine}`);
      if (inside === "array") throw endsWithin("an array");
      return undefined;
    },
    get keepFrom() {
      return isInValue ? start : scanned;
    },
    position: () => behind,
    behindArray: () => (inside === "end" ? { byte: scanned, line } : undefined),
  };

  function isDone(): boolean {
    return isWithin && inside === "end";
  }

  /** Goes over what is between records. True: at the first byte of one. */
  function toValue({ bytes, base }: ByteWindow, end: number): boolean {
    for (; scanned < end; scanned++) {
      if (isDone()) return false;
      const byte = bytes[scanned - base]!;
      if (byte === newline) line++;
      if (isJsonSpace(byte)) continue;
      if (inside === "array" ? startsInArray(byte) : startsAtTop(byte)) {
        isInValue = true;
        start = scanned;
        startLine = line;
        resetScan(scan);
        return true;
      }
    }
    return false;
  }

  function startsAtTop(byte: number): boolean {
    fault = undefined;
    if (byte === openBrace && inside !== "end") {
      inside = "top";
      return true;
    }
    if (byte !== openBracket || inside !== undefined)
      throw new MillraceError("BAD_SOURCE", `${name}:${line}: ${expected()}, found ${shownByte(byte)}.`, {
        context: { line },
      });
    inside = "array";
    needsComma = false;
    isAfterComma = false;
    return false;
  }

  function expected(): string {
    if (inside === undefined) return "expected { or [ to begin JSON records";
    return inside === "end" ? "expected the end of the file behind the array" : "expected { to begin another object";
  }

  function startsInArray(byte: number): boolean {
    fault = undefined;
    if (byte === closeBracket && !isAfterComma) {
      // The loop steps over the bracket.
      inside = "end";
      return false;
    }
    if (byte === comma && needsComma) {
      needsComma = false;
      isAfterComma = true;
      return false;
    }
    if (byte === comma || byte === closeBracket) fault = missing;
    else if (needsComma) fault = "there is no comma before it";
    return true;
  }

  function toEnd({ bytes, base, length }: ByteWindow): boolean {
    const end = scanValue(scan, bytes, scanned - base, length);
    scanned = base + (end < 0 ? length : end);
    return end >= 0;
  }

  function taken(): Frame {
    isInValue = false;
    needsComma = true;
    isAfterComma = false;
    line += scan.lines;
    behind = { byte: scanned, line, inside };
    return { start, end: scanned, line: startLine, ...(fault !== undefined && { fault }) };
  }

  function endsWithin(what: string): MillraceError {
    return new MillraceError(
      "BAD_SOURCE",
      `${name}: the file ends within ${what}: it is cut off, or a bracket or quote is not closed.`,
    );
  }
}

const missing = "an element is missing: two commas stand together, or one before the bracket";
