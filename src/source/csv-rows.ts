import { MillraceError } from "../errors.ts";
import type { CsvDialect } from "./csv-dialect.ts";
import type { FilePosition, Frame, Splitter } from "./splitter.ts";

const tab = 9;
const newline = 10;
const carriageReturn = 13;
const space = 32;
/** No byte: the dialect has no such character. */
const none = -1;

/** Where the scan stands. Numbers, for the loop runs once per byte. */
const rowStart = 0;
const fieldStart = 1;
const plain = 2;
const quoted = 3;
/** Behind the escape character in a quoted field. */
const escaped = 4;
const behindQuote = 5;
const comment = 6;
/** In the lines before the header that are left out. */
const prologue = 7;

export interface CsvSplitter extends Splitter {
  readonly blankLines: BlankLines;
}

/** Lines of nothing, from the first row on. In a file of one column each may have been meant as a row. */
export interface BlankLines {
  /** Before the last row. */
  readonly between: number;
  /** Behind the last row. */
  readonly behind: number;
  /** The line of the first of them; 0: there is none. */
  readonly first: number;
}

/**
 * CSV by RFC 4180: a row ends at a line end outside quotes, and a quote counts only where it opens a field. So a stray
 * quote spoils its own row and not the next. A line ends with LF, CR LF or CR. Empty lines and comments are skipped.
 *
 * Written by hand: csv-parse gives its positions between the two halves of CR LF, goes on in the middle of the next rows
 * after a bad quote (they are lost), and reads 10-15 MB/s. It is the oracle of the tests instead.
 */
export function csvSplitter(from: FilePosition, dialect: CsvDialect, name: string): CsvSplitter {
  const separator = dialect.delimiter.charCodeAt(0);
  const quote = byteOf(dialect.quote);
  // A doubled quote needs no state of its own: behind the first, the second opens the field again.
  const isDoubled = dialect.escape === dialect.quote;
  const escapeByte = isDoubled ? none : byteOf(dialect.escape);
  const commentMark = byteOf(dialect.comment);
  const isTextWithinQuotes = bytesBut(newline, carriageReturn, quote, escapeByte);
  const isTextInPlain = bytesBut(newline, carriageReturn, separator, quote);
  let state = from.line <= dialect.skipLines ? prologue : rowStart;
  let start = from.byte;
  let scanned = from.byte;
  let line = from.line;
  let startLine = from.line;
  let quoteLine = 0;
  /** The last byte that was scanned. */
  let last = none;
  /** The last line ended with CR alone: another one behind the last row is all of its end, with no LF to come. */
  let endsWithReturn = false;
  // Reading that goes on behind line 1 goes on behind a row.
  let hasRow = from.line > 1;
  const blankLines = { between: 0, behind: 0, first: 0 };

  return {
    blankLines,
    next(window, isLast): Frame | undefined {
      const { bytes, base, length } = window;
      let i = scanned - base;
      let at = state;
      for (; i < length; i++) {
        let byte = bytes[i]!;
        if (at === quoted) {
          while (isTextWithinQuotes[byte] === 1 && i + 1 < length) byte = bytes[++i]!;
          if (byte === quote) at = behindQuote;
          else if (byte === escapeByte) at = escaped;
          else if (isLineEnd(byte, i, bytes)) line++;
          continue;
        }
        if (at === escaped) {
          at = quoted;
          // Before another character the escape stands for itself.
          if (byte !== quote && byte !== escapeByte) i--;
          continue;
        }
        if (at === plain) while (isTextInPlain[byte] === 1 && i + 1 < length) byte = bytes[++i]!;
        if (byte === newline || byte === carriageReturn) {
          let next = i + 1;
          if (byte === carriageReturn) {
            if (next === length && !isLast) break; // LF may follow
            if (next < length && bytes[next] === newline) next++;
          }
          const isAlone = byte === carriageReturn && next === i + 1;
          if (!isAlone || next < length) endsWithReturn = isAlone;
          // Behind the last byte of a file that may grow, LF may still come.
          if (endsWithReturn || !isAlone || next < length) line++;
          const isRow = at !== comment && at !== prologue;
          if (isRow && hasRow && i === start - base) {
            blankLines.behind++;
            blankLines.first ||= startLine;
          }
          const frame = take(base, isRow ? i : start - base, base + next);
          at = state;
          if (frame) return frame;
          i = next - 1;
        } else if (at === comment || at === prologue) continue;
        else if (byte === separator) at = fieldStart;
        else if (byte === quote) {
          if (at === rowStart || at === fieldStart) {
            quoteLine = line;
            at = quoted;
          } else if (at === behindQuote && isDoubled) at = quoted;
          else at = plain;
        } else if (at === rowStart && byte === commentMark) at = comment;
        // Blanks before a quoted field are no part of it.
        else if ((byte === space || byte === tab) && at <= fieldStart) at = fieldStart;
        else at = plain;
      }
      state = at;
      scanned = base + i;
      if (i > 0) last = bytes[i - 1]!;
      if (!isLast || start >= scanned) return undefined;
      const isWithin = at === quoted || at === escaped;
      const fault = isWithin ? unclosed() : undefined;
      const frame = take(base, at === comment || at === prologue ? start - base : length, scanned);
      return frame && { ...frame, ...(fault !== undefined && { fault }) };
    },
    get keepFrom() {
      return start;
    },
    tooLong() {
      if (state === quoted || state === escaped)
        throw new MillraceError(
          "BAD_SOURCE",
          `${name}:${quoteLine}: a quote opens a field on this line and is not closed before the row becomes too long.`,
          {
            context: { line: quoteLine },
          },
        );
    },
    isComplete(text) {
      if (text === "\r") return true; // of an empty line
      return endsWithReturn && text.endsWith("\r") && state !== quoted && state !== escaped;
    },
    position: () => ({ byte: start, line: startLine }),
  };

  /** The second half of CR LF ends no line of its own. */
  function isLineEnd(byte: number, i: number, bytes: Uint8Array): boolean {
    if (byte === carriageReturn) return true;
    return byte === newline && (i > 0 ? bytes[i - 1] : last) !== carriageReturn;
  }

  function take(base: number, end: number, next: number): Frame | undefined {
    const first = start;
    const frameLine = startLine;
    start = scanned = next;
    startLine = line;
    state = line <= dialect.skipLines ? prologue : rowStart;
    if (end <= first - base) return undefined;
    hasRow = true;
    blankLines.between += blankLines.behind;
    blankLines.behind = 0;
    return { start: first, end: base + end, line: frameLine };
  }

  function unclosed(): string {
    return `a quote opens a field on line ${quoteLine} and is not closed before the file ends, so that all behind it is one row`;
  }
}

