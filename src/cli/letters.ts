import { reasonOf } from "../errors.ts";
import { parseExactly } from "../schema/exact-json.ts";
import type { SampleForm } from "../schema/infer.ts";
import type { Rename } from "../schema/names.ts";
import type { Table } from "../schema/table.ts";
import type { CsvDialect } from "../source/csv-dialect.ts";
import { rowParser } from "../source/csv-header.ts";
import { csvSplitter } from "../source/csv-rows.ts";
import { parseObject } from "../source/decoder.ts";
import type { OriginalFormat } from "../source/original-format.ts";
import { rowDialect } from "../source/original-format.ts";
import type { RawRecord } from "../source/records.ts";
import type { Origin } from "../source/source.ts";
import type { ValueOptions } from "./value-options.ts";

/** A line of a dead letter. */
export interface KeptLetter {
  readonly table: string;
  readonly place: string | undefined;
  readonly original: unknown;
  /** Absent: a record as `write()` was given it, or a letter of a release that did not write it. */
  readonly source: OriginalFormat | undefined;
}

/** A record as its source gave it. */
export interface Restored {
  readonly record: RawRecord;
  readonly form: SampleForm;
  readonly renames: readonly Rename[];
  /** As `coerce()` takes them. */
  readonly values: ValueOptions;
}

/** How the reason begins where a line is something else than a letter. */
export const notLetter = "it is no letter";

/** The letter that a line holds, or why it holds none. */
export function parseLetter(text: string): KeptLetter | string {
  let line: unknown;
  try {
    line = parseExactly(text, recordDepth);
  } catch (error) {
    return `${notLetter}: ${reasonOf(error)}`;
  }
  if (!isObject(line)) return `${notLetter}: a letter is a JSON object`;
  const { table, place, original, source } = line;
  const missing = ["table", "reason", "original"].find((member) => !Object.hasOwn(line, member));
  if (missing !== undefined) return `${notLetter}: it has no ${JSON.stringify(missing)}`;
  if (typeof table !== "string") return `${notLetter}: its "table" is not a text`;
  const fault = source === undefined ? undefined : sourceFault(source);
  if (fault !== undefined) return `its "source" cannot be used: ${fault}`;
  return {
    table,
    place: typeof place === "string" ? place : undefined,
    original,
    source: source as OriginalFormat | undefined,
  };
}

/** `{"original":{...}}`: the members of the record are the second level. */
const recordDepth = 2;

const formats: readonly unknown[] = ["csv", "ndjson", "json", "letter"] satisfies OriginalFormat["format"][];

