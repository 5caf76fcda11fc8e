import type { Kind } from "../../schema/kinds.ts";

/**
 * How each Kusto type lies in DuckDB. What DuckDB's own types cannot hold exactly is held as something that can:
 * datetime and timespan as 100 ns ticks (its TIMESTAMP has microseconds), decimal as canonical text (its DECIMAL has one
 * scale per column), dynamic as its JSON text, word for word.
 */
export const physicalType: Readonly<Record<Kind, "BOOLEAN" | "BIGINT" | "INTEGER" | "DOUBLE" | "VARCHAR">> = {
  bool: "BOOLEAN",
  datetime: "BIGINT",
  decimal: "VARCHAR",
  dynamic: "VARCHAR",
  guid: "VARCHAR",
  int: "INTEGER",
  long: "BIGINT",
  real: "DOUBLE",
  string: "VARCHAR",
  timespan: "BIGINT",
};

/** The .NET type names that Kusto shows beside its own. */
export const dotNetType: Readonly<Record<Kind, string>> = {
  bool: "System.SByte",
  datetime: "System.DateTime",
  decimal: "System.Data.SqlTypes.SqlDecimal",
  dynamic: "System.Object",
  guid: "System.Guid",
  int: "System.Int32",
  long: "System.Int64",
  real: "System.Double",
  string: "System.String",
  timespan: "System.TimeSpan",
};

/** The hidden column of every physical table: the number of the extent that a row belongs to. */
export const extentColumn = "x";

/**
 * The extents, in the store itself, so that a query sees rows and extents of one moment: per number of the hidden column
 * `n`, the extent's `id`, its `tags` as a JSON array, and `ingested`, the time in ticks. Many numbers may name one
 * extent: merging writes here and leaves the rows alone. The sizes are those of the load itself, and never change.
 */
export const extentTable = "extents";
export const extentTables = `CREATE TABLE IF NOT EXISTS ${extentTable} (n INTEGER, id VARCHAR, tags VARCHAR,
  ingested BIGINT, row_count BIGINT, original_bytes BIGINT, packed_bytes BIGINT, created BIGINT)`;

/** A text literal of SQL. NUL cannot stand in a statement, so it is put together from `chr(0)`. */
export function sqlText(text: string): string {
  const quoted = text.split("\0").map((part) => `'${part.replaceAll("'", "''")}'`);
  return quoted.length === 1 ? quoted[0]! : `(${quoted.join("||chr(0)||")})`;
}
