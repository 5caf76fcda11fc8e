import { type Catalogue, databaseOf } from "../engine/catalogue.ts";
import type { Access } from "./access.ts";

/** @throws KustoError 403 unless the caller may ingest into the table; of a table that is not there, into any. */
export function mayIngest(
  access: Access,
  catalogue: Catalogue,
  database: string,
  table: string,
  operation: string,
): void {
  const found = databaseOf(catalogue, database);
  const stored = found.tables.get(table);
  if (stored) access.mayTable(found, stored, "ingest", operation);
  else access.mayDatabase(found, "ingest", operation);
}
