import { isJsonSpace } from "./json-text.ts";

const quote = 34;
const backslash = 92;
const comma = 44;
const openBracket = 91;
const closeBracket = 93;
const openBrace = 123;
const closeBrace = 125;
const newline = 10;

/** How far the scan of one JSON value has come. It may go on in the next stretch of bytes. */
export interface ValueScan {
  depth: number;
  inString: boolean;
  isEscaped: boolean;
  /** A number, true, false, null, or whatever else stands there: it ends where the next thing begins. */
  isBare: boolean;
  /** Line ends passed. */
  lines: number;
}

export function valueScan(): ValueScan {
  return { depth: 0, inString: false, isEscaped: false, isBare: false, lines: 0 };
}

export function resetScan(scan: ValueScan): void {
  scan.depth = 0;
  scan.inString = false;
  scan.isEscaped = false;
  scan.isBare = false;
  scan.lines = 0;
}

/**
 * Scans on in the value that has begun at or before `from`, and returns the index behind its end, or -1 where it does not
 * end before `to`. It looks at quotes, escapes and brackets only (of either kind alike): whether the value is JSON,
 * `JSON.parse` decides, and so a broken value between whole brackets harms no other.
 */
export function scanValue(scan: ValueScan, bytes: Uint8Array, from: number, to: number): number {
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    if (byte === newline) {
      if (scan.isBare && scan.depth === 0 && !scan.inString) return i;
      scan.lines++;
    }
    if (scan.inString) {
      if (scan.isEscaped) scan.isEscaped = false;
      else if (byte === backslash) scan.isEscaped = true;
      else if (byte === quote) {
        scan.inString = false;
        if (scan.depth === 0 && !scan.isBare) return i + 1;
      }
    } else if (byte === quote) scan.inString = true;
    else if (byte === openBrace || byte === openBracket) scan.depth++;
    else if (byte === closeBrace || byte === closeBracket) {
      // At depth 0 it closes what is around a bare value; with no value before it, it is broken text, and taken as such.
      if (scan.depth === 0) return scan.isBare ? i : i + 1;
      if (--scan.depth === 0 && !scan.isBare) return i + 1;
    } else if (scan.depth === 0) {
      if (byte === comma || isJsonSpace(byte)) return i;
      scan.isBare = true;
    }
  }
  return -1;
}
