import { type CsvDialect, rfc4180 } from "./csv-dialect.ts";
import { csvFields, csvSplitter } from "./csv-rows.ts";
import type { FilesOptions } from "./file-options.ts";
import { extensionOf } from "./format.ts";

/** What the options say of a file's rows, and where they leave it open, the file. */
export interface SniffedDialect {
  readonly dialect: CsvDialect;
  /** For the user, where something is not what the file's name says, or not certain. */
  readonly notices: readonly string[];
}

/** @param head The first bytes behind the byte order mark, in UTF-8. */
export function dialectOf(path: string, head: Uint8Array, options: FilesOptions): SniffedDialect {
  const quote = options.quote === "none" ? "" : (options.quote ?? rfc4180.quote);
  const asked: CsvDialect = {
    delimiter: options.delimiter ?? rfc4180.delimiter,
    quote,
    escape: options.escape ?? quote,
    comment: options.comment ?? rfc4180.comment,
    skipLines: options.skipLines ?? rfc4180.skipLines,
    hasHeader: options.header ?? rfc4180.hasHeader,
    ragged: options.ragged ?? rfc4180.ragged,
    isTrimmed: options.trim ?? rfc4180.isTrimmed,
  };
  const excel = separatorLine(head);
  // Excel's first line is none of the data; where lines are skipped, it is one of them.
  const dialect = excel === undefined ? asked : { ...asked, skipLines: Math.max(1, asked.skipLines) };
  if (options.delimiter !== undefined) return { dialect, notices: [] };
  if (excel !== undefined) {
    const notice = `${path}: the delimiter is ${shownDelimiter(excel)}, as its first line says.`;
    return { dialect: { ...dialect, delimiter: excel }, notices: excel === delimiterOfName(path) ? [] : [notice] };
  }
  const { delimiter, notice } = sniffDelimiter(path, head, dialect);
  return { dialect: { ...dialect, delimiter }, notices: notice === undefined ? [] : [notice] };
}

/** The character in a first line such as `sep=;`, which Excel writes and obeys. */
function separatorLine(head: Uint8Array): string | undefined {
  const line = Buffer.from(head.subarray(0, 16)).toString("latin1");
  return /^"?sep=([^\w"\r\n])"?(?:[\r\n]|$)/i.exec(line)?.[1];
}

interface SniffedDelimiter {
  readonly delimiter: string;
  readonly notice: string | undefined;
}

const candidates = [",", ";", "\t", "|"];
const rowsLooked = 50;

const extensionDelimiters: Readonly<Record<string, string>> = { ".tsv": "\t", ".tab": "\t", ".psv": "|" };

/** What separates fields by the file's name. */
function delimiterOfName(path: string): string {
  return extensionDelimiters[extensionOf(path)] ?? ",";
}

/**
 * The delimiter by the first rows: the one that divides each of them into as many fields as the first. The file's name decides
 * where that is not clear. Only whole rows count, so that a file gives the same answer when it has grown.
 */
function sniffDelimiter(path: string, head: Uint8Array, dialect: CsvDialect): SniffedDelimiter {
  const named = delimiterOfName(path);
  const found = [named, ...candidates.filter((delimiter) => delimiter !== named && delimiter !== dialect.quote)].map(
    (delimiter) => ({ delimiter, ...countFields(head, { ...dialect, delimiter }) }),
  );
  const own = found[0]!;
  const others = found
    .slice(1)
    // Where the name's delimiter does not divide the first row at all, rows with more or fewer fields say little.
    .filter(({ fields, isConsistent, isUsual }) => fields > 1 && (isConsistent || (isUsual && own.fields < 2)))
    .sort((a, b) => b.fields - a.fields);
  const best = others[0];
  if (!best || (own.fields > 1 && !own.isConsistent && best.fields < own.fields))
    return { delimiter: named, notice: undefined };
  if (own.fields > 1 && own.isConsistent) {
    const winner = best.fields > own.fields ? best : own;
    const loser = winner === own ? best : own;
    const notice = `${path}: ${shownDelimiter(winner.delimiter)} and ${shownDelimiter(loser.delimiter)} both divide the first rows; ${shownDelimiter(winner.delimiter)} is taken as the delimiter.`;
    return { delimiter: winner.delimiter, notice };
  }
  return {
    delimiter: best.delimiter,
    notice: `${path}: the delimiter is ${shownDelimiter(best.delimiter)}, as the first rows show.`,
  };
}

/** A delimiter as a message and the command line spell it. */
export function shownDelimiter(delimiter: string): string {
  return delimiter === "\t" ? "a tab" : JSON.stringify(delimiter);
}

interface FieldCount {
  /** In the first row. */
  readonly fields: number;
  /** Each of the rows has as many, but for those whose quotes are broken. */
  readonly isConsistent: boolean;
  /** More than half of them have. */
  readonly isUsual: boolean;
}

function countFields(head: Uint8Array, dialect: CsvDialect): FieldCount {
  let fields = 0;
  let rows = 0;
  let alike = 0;
  for (const row of firstRows(head, dialect, rowsLooked)) {
    const found = csvFields(row, dialect);
    if (typeof found === "string") continue;
    if (rows++ === 0) fields = found.length;
    if (found.length === fields) alike++;
  }
  return { fields, isConsistent: rows > 0 && alike === rows, isUsual: alike * 2 > rows };
}

/** The first rows of a file; the last one counts only where it is the only one, for it may be cut off. */
export function firstRows(head: Uint8Array, dialect: CsvDialect, most: number): string[] {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  const window = { bytes, base: 0, length: bytes.length };
  const splitter = csvSplitter({ byte: 0, line: 1 }, dialect, "");
  const rows: string[] = [];
  while (rows.length < most) {
    const frame = splitter.next(window, false);
    if (!frame) break;
    rows.push(bytes.toString("utf8", frame.start, frame.end));
  }
  if (rows.length > 0) return rows;
  try {
    const frame = csvSplitter({ byte: 0, line: 1 }, dialect, "").next(window, true);
    return frame ? [bytes.toString("utf8", frame.start, frame.end)] : [];
  } catch {
    return []; // a quote that is not closed: the reader tells it with its line
  }
}
