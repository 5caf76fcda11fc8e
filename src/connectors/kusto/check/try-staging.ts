import { randomBytes } from "node:crypto";
import { makeStaging, stagingName } from "../commit/staging-table.ts";
import type { Connection } from "../connection.ts";
import { type Finding, ok } from "./finding.ts";
import type { KustoCheck } from "./kusto-check.ts";
import type { Seen } from "./seen.ts";

/** Makes a staging table as a sink would. It is dropped when the check ends. */
export async function tryStaging(
  { database }: Connection,
  { table }: KustoCheck,
  seen: Seen,
  signal: AbortSignal,
): Promise<Finding> {
  // A job of its own: no sink takes it for another holder's.
  const id = () => randomBytes(6).toString("hex");
  // Known before it is there, so that it is put away also if the answer is lost.
  seen.staging = stagingName(table, `check ${id()}.${id()}`, 1, id());
  await makeStaging(seen.engine!, database, table, seen.staging, signal);
  return ok(
    `The principal may create tables in database ${database}, as staging needs; the one made for this is dropped again.`,
  );
}
