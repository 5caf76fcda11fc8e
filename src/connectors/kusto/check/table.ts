import { isKind } from "../../../schema/kinds.ts";
import { createMergeTableCommand } from "../../../schema/kql.ts";
import { tableOf } from "../../../schema/table.ts";
import type { Connection } from "../connection.ts";
import { type Finding, failed, listed, notReached, ok } from "./finding.ts";
import type { KustoCheck } from "./kusto-check.ts";
import { schemaFit } from "./schema-fit.ts";
import type { Seen } from "./seen.ts";

/** Whether the table is there. */
export function findTable(
  { database }: Connection,
  { table, columns }: KustoCheck,
  { columns: actual, hidden }: Seen,
): Finding {
  if (hidden) return notReached("view");
  if (actual) return ok(`Table ${table} exists, with ${actual.length} columns.`);
  return failed(
    "NOT_FOUND",
    `Table ${table} does not exist in database ${database}.`,
    columns === undefined
      ? "Compare the name with those of .show tables, or have `millrace ingest --create-table` make it."
      : `A Database User makes it: ${createMergeTableCommand(tableOf(table, columns))}`,
  );
}

/** The declared columns against those of the table. */
export function fitSchema(context: KustoCheck, { columns }: Seen): Finding {
  const unknown = columns!.filter(({ type }) => !isKind(type));
  if (unknown.length > 0)
    return failed(
      "BAD_SCHEMA",
      `Columns have types that are not known here: ${listed(unknown.map(({ name, type }) => `${name}:${type}`))}.`,
      "Use a table without them.",
    );
  return schemaFit({ ...context, isMapped: context.ingestion.ingestionMappingRef !== undefined }, columns!);
}