function sourceFault(source: unknown): string | undefined {
  if (!isObject(source)) return "it is not an object";
  const { format, header, delimiter, dialect, nullTexts, excessPrecision, renames } = source;
  if (format !== undefined && !formats.includes(format))
    return `"format" is ${JSON.stringify(format)}; it takes csv, ndjson, json`;
  if (header !== undefined && !(isTexts(header) && header.length > 0 && new Set(header).size === header.length))
    return '"header" is not a list of different names';
  if (delimiter !== undefined && !(typeof delimiter === "string" && /^[^"\r\n]$/.test(delimiter)))
    return '"delimiter" is not one character';
  if (dialect !== undefined && !isRowDialect(dialect))
    return '"dialect" is not an object such as {"quote": "\'", "escape": "\\\\"}';
  if (nullTexts !== undefined && !isTexts(nullTexts)) return '"nullTexts" is not a list of texts';
  if (excessPrecision !== undefined && excessPrecision !== "refuse" && excessPrecision !== "truncate")
    return '"excessPrecision" is neither "refuse" nor "truncate"';
  const isRename = (each: unknown) => isObject(each) && isTexts([each.field, each.column]);
  if (renames !== undefined && !(Array.isArray(renames) && renames.every(isRename)))
    return '"renames" is not a list of {"field": ..., "column": ...}';
  return undefined;
}

function isRowDialect(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { quote, escape: escapeMark, ragged, isTrimmed, ...others } = value;
  const isMark = (mark: unknown) => mark === undefined || (typeof mark === "string" && /^[!-~]?$/.test(mark));
  return (
    isMark(quote) &&
    isMark(escapeMark) &&
    (ragged === undefined || ragged === "refuse" || ragged === "pad") &&
    (isTrimmed === undefined || typeof isTrimmed === "boolean") &&
    Object.keys(others).length === 0
  );
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The letter within a letter whose line could not be read, once it has been mended. */
export function innermost(letter: KeptLetter): KeptLetter | string {
  let inner = letter;
  while (inner.source?.format === "letter") {
    const fault = damage(inner);
    if (fault !== undefined) return fault;
    if (typeof inner.original !== "string") return 'its "original" is no line of a dead letter';
    const parsed = parseLetter(inner.original);
    if (typeof parsed === "string") return parsed;
    inner = parsed;
  }
  return inner;
}

/** Exactly the record that the source gave, or why that cannot be said. */
export function restore(letter: KeptLetter, table: Table): Restored | string {
  const fault = damage(letter);
  if (fault !== undefined) return fault;
  const { original } = letter;
  const source = sourceOf(letter, table);
  const { format, header, renames = [], nullTexts, excessPrecision } = source;
  const values: ValueOptions = { ...(nullTexts && { nullTexts }), ...(excessPrecision && { excessPrecision }) };
  if (isObject(original)) return { record: original, form: format === "csv" ? "csv" : "json", renames, values };
  if (typeof original !== "string") return 'its "original" is neither a record nor a text';
  if (format === undefined)
    return 'it does not say how its "original" is to be read: give it "source", such as {"format": "csv", "header": ["a", "b"]}';
  const record = format === "csv" ? csvRecord(original, header, rowDialect(source)) : parseObject(original);
  return typeof record === "string" ? record : { record, form: format === "csv" ? "csv" : "json", renames, values };
}

/** What a letter is kept with when it is refused again. */
export function originOf(letter: KeptLetter, table: Table): Origin {
  return { original: letter.original, source: sourceOf(letter, table) };
}

/** Letters of earlier releases say nothing of their source; what they can only mean is supplied. */
function sourceOf({ source, original, place }: KeptLetter, table: Table): OriginalFormat {
  if (source?.format !== undefined || typeof original !== "string") return source ?? {};
  // JSON names its fields, so there is nothing to guess.
  if (/^\s*\{/.test(original)) return { ...source, format: "ndjson" };
  // The rows of a batch are in the order of the table's columns; those of a file need not be.
  if (place !== undefined && rowPlace.test(place))
    return { ...source, format: "csv", header: table.list.map(({ name }) => name) };
  return source ?? {};
}

const rowPlace = /^(?:raw row \d+|epoch \d+, batch .*, row \d+)$/;

/** Earlier releases marked a cut original only so. */
const cutEnd = /\.\.\. \(cut, \d+ characters\)$/;

function damage({ original, source }: KeptLetter): string | undefined {
  const isText = typeof original === "string";
  if (source?.isCut || (source === undefined && isText && cutEnd.test(original)))
    return 'only the beginning of its "original" was kept: put the whole record there, and remove "isCut"';
  if (source === undefined && isText && original.startsWith("(not JSON: "))
    return 'its "original" could not be kept: put the record there';
  if (source?.isConverted)
    return "the program that read it converts records by a function of its own: have that program read the record again";
  if (source?.isUtf8 === false && JSON.stringify(original).includes("\ufffd"))
    return 'it was not UTF-8: put what it should be where "original" has U+FFFD';
  return undefined;
}

function csvRecord(original: string, header: readonly string[] | undefined, dialect: CsvDialect): RawRecord | string {
  if (header === undefined) return 'it does not say the names of its fields: give its "source" the "header"';
  const row = original.replace(/\r?\n$/, "");
  const bytes = Buffer.from(row);
  try {
    const splitter = csvSplitter({ byte: 0, line: 1 }, dialect, "original");
    const frame = splitter.next({ bytes, base: 0, length: bytes.length }, true);
    if (frame?.fault !== undefined) return 'a quote in its "original" is not closed';
    if (frame && frame.end < bytes.length) return 'its "original" has more than one row';
  } catch (error) {
    return reasonOf(error);
  }
  return rowParser(header, dialect)(row);
}
