import { isKind } from "../../../schema/kinds.ts";
import { createOrAlterMappingCommand, type MappingKind, quoteName } from "../../../schema/kql.ts";
import { type NamedColumn, tableOf } from "../../../schema/table.ts";
import type { ActualColumn, NamedMapping } from "../preflight.ts";
import { type Finding, failed, listed, ok, warning } from "./finding.ts";
import { textOf } from "./policy.ts";

/** What a mapping is looked at against. */
export interface MappingGround {
  readonly table: string;
  readonly database: string;
  /** Undefined: none are declared. */
  readonly columns: readonly NamedColumn[] | undefined;
  readonly actual: readonly ActualColumn[];
  readonly kind: MappingKind;
  readonly wanted: string;
}

/** @param mappings those of the format's kind on the table, then on the database: the first of the name counts. */
export function mappingFit(mappings: readonly NamedMapping[], ground: MappingGround): Finding {
  const { table, database, kind, wanted, actual, columns } = ground;
  const found = mappings.find(({ name }) => name === wanted);
  if (!found) {
    const others = mappings.length > 0 ? `; there are ${listed(mappings.map(({ name }) => name))}` : "";
    return failed(
      "NOT_FOUND",
      `Table ${table} in database ${database} has no ingestion ${kind} mapping named ${wanted}${others}.`,
      renewal(ground, "Leave ingestionMappingRef out, or a Table Ingestor makes it"),
    );
  }
  const entries = entriesOf(textOf(found.mapping), kind);
  if (!entries) return failed("BAD_SCHEMA", `Mapping ${wanted} is not a list of columns.`, renewal(ground));
  const types = new Map(actual.map(({ name, type }) => [name, type]));

  const lost = entries.filter(({ column, type }) => !types.has(column) && !(type !== undefined && isKind(type)));
  if (lost.length > 0)
    return failed(
      "BAD_SCHEMA",
      `Mapping ${wanted} names ${listed(lost.map(({ column }) => column))}, which the table has not, without a type to make ${lost.length === 1 ? "it" : "them"} by.`,
      renewal(ground),
    );
  if (columns !== undefined) {
    const unread = columns.filter((_, i) => !entries.some((entry) => reads(entry, columns, i)));
    if (unread.length > 0)
      return failed(
        "BAD_SCHEMA",
        `Mapping ${wanted} reads no ${listed(unread.map(({ name }) => name))}: what is written there would be lost.`,
        renewal(ground),
      );
    const misfits = columns.flatMap(({ name, kind: declared }, i) =>
      entries
        .filter((entry) => !entry.isDeeper && !entry.isTransformed && reads(entry, columns, i))
        .map(({ column, type }) => ({ name, declared, column, type: types.get(column) ?? type }))
        .filter(({ type }) => type !== declared && type !== "dynamic" && type !== "string"),
    );
    if (misfits.length > 0)
      return failed(
        "BAD_SCHEMA",
        `Mapping ${wanted} takes ${listed(misfits.map(({ name, declared, column, type }) => `${name}:${declared} to ${column}:${type}`))}; Kusto would store null for what does not fit.`,
        `Declare ${listed(misfits.map(({ name, type }) => `${name} as ${type}`))}, or have the mapping take it elsewhere.`,
      );
  }
  const made = entries.filter(({ column }) => !types.has(column));
  if (made.length > 0)
    return warning(
      `Mapping ${wanted} names ${listed(made.map(({ column, type }) => `${column}:${type}`))}, which the table has not; the service adds ${made.length === 1 ? "it" : "them"} with the first blob.`,
      `If that is not meant, a Table Admin adds the columns by hand, or the mapping goes without.`,
    );
  return ok(`Mapping ${wanted} fills ${entries.length} of the table's ${actual.length} columns.`);
}

function renewal(
  { table, kind, wanted, columns, actual }: MappingGround,
  doing = "Name another mapping, or a Table Ingestor makes it anew",
) {
  const known =
    columns ?? actual.flatMap(({ name, type }) => (isKind(type) ? [{ name, kind: type, isOptional: true }] : []));
  if (known.length === 0) return `${doing}: .create-or-alter table ${quoteName(table)} ingestion ${kind} mapping`;
  return `${doing}: ${createOrAlterMappingCommand(tableOf(table, known), kind, wanted)}`;
}

/** One column of a mapping, and where its values come from. */
interface Entry {
  readonly column: string;
  readonly type: string | undefined;
  /** CSV: the number of the field. JSON: the member of the record; undefined for the whole record, or no part of it. */
  readonly source: number | string | undefined;
  readonly isWhole: boolean;
  /** A part of the member. */
  readonly isDeeper: boolean;
  readonly isTransformed: boolean;
}

function reads({ source, isWhole }: Entry, columns: readonly NamedColumn[], index: number): boolean {
  return isWhole || source === index || source === columns[index]!.name;
}

/** The form of today (`Column`, `Properties`) or the older flat one; names of members in any case. */
function entriesOf(text: string, kind: MappingKind): Entry[] | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed)) return undefined;
  const entries = parsed.map((each, index) => entryOf(each, index, kind));
  return entries.includes(undefined) ? undefined : (entries as Entry[]);
}

function entryOf(given: unknown, index: number, kind: MappingKind): Entry | undefined {
  const outer = lowered(given);
  const all = { ...outer, ...lowered(outer.properties) };
  const text = (...names: string[]) => {
    const name = names.find((each) => all[each] !== undefined && all[each] !== null && all[each] !== "");
    return name === undefined ? undefined : String(all[name]);
  };
  const column = text("column", "columnname", "name");
  if (column === undefined) return undefined;
  const type = text("datatype", "columntype", "type")?.toLowerCase();
  const transform = text("transform");
  const common = { column, type, isTransformed: transform !== undefined };
  const isElsewhere =
    text("constvalue", "constantvalue") !== undefined || /^Source(Location|LineNumber)$/i.test(transform ?? "");
  const nowhere = { ...common, source: undefined, isWhole: false, isDeeper: false };
  if (isElsewhere) return nowhere;
  if (kind === "csv") return { ...nowhere, source: Number(text("ordinal") ?? index) };
  const path = text("path", "field");
  if (path === undefined || !path.startsWith("$")) return path === undefined ? nowhere : { ...nowhere, source: path };
  const [, bare, single, double, rest = ""] =
    /^\$(?:\.([^.[\]]+)|\.?\['((?:[^'\\]|\\.)*)'\]|\.?\["((?:[^"\\]|\\.)*)"\])?(.*)$/s.exec(path)!;
  const member = bare ?? (single ?? double)?.replaceAll(/\\(.)/g, "$1");
  return { ...common, source: member, isWhole: member === undefined && rest === "", isDeeper: rest !== "" };
}

function lowered(value: unknown): Record<string, unknown> {
  if (value === null || typeof value !== "object") return {};
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name.toLowerCase(), member]));
}