/** 1 for every byte but these: most bytes are passed over with one look into the table. */
function bytesBut(...special: readonly number[]): Uint8Array {
  const table = new Uint8Array(256).fill(1);
  for (const byte of special) if (byte !== none) table[byte] = 0;
  return table;
}

function byteOf(character: string): number {
  return character === "" ? none : character.charCodeAt(0);
}

/** The fields of one row, or what is wrong with its quotes. */
export function csvFields(row: string, dialect: CsvDialect): string[] | string {
  const { delimiter, quote, isTrimmed } = dialect;
  if (quote === "" || !row.includes(quote)) {
    const fields = row.split(delimiter);
    return isTrimmed ? fields.map(trimmed) : fields;
  }
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    const opening = row[at] === quote ? at : behindBlanks(row, at, delimiter);
    const field = row[opening] === quote ? quotedField(row, opening, dialect) : plainField(row, at, dialect);
    if (field === undefined)
      return `a quote stands inside field ${fields.length + 1}, which does not begin with one (with quote "none" a quote is text)`;
    fields.push(field.text);
    at = field.end;
    if (at >= row.length) return fields;
    if (row[at] !== delimiter) return textBehindQuote(fields.length, row, at, dialect);
    at++;
  }
}

function textBehindQuote(field: number, row: string, at: number, { quote, escape: escapeMark }: CsvDialect): string {
  const hint =
    escapeMark === quote && row.slice(0, at).endsWith(`\\${quote}`) ? ' (escape "\\" reads \\" as a quote)' : "";
  return `text follows the closing quote of field ${field}${hint}`;
}

interface Field {
  readonly text: string;
  readonly end: number;
}

function isBlank(character: string | undefined): boolean {
  return character === " " || character === "\t";
}

function behindBlanks(row: string, from: number, delimiter: string): number {
  let at = from;
  while (isBlank(row[at]) && row[at] !== delimiter) at++;
  return at;
}

function trimmed(text: string): string {
  return text.replace(/^[ \t]+/, "").replace(/[ \t]+$/, "");
}

function plainField(row: string, at: number, { delimiter, quote, isTrimmed }: CsvDialect): Field | undefined {
  const found = row.indexOf(delimiter, at);
  const end = found < 0 ? row.length : found;
  const text = row.slice(at, end);
  if (text.includes(quote)) return undefined;
  return { text: isTrimmed ? trimmed(text) : text, end };
}

function quotedField(row: string, at: number, dialect: CsvDialect): Field {
  const { delimiter, quote, escape: escapeMark } = dialect;
  let closing = at + 1;
  let isEscaped = false;
  if (escapeMark === quote) {
    for (;;) {
      closing = row.indexOf(quote, closing);
      if (closing < 0 || row[closing + 1] !== quote) break;
      isEscaped = true;
      closing += 2;
    }
  } else {
    isEscaped = true;
    closing = closingUnescaped(row, closing, dialect);
  }
  // The splitter ends no row within quotes, so the closing one is there.
  if (closing < 0) closing = row.length;
  const text = row.slice(at + 1, closing);
  const end = closing + 1;
  const isEnd = end >= row.length || row[end] === delimiter;
  return { text: isEscaped ? unescaped(text, dialect) : text, end: isEnd ? end : behindBlanks(row, end, delimiter) };
}

function closingUnescaped(row: string, from: number, { quote, escape: escapeMark }: CsvDialect): number {
  for (let at = from; at < row.length; at++) {
    if (row[at] === quote) return at;
    if (row[at] === escapeMark && (row[at + 1] === quote || row[at + 1] === escapeMark)) at++;
  }
  return -1;
}

function unescaped(text: string, { quote, escape: escapeMark }: CsvDialect): string {
  if (escapeMark === quote) return text.replaceAll(quote + quote, () => quote);
  let result = "";
  for (let at = 0; at < text.length; at++) {
    if (text[at] === escapeMark && (text[at + 1] === quote || text[at + 1] === escapeMark)) at++;
    result += text[at];
  }
  return result;
}
