import { sortOf } from "../arguments.ts";
import { MillraceError } from "../errors.ts";
import { isKind, type Kind, kinds, type ValueOf } from "./kinds.ts";

/** One column: its kind, and whether a record may leave it out. */
export interface Column<K extends Kind = Kind, Optional extends boolean = boolean> {
  readonly kind: K;
  readonly isOptional: Optional;
  /** The same column, whose value may be null, undefined or absent. */
  optional(): Column<K, true>;
}

/** The columns of a table by their names, in the order of a CSV row. */
export type Columns = Readonly<Record<string, Column>>;

/** A table: a name and its columns, in the order of their writing, which is the order of a CSV row. */
export interface Table<C extends Columns = Columns> {
  readonly name: string;
  readonly columns: C;
  /** The columns as a list, in order. */
  readonly list: readonly NamedColumn[];
}

/** One column as data, for code that walks over columns. `isOptional`: a record may leave it out, or give null. */
export interface NamedColumn {
  readonly name: string;
  readonly kind: Kind;
  readonly isOptional: boolean;
}

type OptionalNames<C extends Columns> = {
  [N in keyof C]: C[N] extends Column<Kind, true> ? N : never;
}[keyof C];

type Flat<T> = { [N in keyof T]: T[N] };

/** The record type that a table takes: `Infer<typeof readings>`. */
export type Infer<T extends Table> =
  T extends Table<infer C>
    ? Flat<
        { -readonly [N in Exclude<keyof C, OptionalNames<C>>]: ValueOf[C[N]["kind"]] } & {
          -readonly [N in OptionalNames<C>]?: ValueOf[C[N]["kind"]] | null | undefined;
        }
      >
    : never;

function column<K extends Kind, O extends boolean>(kind: K, isOptional: O): Column<K, O> {
  return { kind, isOptional, optional: () => column(kind, true) };
}

/** The column kinds: `k.datetime()`, `k.real().optional()`. One per Kusto scalar type. */
export const k = Object.fromEntries(kinds.map((kind) => [kind, () => column(kind, false)])) as {
  readonly [K in Kind]: () => Column<K, false>;
};

/** The longest name Kusto takes for an entity, in characters (documentation, "Entity names"). */
const longestName = 1024;

function checkName(what: string, name: string): void {
  if (name === "" || name.length > longestName || /[\u0000-\u001f\u007f]/.test(name) || !name.isWellFormed())
    throw new MillraceError(
      "BAD_SCHEMA",
      `${what} name ${JSON.stringify(name)} cannot be used: 1 to ${longestName} characters, no control characters.`,
    );
}

/**
 * Describes a table. The order of `columns` is the order of a CSV row, so it must be the table's own order in Kusto
 * unless an ingestion mapping says otherwise.
 *
 * @throws MillraceError BAD_SCHEMA for an empty table, or a name that Kusto cannot hold.
 */
export function table<const C extends Columns>(name: string, columns: C): Table<C> {
  refuseOtherName("table()", name);
  if (typeof columns !== "object" || columns === null || Array.isArray(columns))
    throw badSchema("table()", "columns", columns, "an object such as { id: k.long(), name: k.string() }");
  checkName("Table", name);
  const list = Object.entries(columns).map(([columnName, column]) => {
    checkName(`Table ${name}: column`, columnName);
    if (!isKind(column?.kind) || typeof column.isOptional !== "boolean")
      throw badSchema("table()", `column ${columnName}`, column, "one of k, such as k.long()");
    return { name: columnName, kind: column.kind, isOptional: column.isOptional };
  });
  if (list.length === 0) throw new MillraceError("BAD_SCHEMA", `Table ${name} has no columns.`);
  const integerLike = list.find((c) => /^(0|[1-9]\d{0,9})$/.test(c.name));
  if (integerLike && list.length > 1)
    throw new MillraceError(
      "BAD_SCHEMA",
      `Table ${name}: column ${integerLike.name} is named like an array index, and JavaScript would move it to the front; use tableOf() with a list.`,
    );
  return { name, columns, list };
}

/** The same from a list, where the names are known only at run time (files, inference); the order is the list's. */
export function tableOf(name: string, list: readonly NamedColumn[]): Table {
  refuseOtherName("tableOf()", name);
  if (!Array.isArray(list)) throw badSchema("tableOf()", "list", list, listForm);
  for (const [i, column] of list.entries())
    if (!isNamedColumn(column)) throw badSchema("tableOf()", `list[${i}]`, column, `an object as in ${listForm}`);
  checkName("Table", name);
  if (list.length === 0) throw new MillraceError("BAD_SCHEMA", `Table ${name} has no columns.`);
  const columns: Record<string, Column> = Object.create(null);
  for (const c of list) {
    checkName(`Table ${name}: column`, c.name);
    if (c.name in columns) throw new MillraceError("BAD_SCHEMA", `Table ${name} has two columns named ${c.name}.`);
    columns[c.name] = column(c.kind, c.isOptional);
  }
  return { name, columns, list };
}

const listForm = '[{ name: "id", kind: "long", isOptional: false }]';

function isNamedColumn(column: unknown): boolean {
  const { name, kind, isOptional } = (column ?? {}) as { [member: string]: unknown };
  return typeof name === "string" && isKind(kind) && typeof isOptional === "boolean";
}

function refuseOtherName(what: string, name: unknown): void {
  if (typeof name !== "string") throw badSchema(what, "name", name, "a text");
}

function badSchema(what: string, argument: string, value: unknown, takes: string): MillraceError {
  return new MillraceError("BAD_SCHEMA", `${what}: ${argument} is ${sortOf(value)}; it takes ${takes}.`, {
    context: { option: argument },
  });
}

/** @throws MillraceError BAD_OPTION where it is no table, as `table()` makes them. */
export function checkTable(what: string, value: unknown): void {
  const { name, list } = (value ?? {}) as { [member: string]: unknown };
  if (typeof name !== "string" || !Array.isArray(list) || list.length === 0 || !list.every(isNamedColumn))
    throw new MillraceError(
      "BAD_OPTION",
      `${what}: table is ${sortOf(value)}; it needs a table: table(name, columns).`,
      {
        context: { option: "table" },
      },
    );
}
