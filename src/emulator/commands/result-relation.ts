import { physicalType, sqlText } from "../engine/physical.ts";
import type { ResultColumn } from "../http/result.ts";
import type { Stored } from "../ingest/text-values.ts";
import type { Relation } from "../kql/relation.ts";

/** A command's rows as a table that a query can go on from. */
export function relationOf(columns: readonly ResultColumn[], rows: readonly (readonly Stored[])[]): Relation {
  const cast = (index: number, value: Stored) => `CAST(${literal(value)} AS ${physicalType[columns[index]!.kind]})`;
  const select = (values: readonly Stored[]) =>
    `SELECT ${columns.map((_, index) => `${cast(index, values[index]!)} AS c${index}`).join(", ")}`;
  const nothing = `${select(columns.map(() => null))} WHERE false`;
  return {
    sql: rows.length === 0 ? nothing : rows.map(select).join(" UNION ALL "),
    columns: columns.map(({ name, kind }, index) => ({ name, kind, sql: `c${index}` })),
    order: undefined,
  };
}

function literal(value: Stored): string {
  if (value === null) return "NULL";
  return typeof value === "string" ? sqlText(value) : `'${value}'`;
}
