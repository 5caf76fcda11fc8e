import type { Catalogue } from "../engine/catalogue.ts";
import { IngestionFailure } from "../ingestion-failure.ts";
import { KustoError } from "../kusto-error.ts";
import type { Authentication } from "../security/authentication.ts";
import { mayIngest } from "../security/ingest-rights.ts";
import type { IdentityTokens } from "./identity-tokens.ts";
import type { IngestionMessage } from "./message.ts";

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
