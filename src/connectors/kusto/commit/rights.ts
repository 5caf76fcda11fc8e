import { isCode, MillraceError } from "../../../errors.ts";
import { quoteName, quoteString } from "../../../schema/kql.ts";

import type { KustoClient } from "../client.ts";
import type { CommitMode } from "../ingestion-options.ts";
import { tagged } from "./tagged-extents.ts";

/** Where a right is tried. */
export interface Ground {
  readonly engine: KustoClient;
  readonly database: string;
}

/** Whether an epoch is committed is asked of the table's extents, be it now or after a crash. */
export async function mayLook(
  { engine, database }: Ground,
  table: string,
  commitMode: CommitMode,
  signal: AbortSignal,
): Promise<void> {
  // Who stages creates tables, and a user may look as well.
  const role = commitMode === "tag" ? "viewers" : "users";
  await engine.execute(database, tagged(table, "has", "millrace:"), signal).catch((error) => {
    throw mayNot(error, `see the extents of table ${table}`, `.add database ${quoteName(database)} ${role}`);
  });
}

/** The commit itself with nothing in it: the service checks the rights all the same. */
export async function mayCommit(
  { engine, database }: Ground,
  staging: string,
  target: string,
  commitMode: CommitMode,
  signal: AbortSignal,
): Promise<void> {
  const name = quoteName(target);
  if (commitMode === "move") {
    const command = `.move extents all from table ${quoteName(staging)} to table ${name}`;
    await engine.execute(database, command, signal).catch((error) => {
      throw mayNot(error, `move extents into table ${target}`, `.add table ${name} admins`);
    });
    return;
  }
  await engine.execute(database, emptyAppend(target, staging), signal).catch((error) => {
    throw mayNot(error, `append to table ${target}`, `.add table ${name} ingestors`);
  });
}

/** Appends no row: rights are checked, and no extent comes of it. */
export function emptyAppend(target: string, from: string): string {
  return `.append ${quoteName(target)} <| ${quoteName(from)} | take 0`;
}

/** Stands in a command for a principal that nobody has named. */
export const unnamedPrincipal = "aadapp=<application id>;<tenant id>";

/** Says which right is missing and what grants it, to whom the service has named; `context.grant` is the command. */
export function mayNot(error: unknown, doing: string, grant: string): unknown {
  if (!isCode(error, "FORBIDDEN")) return error;
  const principal = /Principal '([^'\s]+=[^']+)'/.exec(error.message)?.[1];
  const command = `${grant} (${quoteString(principal ?? unnamedPrincipal)})`;
  return new MillraceError(
    "FORBIDDEN",
    `${principal === undefined ? "The principal" : `Principal ${principal}`} may not ${doing}. Somebody who may has to run: ${command}`,
    { cause: error, context: { ...error.context, grant: command } },
  );
}
