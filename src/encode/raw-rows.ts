import { csvRow } from "./csv-row.ts";
import { jsonFault, jsonReasons } from "./json-syntax.ts";
import { rawReasons } from "./raw-reasons.ts";
import type { RowFormat } from "./row-format.ts";

/**
 * Rows that the caller had encoded already, found and checked in plain JavaScript: what the fallback encoder sends, and
 * what assembly/raw.ts is checked against.
 *
 * CSV, as RFC 4180 has it: a field that has `"`, `,`, CR or LF in it is quoted, its quotes doubled; a row ends in LF or
 * CRLF and has one field for each column; an empty line is no row. Where the quotes do not say where a row ends (a quote
 * in a field that is not quoted, text after a closing quote, a quote that nothing closes), or the row is larger than a
 * batch, its first line is refused and the next line begins a row: one stray quote does not take its neighbours along.
 *
 * NDJSON: a row is a line, and a JSON object; a line of white space is no row, unless it is larger than a batch.
 *
 * Both are UTF-8. Types are not looked at, and neither are the names in an object.
 */
export interface RawRows {
  /** First byte of the row at hand, and of what follows it. */
  readonly start: number;
  readonly end: number;
  /** Why it is refused, as in `rawReasons`; 0 for a sound row. */
  readonly reason: number;
  readonly detail: number;
  /** Goes to the next row; false at the end. */
  next(): boolean;
}

const tab = 0x09;
const newline = 0x0a;
const carriageReturn = 0x0d;
const blank = 0x20;

const utf8 = new TextEncoder();
const fatalUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The rows of `bytes`, which end in a newline, from byte `from` on. */
export function rawRows(
  format: RowFormat,
  columns: number,
  maxBytes: number,
  bytes: Uint8Array,
  from: number,
): RawRows {
  const row = { start: from, end: from, reason: 0, detail: 0, next };

  function next(): boolean {
    row.start = format === "csv" ? behindEmptyLines(row.end) : behindBlankLines(row.end);
    row.end = row.start;
    row.detail = 0;
    if (row.start >= bytes.length) return false;
    row.reason = format === "csv" ? csvReason() : jsonReason();
    return true;
  }

  function behindEmptyLines(from: number): number {
    for (let at = from; ; ) {
      if (bytes[at] === newline) at++;
      else if (bytes[at] === carriageReturn && bytes[at + 1] === newline) at += 2;
      else return at;
    }
  }

  function behindBlankLines(from: number): number {
    let line = from;
    for (let at = from; ; at++) {
      const byte = bytes[at];
      if (byte === newline) {
        if (at + 1 - line > maxBytes) return line;
        line = at + 1;
      } else if (byte !== blank && byte !== tab && byte !== carriageReturn) return line;
    }
  }

  function jsonReason(): number {
    row.end = bytes.indexOf(newline, row.start) + 1;
    if (row.end - row.start > maxBytes) return rawReasons.tooLarge;
    const text = textOf(bytes.subarray(row.start, row.end - 1));
    if (text === undefined) return rawReasons.notUtf8;
    const fault = jsonFault(text, "object");
    if (fault === undefined) return 0;
    row.detail = utf8.encode(text.slice(0, fault.at)).length;
    return rawReasons.json + jsonReasons.indexOf(fault.reason);
  }

  function csvReason(): number {
    const found = csvRow(bytes, row.start, Math.min(bytes.length, row.start + maxBytes));
    if (found.reason !== 0) {
      row.end = bytes.indexOf(newline, row.start) + 1;
      row.detail = found.end - row.start;
      return found.reason;
    }
    row.end = found.end;
    if (textOf(bytes.subarray(row.start, row.end)) === undefined) return rawReasons.notUtf8;
    row.detail = found.fields;
    return found.fields === columns ? 0 : rawReasons.fieldCount;
  }

  return row;
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return fatalUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}
