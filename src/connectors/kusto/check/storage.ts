import { quoteName } from "../../../schema/kql.ts";
import { mayNot } from "../commit/rights.ts";
import type { Connection } from "../connection.ts";
import { sentence } from "../errors.ts";
import type { Patience } from "../patience.ts";
import { fetchResources, type Resources } from "../resources.ts";
import { type Finding, failed, listed, ok, warning } from "./finding.ts";
import type { KustoCheck } from "./kusto-check.ts";
import { type Reached, reachAgain } from "./reach.ts";
import type { Seen } from "./seen.ts";

/** Asks for the containers and queues to ingest through. */
export async function findResources(
  connection: Connection,
  { table }: KustoCheck,
  seen: Seen,
  signal: AbortSignal,
): Promise<Finding> {
  try {
    seen.resources = await fetchResources(seen.management!, connection, 1, signal);
  } catch (error) {
    throw mayNot(error, "be given storage to ingest through", `.add table ${quoteName(table)} ingestors`);
  }
  const { containers, queues } = seen.resources;
  return ok(`The cluster lends ${containers.length} containers and ${queues.length} queues to ingest through.`);
}

/** Every account is tried, for a batch may go to any; those that answer do for all, more slowly. */
export async function reachStorage(
  { containers, queues }: Resources,
  patient: Patience,
  signal: AbortSignal,
): Promise<Finding> {
  const tried = new Map<string, Promise<Reached>>();
  const reachOnce = (url: string) => {
    const { origin } = new URL(url);
    if (!tried.has(origin)) tried.set(origin, reachAgain(new URL(origin), patient, signal));
    return tried.get(origin)!;
  };
  const results = await Promise.all(
    [containers, queues].map((roots) => Promise.all(roots.map(({ url }) => reachOnce(url)))),
  );
  const all = await Promise.all(tried.values());
  const lost = all.filter((result) => !result.isThere);
  const names = listed([...tried.keys()].map((origin) => new URL(origin).host));
  if (lost.length === 0) return ok(`The storage answers: ${names}.`);
  const { why, fix, retryable } = lost[0]!;
  const places =
    lost.length === 1
      ? sentence(why)
      : `${lost.length} of ${all.length} addresses of the storage do not answer: ${sentence(why)}`;
  if (results.every((roots) => roots.some(({ isThere }) => isThere)))
    return warning(`${places} Batches go to the others.`, fix);
  return { ...failed("UNREACHABLE", places, fix), retryable };
}
