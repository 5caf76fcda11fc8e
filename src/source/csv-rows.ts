import { MillraceError } from "../errors.ts";
import type { FilePosition, Frame, Splitter } from "./splitter.ts";

const newline = 10;
const carriageReturn = 13;
const quote = 34;

/** Within a row: at the start of a field, in a plain one, in a quoted one, or just behind a quote in a quoted one. */
type State = "start" | "plain" | "quoted" | "behind-quote";

/**
 * CSV by RFC 4180: a row ends at a line end outside quotes, and a quote counts only where it opens a field. So a stray
 * quote spoils its own row and not the next. Empty lines are skipped.
 *
 * Written by hand: csv-parse gives its positions between the two halves of CR LF, goes on in the middle of the next rows
 * after a bad quote (they are lost), and reads 10-15 MB/s. It is the oracle of the tests instead.
 */
export function csvSplitter(from: FilePosition, delimiter: string, name: string): Splitter {
  const separator = delimiter.charCodeAt(0);
  let state: State = "start";
  let start = from.byte;
  let scanned = from.byte;
  let line = from.line;
  let startLine = from.line;
  let quoteLine = 0;

  return {
    next({ bytes, base, length }, isLast): Frame | undefined {
      let i = scanned - base;
      for (; i < length; i++) {
        const byte = bytes[i]!;
        if (state === "quoted") {
          if (byte === quote) state = "behind-quote";
          else if (byte === newline) line++;
          continue;
        }
        if (byte === newline) {
          line++;
          const frame = take(bytes, base, i, base + i + 1);
          if (frame) return frame;
        } else if (byte === separator) state = "start";
        else if (byte === quote) {
          if (state === "start") quoteLine = line;
          state = state === "plain" ? "plain" : "quoted";
        } else state = "plain";
      }
      scanned = base + length;
      if (!isLast || start >= scanned) return undefined;
      const fault = state === "quoted" ? unclosed() : undefined;
      const frame = take(bytes, base, length, scanned);
      return frame && { ...frame, ...(fault !== undefined && { fault }) };
    },
    get keepFrom() {
      return start;
    },
    tooLong() {
      if (state === "quoted")
        throw new MillraceError(
          "BAD_SOURCE",
          `${name}:${quoteLine}: a quote opens a field on this line and is not closed before the row becomes too long.`,
          {
            context: { line: quoteLine },
          },
        );
    },
    isComplete: (text) => text === "\r", // of an empty line
    position: () => ({ byte: start, line: startLine }),
  };

  function take(bytes: Uint8Array, base: number, end: number, next: number): Frame | undefined {
    const first = start;
    const frameLine = startLine;
    start = scanned = next;
    startLine = line;
    state = "start";
    const stop = end > first - base && bytes[end - 1] === carriageReturn ? end - 1 : end;
    return stop > first - base ? { start: first, end: base + stop, line: frameLine } : undefined;
  }

  function unclosed(): string {
    return `a quote opens a field on line ${quoteLine} and is not closed before the file ends, so that all behind it is one row`;
  }
}

/** The fields of one row, or what is wrong with its quotes. */
export function csvFields(row: string, delimiter: string): string[] | string {
  if (!row.includes('"')) return row.split(delimiter);
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    const field = row[at] === '"' ? quotedField(row, at) : plainField(row, at, delimiter);
    if (field === undefined) return `a quote stands inside field ${fields.length + 1}, which does not begin with one`;
    fields.push(field.text);
    at = field.end;
    if (at >= row.length) return fields;
    if (row[at] !== delimiter) return `text follows the closing quote of field ${fields.length}`;
    at++;
  }
}

interface Field {
  readonly text: string;
  readonly end: number;
}

function plainField(row: string, at: number, delimiter: string): Field | undefined {
  const found = row.indexOf(delimiter, at);
  const end = found < 0 ? row.length : found;
  const text = row.slice(at, end);
  return text.includes('"') ? undefined : { text, end };
}

function quotedField(row: string, at: number): Field {
  let end = at + 1;
  let hasPairs = false;
  for (;;) {
    end = row.indexOf('"', end);
    // The splitter ends no row within quotes, so the closing one is there.
    if (end < 0) return { text: row.slice(at + 1), end: row.length };
    if (row[end + 1] !== '"') break;
    hasPairs = true;
    end += 2;
  }
  const text = row.slice(at + 1, end);
  return { text: hasPairs ? text.replaceAll('""', '"') : text, end: end + 1 };
}
