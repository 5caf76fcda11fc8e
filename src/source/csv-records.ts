import type { CsvDialect } from "./csv-dialect.ts";
import { readHeader, rowParser } from "./csv-header.ts";
import { csvFields } from "./csv-rows.ts";

/** The header of a file that is read on in the middle. */
export interface KnownHeader {
  readonly fields: readonly string[];
  /** Where it begins. */
  readonly line: number;
}

const mark = "\ufeff";

export interface CsvRecords {
  /** The record of a row; what is wrong with the row; undefined: it was a header. */
  readonly parse: (row: string, line: number) => Record<string, string | null> | string | undefined;
  /** The names of the fields, once they are known. */
  readonly fields: readonly string[] | undefined;
}

/**
 * Reads the rows of a file as records. The first row gives the names, unless they are known because reading goes on in the
 * middle; where the dialect has no header, it is a record, too.
 *
 * A row that begins with a byte order mark comes of files that were put together: a header that stands there again is left
 * out, and another row is refused, since nobody knows whether it is data.
 *
 * @throws MillraceError BAD_SOURCE, from its calls, when the header row cannot be read.
 */
export function csvRecords(
  dialect: CsvDialect,
  name: string,
  known: KnownHeader | undefined,
  onNotice: ((notice: string) => void) | undefined,
): CsvRecords {
  let fields = known?.fields;
  let parseRow = known && rowParser(known.fields, dialect, known.line);
  function parse(row: string, line: number): Record<string, string | null> | string | undefined {
    if (parseRow && fields) {
      if (!row.startsWith(mark)) return parseRow(row);
      if (!isHeaderAgain(row.slice(1), fields, dialect))
        return "it begins with a byte order mark, as where files were put together; take the mark out if the row is data";
      onNotice?.(`${name}: the header stands in the file again, behind a byte order mark; it is left out.`);
      return undefined;
    }
    if (!dialect.hasHeader) {
      const first = csvFields(row, dialect);
      if (typeof first === "string") return first;
    }
    const header = readHeader(row, dialect, name);
    fields = header.fields;
    parseRow = rowParser(fields, dialect, line);
    for (const notice of header.notices) onNotice?.(notice);
    return dialect.hasHeader ? undefined : parseRow(row);
  }
  return {
    parse,
    get fields() {
      return fields;
    },
  };
}

function isHeaderAgain(row: string, fields: readonly string[], dialect: CsvDialect): boolean {
  if (!dialect.hasHeader) return false;
  const names = csvFields(row, dialect);
  return typeof names !== "string" && names.length === fields.length && names.every((text, i) => text === fields[i]);
}
