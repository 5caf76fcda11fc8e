import { IngestionFailure } from "../ingestion-failure.ts";
import { checkRecord } from "./file-text.ts";

/** The delimiters of the formats that are CSV with another separator. */
export const delimiters: Readonly<Record<string, string>> = {
  csv: ",",
  tsv: "\t",
  scsv: ";",
  psv: "|",
  sohsv: "\u0001",
};

/**
 * Splits RFC 4180 text into records, piece by piece; a record may span pieces. Lines end with LF, CRLF or CR; an empty
 * line is no record; blanks belong to their field; inside quotes everything is data.
 *
 * @throws IngestionFailure Stream_ClosingQuoteMissing, BadRequest_UnexpectedCharacterInInputStream.
 */
export async function* csvRecords(pieces: AsyncIterable<string>, delimiter: string): AsyncGenerator<string[][]> {
  let rest = "";
  let isStart = true;
  let wanted = 0;
  for await (const piece of pieces) {
    rest += isStart && piece.startsWith("\ufeff") ? piece.slice(1) : piece;
    if (piece !== "") isStart = false;
    // A record longer than its piece is scanned again only when the text has doubled, so the cost stays linear.
    checkRecord(rest.length);
    if (rest.length < wanted) continue;
    const { records, end } = split(rest, delimiter, false);
    rest = rest.slice(end);
    wanted = records.length === 0 ? rest.length * 2 : 0;
    if (records.length > 0) yield records;
  }
  const { records } = split(rest, delimiter, true);
  if (records.length > 0) yield records;
}

const LF = 10;
const CR = 13;
const QUOTE = 34;

/** The whole records of `text`, and where the first unfinished one begins. */
function split(text: string, delimiter: string, isLast: boolean): { records: string[][]; end: number } {
  const separator = delimiter.charCodeAt(0);
  const length = text.length;
  const records: string[][] = [];
  let fields: string[] = [];
  let end = 0;
  let at = 0;
  while (at < length) {
    let field: string;
    if (text.charCodeAt(at) === QUOTE) {
      const close = closingQuote(text, at + 1);
      if (close < 0) {
        if (!isLast) return { records, end };
        throw new IngestionFailure("Stream_ClosingQuoteMissing", "Invalid CSV format. Closing quote is missing.");
      }
      if (close + 1 >= length && !isLast) return { records, end };
      field = text.slice(at + 1, close);
      if (field.includes('""')) field = field.replaceAll('""', '"');
      at = close + 1;
    } else {
      const from = at;
      for (; at < length; at++) {
        const code = text.charCodeAt(at);
        if (code === separator || code === LF || code === CR) break;
      }
      if (at >= length && !isLast) return { records, end };
      field = text.slice(from, at);
    }
    const code = at < length ? text.charCodeAt(at) : LF;
    if (code === separator) {
      fields.push(field);
      at++;
      // A separator that ends the text is followed by one more, empty field.
      if (at < length) continue;
      if (!isLast) return { records, end };
      field = "";
    } else if (code === CR) {
      if (at + 1 >= length && !isLast) return { records, end };
      at += text.charCodeAt(at + 1) === LF ? 2 : 1;
    } else if (code === LF) {
      at++;
    } else {
      throw new IngestionFailure(
        "BadRequest_UnexpectedCharacterInInputStream",
        "Invalid CSV format. A closing quote must be followed by a separator or the end of the line.",
      );
    }
    const isBlankLine = fields.length === 0 && field === "" && text.charCodeAt(end) !== QUOTE;
    fields.push(field);
    if (!isBlankLine) records.push(fields);
    fields = [];
    end = at;
  }
  return { records, end };
}

/** The index of the quote that closes the field, or -1: a doubled quote is data. */
function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 2)) {
    if (text.charCodeAt(at + 1) !== QUOTE) return at;
  }
  return -1;
}
