import { MillraceError } from "../errors.ts";
import { listed } from "../schema/match-fields.ts";
import { uniqueName } from "../schema/names.ts";
import { isBarePoint, isDatetime, isPlainNumber } from "../schema/texts.ts";
import type { CsvDialect } from "./csv-dialect.ts";
import { csvFields } from "./csv-rows.ts";

export interface Header {
  readonly fields: readonly string[];
  /** What had to be changed so that every field has a name of its own. */
  readonly notices: readonly string[];
}

/**
 * The names in a header row. A record is an object, so a name must be there and be unique: an empty one becomes
 * `column_3`, a second `a` becomes `a_2`.
 *
 * @throws MillraceError BAD_SOURCE when the row's quotes are broken.
 */
export function readHeader(row: string, dialect: CsvDialect, file: string): Header {
  const given = csvFields(row, dialect);
  if (typeof given === "string")
    throw new MillraceError("BAD_SOURCE", `${file}: the header row cannot be read: ${given}.`);
  if (!dialect.hasHeader) return { fields: given.map((_, i) => positionalName(i)), notices: [] };
  const taken = new Set(given);
  const seen = new Set<string>();
  const notices: string[] = [];
  if (looksLikeData(given))
    notices.push(
      `${file}: the header row looks like data (${listed(given, 3)}); if the file has no header, say header: false.`,
    );
  const fields = given.map((name, i) => {
    // An object's __proto__ is no member like others.
    const isUsable = name !== "" && name !== "__proto__" && !seen.has(name);
    const field = isUsable ? name : uniqueName(name.replace(/^_+|_+$/g, "") || `column_${i + 1}`, (n) => taken.has(n));
    if (!isUsable) {
      const why = name === "" ? "has no name" : `cannot be called ${JSON.stringify(name)}, or not once more`;
      notices.push(`${file}: column ${i + 1} ${why}; it is read as ${JSON.stringify(field)}.`);
    }
    taken.add(field);
    seen.add(field);
    return field;
  });
  return { fields, notices };
}

/** In a header of names, values show that the file has none. Years do not: tables have a column per year. */
function looksLikeData(given: readonly string[]): boolean {
  if (given.some(isDatetime)) return true;
  const numbers = given.filter((field) => field !== "");
  return numbers.length > 0 && numbers.every(isNumber) && !numbers.every((field) => /^[12]\d{3}$/.test(field));
}

function isNumber(text: string): boolean {
  return isPlainNumber(text) || isBarePoint(text);
}

/** The name of a field that has only a place, from 0. */
export function positionalName(index: number): string {
  return `column_${index + 1}`;
}

/**
 * Reads rows as records of texts.
 *
 * @param headerLine Where the header, or the first row, begins in the file: then a row with another number of fields is refused
 *   with advice on how to read the file.
 */
export function rowParser(
  fields: readonly string[],
  dialect: CsvDialect,
  headerLine?: number,
): (row: string) => Record<string, string | null> | string {
  const count = fields.length;
  const isPadded = dialect.ragged === "pad";
  return (row) => {
    const texts = csvFields(row, dialect);
    if (typeof texts === "string") return texts;
    if (texts.length !== count) {
      const isWithin = isPadded && texts.slice(count).every((text) => text === "");
      if (!isWithin) {
        const advice = headerLine === undefined ? "" : widthAdvice(texts, count, dialect, headerLine);
        return `it has ${texts.length} ${texts.length === 1 ? "field" : "fields"} where the ${dialect.hasHeader ? "header" : "first row"} has ${count}${advice}`;
      }
    }
    const record: Record<string, string | null> = {};
    for (let i = 0; i < count; i++) record[fields[i]!] = texts[i] ?? null;
    return record;
  };
}

function widthAdvice(
  texts: readonly string[],
  count: number,
  { hasHeader, ragged }: CsvDialect,
  headerLine: number,
): string {
  if (count === 1)
    return `; the ${hasHeader ? "header" : "first row"} on line ${headerLine} may be a line before it: skipLines or comment leaves such lines out`;
  if (ragged === "pad") return "";
  if (texts.length < count) return '; ragged: "pad" reads the missing fields as null';
  return texts.slice(count).every((text) => text === "")
    ? '; ragged: "pad" leaves out the empty fields at the end'
    : "";
}
