import { physicalType, sqlText } from "../engine/physical.ts";
import type { Relation } from "../kql/relation.ts";
import type { ResultColumn } from "../values/result.ts";
import type { Stored } from "../values/stored.ts";

/**
 * A command's rows as a table that a query can go on from. One list of values: half a second for the 5 000
 * entries of a log of operations, which took the better part of a minute as a union of selects, one for each row.
 */
export function relationOf(columns: readonly ResultColumn[], rows: readonly (readonly Stored[])[]): Relation {
  const names = columns.map((_, index) => `c${index}`);
  const casts = columns.map(({ kind }, index) => `CAST(c${index} AS ${physicalType[kind]}) AS c${index}`);
  const list = (values: readonly Stored[]) => `(${columns.map((_, index) => literal(values[index]!)).join(", ")})`;
  const values = rows.length === 0 ? list(columns.map(() => null)) : rows.map(list).join(", ");
  return {
    sql: `SELECT ${casts.join(", ")} FROM (VALUES ${values}) AS t(${names.join(", ")})${rows.length === 0 ? " WHERE false" : ""}`,
    columns: columns.map(({ name, kind }, index) => ({ name, kind, sql: `c${index}` })),
    order: undefined,
  };
}

function literal(value: Stored): string {
  if (value === null) return "NULL";
  return typeof value === "string" ? sqlText(value) : `'${value}'`;
}
