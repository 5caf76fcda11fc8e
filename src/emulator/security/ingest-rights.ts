import { type Catalogue, databaseOf } from "../engine/catalogue.ts";
import type { IdentityTokens } from "../ingest/identity-tokens.ts";
import type { IngestionMessage } from "../ingest/message.ts";
import { IngestionFailure } from "../ingestion-failure.ts";
import { KustoError } from "../kusto-error.ts";
import type { Access } from "./access.ts";
import type { Authentication } from "./authentication.ts";

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

/** Checks a queued message: whose identity token it bears, and what that principal may do now. */
export function messageRights(authentication: Authentication, tokens: IdentityTokens, catalogue: Catalogue) {
  return ({ authorizationContext, database, table }: IngestionMessage): void => {
    const access = authentication.principal(tokens.bearerOf(authorizationContext));
    // That a database is not there is told by the ingestion itself.
    if (!catalogue.databases.has(database.toLowerCase())) return;
    try {
      mayIngest(access, catalogue, database, table, "ingest into");
    } catch (error) {
      if (error instanceof KustoError) throw new IngestionFailure("BadRequest_TableAccessDenied", error.message);
      throw error;
    }
  };
}
