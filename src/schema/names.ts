import { badArgument } from "../arguments.ts";

/** A column that could not keep the name it has in the data. */
export interface Rename {
  /** The name in the data. */
  readonly field: string;
  /** The name in the table. */
  readonly column: string;
}

const longestName = 1024;

/**
 * A name that Kusto documents as legal for a column, nearest to the one in the data: letters, digits, `_`, blank, `.`
 * and `-` ("Entity names"; `$` is legal only where KQL itself made the name); what is between becomes `_`. Two underscores
 * at either end are reserved. `ordinal` (from 0) names a column that has no name at all.
 */
export function legalName(field: string, ordinal: number): string {
  const name = field
    .toWellFormed()
    .replace(/[^\p{L}\p{M}\p{N}_ .-]+/gu, "_")
    .replace(/^__+/, "_")
    .replace(/__+$/, "_")
    .slice(0, longestName)
    .toWellFormed();
  return /[\p{L}\p{N}]/u.test(name) ? name : `column_${ordinal + 1}`;
}

/** The name, or the first of `name_2`, `name_3`, ... that is not taken. */
export function uniqueName(name: string, isTaken: (name: string) => boolean): string {
  if (!isTaken(name)) return name;
  for (let n = 2; ; n++) {
    const suffix = `_${n}`;
    const candidate = name.slice(0, longestName - suffix.length).toWellFormed() + suffix;
    if (!isTaken(candidate)) return candidate;
  }
}

/**
 * Legal and unique column names for the fields, in their order. A field whose name is legal keeps it, even where an
 * earlier one would come to bear the same after its rename.
 */
export function columnNames(fields: readonly string[]): { names: string[]; renames: Rename[] } {
  const names: string[] = fields.map((field, i) => legalName(field, i));
  const taken = new Set(names.filter((name, i) => name === fields[i]));
  const renames: Rename[] = [];
  for (const [i, field] of fields.entries()) {
    if (names[i] === field) continue;
    const column = uniqueName(names[i]!, (name) => taken.has(name));
    taken.add(column);
    names[i] = column;
    renames.push({ field, column });
  }
  return { names, renames };
}

/** @throws MillraceError BAD_OPTION for what is no list of renames. */
export function checkRenames(what: string, renames: unknown): void {
  const isRename = (each: unknown) => {
    const { field, column } = (each ?? {}) as { [member: string]: unknown };
    return typeof field === "string" && typeof column === "string";
  };
  if (!Array.isArray(renames) || !renames.every(isRename))
    throw badArgument(what, "renames", renames, "a list of { field, column }");
}
