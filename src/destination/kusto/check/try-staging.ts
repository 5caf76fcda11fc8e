import { randomBytes } from "node:crypto";
import type { CheckContext } from "../../destination.ts";
import type { Connection } from "../options.ts";
import { makeStaging, stagingPrefix } from "../staging.ts";
import { type Finding, ok } from "./finding.ts";
import type { Seen } from "./seen.ts";

/** Makes a staging table as a sink would. It is dropped when the check ends. */
export async function tryStaging(
  { database }: Connection,
  { table }: CheckContext,
  seen: Seen,
  signal: AbortSignal,
): Promise<Finding> {
  // A job of its own: no other's staging bears this id, so none is dropped.
  const job = `check.${randomBytes(6).toString("hex")}`;
  // Known before it is there, so that it is put away also if the answer is lost.
  seen.staging = { table: `${stagingPrefix(table, job)}1` };
  await makeStaging(seen.engine!, database, table, job, 1, signal);
  return ok(
    `The principal may create tables in database ${database}, as staging needs; the one made for this is dropped again.`,
  );
}
