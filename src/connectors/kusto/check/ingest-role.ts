import { isCode, type MillraceError } from "../../../errors.ts";
import { quoteName } from "../../../schema/kql.ts";
import { columnOf } from "../answer.ts";
import type { KustoClient } from "../client.ts";
import { emptyAppend, mayNot } from "../commit/rights.ts";
import type { Connection } from "../connection.ts";
import { granted } from "./error-finding.ts";
import { type Finding, notReached, ok, warning } from "./finding.ts";
import type { KustoCheck } from "./kusto-check.ts";
import type { Seen } from "./seen.ts";

/** Appends nothing. Where that is refused for its reading, which ingestion does not need, the principal's roles say. */
export async function mayIngest(
  { database }: Connection,
  { table }: KustoCheck,
  { engine, columns, hidden, principal }: Seen,
  signal: AbortSignal,
): Promise<Finding> {
  if (!hidden && !columns) return notReached("table");
  const grant = `.add table ${quoteName(table)} ingestors`;
  try {
    await engine!.execute(database, emptyAppend(table, table), signal);
    return ok(`The principal may ingest into table ${table}.`);
  } catch (error) {
    if (!isCode(error, "FORBIDDEN")) throw error;
    const role = await ingestingRole(engine!, database, table, signal);
    if (role !== undefined) return ok(`The principal may ingest into table ${table}, as ${role}.`);
    const refusal = mayNot(error, `ingest into table ${table}`, grant) as MillraceError;
    if (!/authorized to read/.test(error.message)) throw refusal;
    return warning(
      `Whether ${principal ?? "the principal"} may ingest into table ${table} cannot be told: it may not read, and has no role there by its own name.`,
      `If it has none by a group either, a Table Admin runs: ${granted(String(refusal.context.grant), principal)}`,
    );
  }
}

/** The caller's role that lets it ingest, by name; what it has by a group may not show. */
async function ingestingRole(
  engine: KustoClient,
  database: string,
  table: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const place of [`table ${quoteName(table)}`, `database ${quoteName(database)}`]) {
    const answer = await engine.execute(database, `.show ${place} principal roles`, signal).catch((error) => {
      if (isCode(error, "FORBIDDEN", "BAD_REQUEST", "NOT_FOUND")) return undefined;
      throw error;
    });
    const found = (answer ? columnOf(answer, "Role") : [])
      .map(String)
      .find((each) => /^(?:\w+ )?(Admin|Ingestor)$/i.test(each));
    if (found !== undefined) return `${place.startsWith("table") ? "Table" : "Database"} ${found.split(" ").at(-1)}`;
  }
  return undefined;
}
