import type { Kind } from "../../schema/kinds.ts";
import { physicalType } from "../engine/physical.ts";
import type { Stored } from "../values/stored.ts";

/** A table in the course of a query: a SELECT, and what its columns are in Kusto's eyes. */
export interface Relation {
  readonly sql: string;
  readonly columns: readonly RelationColumn[];
  /** A hidden column that holds the row's place after a sort; it is kept until something undoes the order. */
  readonly order: string | undefined;
  /**
   * The hidden column that says which extent a row lies in, for extent_id() and its kin. It stays with rows that are
   * filtered, extended and projected; where rows are computed anew it is gone, and left out.
   */
  readonly extent?: string | undefined;
  /** The table, function or variable that it comes from, for `withsource`. */
  readonly source?: string | undefined;
  /** How the result is to be drawn, if the query says so. */
  readonly visualization?: Readonly<Record<string, unknown>> | undefined;
}

/** Column names of Kusto never reach SQL: they may hold anything, and differ by case alone. */
export interface RelationColumn {
  readonly name: string;
  readonly kind: Kind;
  readonly sql: string;
}

interface Named {
  readonly name: string;
}

const named = new WeakMap<readonly Named[], ReadonlyMap<string, Named>>();

/**
 * The first column of that name. Of a list by its identity: it must not change. A query may name each of 10 000 columns, so that no
 * operator may look through them all for each.
 */
export function columnNamed<C extends Named>(columns: readonly C[], name: string): C | undefined {
  let byName = named.get(columns) as ReadonlyMap<string, C> | undefined;
  if (!byName) {
    const fresh = new Map<string, C>();
    for (const column of columns) if (!fresh.has(column.name)) fresh.set(column.name, column);
    named.set(columns, fresh);
    byName = fresh;
  }
  return byName.get(name);
}

/** A scalar expression in SQL, and its type in Kusto's eyes. */
export interface Scalar {
  readonly sql: string;
  readonly kind: Kind;
  /** Its value, where it is a literal. */
  readonly literal?: Stored;
}

const orderColumn = "o";

export const hiddenOf = ({ order, extent }: Relation): string[] => [order, extent].filter((name) => name !== undefined);

/** The relation with other columns, each an expression over the old ones; rows and their order stay. */
export function selected(
  from: Relation,
  columns: readonly { readonly name: string; readonly kind: Kind; readonly value: string }[],
): Relation {
  const list = [...columns.map(({ value }, index) => `${value} AS c${index}`), ...hiddenOf(from)];
  return {
    sql: `SELECT ${list.length > 0 ? list.join(", ") : "0 AS nothing"} FROM (${from.sql})`,
    columns: columns.map(({ name, kind }, index) => ({ name, kind, sql: `c${index}` })),
    order: from.order,
    extent: from.extent,
  };
}

/** The relation with the tail of its SELECT, such as a WHERE; nothing else changes. */
export function filtered(from: Relation, tail: string): Relation {
  return { ...from, sql: `SELECT * FROM (${from.sql}) ${tail}` };
}

/** The relation with one more column of SQL, which Kusto's eyes do not see. */
export function widened(from: Relation, value: string, name: string): Relation {
  return { ...from, sql: `SELECT *, ${value} AS ${name} FROM (${from.sql})` };
}

/** The relation in a new order, by an ORDER BY list; what is equal by it keeps its order. */
export function sorted(from: Relation, by: string): Relation {
  const kept = [...from.columns.map(({ sql }) => sql), ...(from.extent ? [from.extent] : [])];
  const keys = from.order ? `${by}, ${from.order}` : by;
  return {
    ...from,
    sql: `SELECT ${[...kept, `row_number() OVER (ORDER BY ${keys}) AS ${orderColumn}`].join(", ")} FROM (${from.sql})`,
    order: orderColumn,
  };
}

/** Columns and rows as they go out: texts as bytes, for the reader to decode. */
export function finalSql(relation: Relation): string {
  const out = ({ sql, kind }: RelationColumn) => (physicalType[kind] === "VARCHAR" ? `encode(${sql})` : sql);
  const columns = relation.columns.map(out).join(", ") || "0";
  return `SELECT ${columns} FROM (${relation.sql})${relation.order ? ` ORDER BY ${relation.order}` : ""}`;
}
