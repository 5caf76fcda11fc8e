import type { Kind } from "../../schema/kinds.ts";
import { physicalType } from "../engine/physical.ts";

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
}

/** Column names of Kusto never reach SQL: they may hold anything, and differ by case alone. */
export interface RelationColumn {
  readonly name: string;
  readonly kind: Kind;
  readonly sql: string;
}

/** A scalar expression in SQL, and its type in Kusto's eyes. */
export interface Scalar {
  readonly sql: string;
  readonly kind: Kind;
}

const orderColumn = "o";

/** The relation with other columns, each an expression over the old ones; rows and their order stay. */
export function selected(
  from: Relation,
  columns: readonly { readonly name: string; readonly kind: Kind; readonly value: string }[],
): Relation {
  const list = columns.map(({ value }, index) => `${value} AS c${index}`);
  if (from.order) list.push(from.order);
  if (from.extent) list.push(from.extent);
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

/** The relation in a new order, by an ORDER BY list. */
export function sorted(from: Relation, by: string): Relation {
  const kept = [...from.columns.map(({ sql }) => sql), ...(from.extent ? [from.extent] : [])];
  return {
    sql: `SELECT ${[...kept, `row_number() OVER (ORDER BY ${by}) AS ${orderColumn}`].join(", ")} FROM (${from.sql})`,
    columns: from.columns,
    order: orderColumn,
    extent: from.extent,
  };
}

/** Columns and rows as they go out: texts as bytes, for the reader to decode. */
export function finalSql(relation: Relation): string {
  const out = ({ sql, kind }: RelationColumn) => (physicalType[kind] === "VARCHAR" ? `encode(${sql})` : sql);
  const columns = relation.columns.map(out).join(", ") || "0";
  return `SELECT ${columns} FROM (${relation.sql})${relation.order ? ` ORDER BY ${relation.order}` : ""}`;
}
