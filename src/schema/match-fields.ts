import { columnNames, type Rename } from "./names.ts";
import type { Table } from "./table.ts";

/** Which fields of the data go into which columns. */
export interface FieldMatch {
  /** For fields whose name is not the column's: those that were given, and those that were found. */
  readonly renames: readonly Rename[];
  /** Fields that no column takes. */
  readonly unknown: readonly string[];
  /** Fields that a column takes. */
  readonly known: readonly string[];
}

/**
 * Finds the column of each field: by a rename that was given, by the same name, by the name that inference would give it (`Cost $` goes
 * to `Cost _`), or by the same name in other letter case. The last two only where one field and one column fit, and the column has no
 * field of its own.
 */
export function matchFields(fields: readonly string[], table: Table, given: readonly Rename[] = []): FieldMatch {
  const columnOf = new Map(given.map(({ field, column }) => [field, column]));
  const renamed = new Set(columnOf.values());
  const columns = new Set(table.list.map(({ name }) => name));
  for (const field of fields) if (columns.has(field) && !renamed.has(field)) columnOf.set(field, field);
  const renames = [...given];
  const free = (): string[] => {
    const taken = new Set([...columnOf.values()]);
    return [...columns].filter((column) => !taken.has(column));
  };
  const assign = (pairs: Iterable<readonly [field: string, column: string]>): void => {
    for (const [field, column] of pairs) {
      columnOf.set(field, column);
      renames.push({ field, column });
    }
  };
  const unmatched = (): string[] => fields.filter((field) => !columnOf.has(field));

  const legal = new Map(columnNames(fields).renames.map(({ field, column }) => [field, column]));
  const open = new Set(free());
  assign(
    unmatched().flatMap((field) => (open.has(legal.get(field) ?? "") ? [[field, legal.get(field)!] as const] : [])),
  );
  assign(pairsByCase(unmatched(), free()));
  return {
    renames,
    unknown: unmatched(),
    known: fields.filter((field) => columns.has(columnOf.get(field) ?? "")),
  };
}

/** Pairs that differ by letter case, where there is one of each. */
function pairsByCase(fields: readonly string[], columns: readonly string[]): (readonly [string, string])[] {
  const groups = new Map<string, { fields: string[]; columns: string[] }>();
  const groupOf = (name: string) => {
    const key = name.toLowerCase();
    const group = groups.get(key) ?? { fields: [], columns: [] };
    groups.set(key, group);
    return group;
  };
  for (const field of fields) groupOf(field).fields.push(field);
  for (const column of columns) groupOf(column).columns.push(column);
  return [...groups.values()].flatMap((group) =>
    group.fields.length === 1 && group.columns.length === 1 ? [[group.fields[0]!, group.columns[0]!] as const] : [],
  );
}

/** The likely reason why no field has a column, with what to do; undefined: none shows. */
export function whyNoneMatches(fields: readonly string[], table: Table, isCsv: boolean): string | undefined {
  const lower = new Set(table.list.map(({ name }) => name.toLowerCase()));
  const byCase = fields.filter((field) => lower.has(field.toLowerCase()));
  if (byCase.length > 0)
    return `several names differ only by letter case (${listed(byCase)}), so that it is not clear which goes where`;
  if (!isCsv) return undefined;
  const inside = [";", "\t", "|", ",", ":", " "].find((mark) => fields.length === 1 && fields[0]!.includes(mark));
  if (inside !== undefined)
    return `the delimiter seems to be ${inside === "\t" ? "a tab" : JSON.stringify(inside)} (option delimiter)`;
  if (fields.some(looksLikeValue)) return "the first line seems to be data (option header: false, or --no-header)";
  return undefined;
}

/** A number, a date, a GUID: no name that people give. */
function looksLikeValue(field: string): boolean {
  return /^[+-]?\d[\d.,:/TZ +-]*$/.test(field) || /^[0-9a-f]{8}-[0-9a-f]{4}-/i.test(field);
}

/** The first of many names, for a message. */
export function listed(names: readonly string[], most = 10): string {
  const shown = names.slice(0, most).map((name) => JSON.stringify(name.slice(0, 80)));
  return `${shown.join(", ")}${names.length > most ? `, and ${names.length - most} more` : ""}`;
}
