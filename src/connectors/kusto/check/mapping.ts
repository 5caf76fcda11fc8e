import { type MappingKind, quoteName } from "../../../schema/kql.ts";
import type { Connection } from "../connection.ts";
import { mappingsAt } from "../preflight.ts";
import type { Finding } from "./finding.ts";
import type { KustoCheck } from "./kusto-check.ts";
import { mappingFit } from "./mapping-fit.ts";
import type { Seen } from "./seen.ts";

/** The mapping that the options name: of the table, or else of its database. */
export async function fitMapping(
  { database }: Connection,
  { table, columns, format, ingestion }: KustoCheck,
  { engine, columns: actual }: Seen,
  signal: AbortSignal,
): Promise<Finding> {
  const kind: MappingKind = format === "csv" ? "csv" : "json";
  const at = (place: string) => mappingsAt(engine!, database, place, kind, signal);
  const found = [...(await at(`table ${quoteName(table)}`)), ...(await at(`database ${quoteName(database)}`))];
  return mappingFit(found, {
    table,
    database,
    columns,
    actual: actual!,
    kind,
    wanted: ingestion.ingestionMappingRef!,
  });
}
