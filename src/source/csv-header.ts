import { MillraceError } from "../errors.ts";
import { uniqueName } from "../schema/names.ts";
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
 * @throws MillraceError BAD_SOURCE when the row's quotes are broken, or lines end with CR alone: the whole file would be the
 *   header, and none of its rows would arrive.
 */
export function readHeader(row: string, delimiter: string, file: string): Header {
  if (outsideQuotes(row).includes("\r"))
    throw new MillraceError(
      "BAD_SOURCE",
      `${file}: the header row has a carriage return (CR) outside of quotes. Where CR alone ends the lines, convert the file: tr '\\r' '\\n' < FILE.`,
    );
  const given = csvFields(row, delimiter);
  if (typeof given === "string")
    throw new MillraceError("BAD_SOURCE", `${file}: the header row cannot be read: ${given}.`);
  const taken = new Set(given);
  const seen = new Set<string>();
  const notices: string[] = [];
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

/** Left-over quotes are told later. */
function outsideQuotes(row: string): string {
  return row.replace(/"[^"]*"/g, "");
}

/** Reads rows as records of texts. */
export function rowParser(
  fields: readonly string[],
  delimiter: string,
): (row: string) => Record<string, string> | string {
  const count = fields.length;
  return (row) => {
    const texts = csvFields(row, delimiter);
    if (typeof texts === "string") return texts;
    if (texts.length !== count)
      return `it has ${texts.length} ${texts.length === 1 ? "field" : "fields"} where the header has ${count}`;
    const record: Record<string, string> = {};
    for (let i = 0; i < count; i++) record[fields[i]!] = texts[i]!;
    return record;
  };
}
