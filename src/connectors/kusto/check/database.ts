import { isCode } from "../../../errors.ts";
import { nearestName } from "../../../option-names.ts";
import { quoteName } from "../../../schema/kql.ts";
import { columnOf } from "../answer.ts";
import type { KustoClient } from "../client.ts";
import { mayNot } from "../commit/rights.ts";
import type { Connection } from "../connection.ts";
import { tableColumns } from "../preflight.ts";
import { noDatabase } from "../resources.ts";
import { granted } from "./error-finding.ts";
import { type Finding, failed, listed, ok, warning } from "./finding.ts";
import type { KustoCheck } from "./kusto-check.ts";
import type { Seen } from "./seen.ts";

/** Asks for the table's columns, which tells of the database as well. */
export async function findDatabase(
  { database, host }: Connection,
  { table }: KustoCheck,
  seen: Seen,
  signal: AbortSignal,
): Promise<Finding> {
  const engine = seen.engine!;
  try {
    seen.columns = await tableColumns(engine, database, table, signal);
  } catch (error) {
    if (isCode(error, "NOT_FOUND") && error.message.includes("Database")) {
      const known = await databasesOf(engine, signal);
      const nearest = nearestName(database, known);
      const others = known.length > 0 ? `, which shows ${listed(known)}` : "";
      return failed(
        "NOT_FOUND",
        `Database ${database} does not exist at ${host}${others}.`,
        nearest === undefined
          ? "Compare the name with the one that the portal shows, or ask the cluster's owner to make the database there."
          : `Did you mean ${nearest}?`,
      );
    }
    // A database of which nothing may be seen is one.
    if (!isCode(error, "FORBIDDEN", "BAD_REQUEST")) throw error;
    seen.hidden = error;
  }
  return ok(`Database ${database} exists.`);
}

async function databasesOf(engine: KustoClient, signal: AbortSignal): Promise<string[]> {
  try {
    const answer = await engine.execute(noDatabase, ".show databases", signal);
    return columnOf(answer, "DatabaseName")
      .map(String)
      .filter((each) => each !== noDatabase);
  } catch {
    return [];
  }
}

/** At least once goes without this right, and unchecked; exactly once asks the table what is committed. */
export async function mayView({ database }: Connection, { commitMode }: KustoCheck, seen: Seen): Promise<Finding> {
  const { hidden, principal } = seen;
  if (!hidden) return ok(`The principal may see what database ${database} holds.`);
  const role = commitMode === undefined || commitMode === "tag" ? "viewers" : "users";
  const error = mayNot(hidden, `see what database ${database} holds`, `.add database ${quoteName(database)} ${role}`);
  if (commitMode !== undefined || !isCode(error, "FORBIDDEN")) throw error;
  return warning(
    `${principal === undefined ? "The principal" : `Principal ${principal}`} may not see what database ${database} holds, so table, columns and policies are not checked; to ingest it need not.`,
    `To have them checked, a Database Admin runs: ${granted(String(error.context.grant), principal)}`,
  );
}
