import { mayCommit, mayLook } from "../commit/rights.ts";
import type { Connection } from "../connection.ts";
import type { Patience } from "../patience.ts";
import type { Scrubber } from "../scrub.ts";
import { batchingFit } from "./batching-fit.ts";
import { isStaged } from "./batching-policy.ts";
import { blobSizeFit } from "./blob-size-fit.ts";
import { findDatabase, mayView } from "./database.ts";
import { type Finding, ok } from "./finding.ts";
import { mayIngest } from "./ingest-role.ts";
import type { KustoCheck } from "./kusto-check.ts";
import { logIn, trust } from "./login.ts";
import { fitMapping } from "./mapping.ts";
import { type Policy, policyOf } from "./policy.ts";
import { reachAgain, resolveHost } from "./reach.ts";
import { reached } from "./reached.ts";
import { retentionFit, tagRetentionFit } from "./retention-fit.ts";
import type { Seen } from "./seen.ts";
import { findResources, reachStorage } from "./storage.ts";
import { findTable, fitSchema } from "./table.ts";
import { tryStaging } from "./try-staging.ts";

/** One item, and which must be well before it can be looked at. */
export interface Step {
  readonly name: string;
  readonly needs: readonly string[];
  look(signal: AbortSignal): Promise<Finding>;
}

/** What is looked at, in this order; what the options have no use of is left out. */
export function stepsOf(
  connection: Connection,
  context: KustoCheck,
  seen: Seen,
  scrub: Scrubber,
  patient: Patience,
): readonly Step[] {
  const { engineUrl, ingestUrl, database } = connection;
  const { table, ingestion, commitMode } = context;
  const [engine, ingest] = [new URL(engineUrl), new URL(ingestUrl)];
  const isOneAddress = engineUrl === ingestUrl;
  const intoStaging = isStaged(context);
  const step = (name: string, needs: readonly string[], look: Step["look"]): Step => ({ name, needs, look });
  const when = (isNeeded: boolean, ...steps: Step[]) => (isNeeded ? steps : []);
  type Fit = (context: KustoCheck, set: Policy) => Finding;
  const policyAt = async (of: string, kind: string, fit: Fit, signal: AbortSignal) =>
    fit(context, await policyOf(seen.engine!, database, of, kind, signal));
  const policy = (name: string, kind: string, fit: Fit) =>
    step(name, ["table"], (signal) => policyAt(table, kind, fit, signal));
  /** Of the table that blobs go into. */
  const gathering = (name: string, fit: Fit) =>
    step(name, [intoStaging ? "staging" : "table"], (signal) =>
      policyAt(intoStaging ? seen.staging! : table, "ingestionbatching", fit, signal),
    );

  return [
    step("trust", [], () => trust(connection)),
    step("dns", [], async () => reached(await resolveHost(engine))),
    step("connection", ["dns"], async (signal) => reached(await reachAgain(engine, patient, signal))),
    ...when(
      !isOneAddress,
      step("ingest-dns", [], async () => reached(await resolveHost(ingest))),
      step("ingest-connection", ["ingest-dns"], async (signal) => reached(await reachAgain(ingest, patient, signal))),
    ),
    step("login", ["trust", "connection"], (signal) => logIn(connection, seen, scrub, patient, signal)),
    step("database", ["login"], (signal) => findDatabase(connection, context, seen, signal)),
    step("view", ["database"], () => mayView(connection, context, seen)),
    step("table", ["view"], async () => findTable(connection, context, seen)),
    step("schema", ["table"], async () => fitSchema(context, seen)),
    ...when(
      ingestion.ingestionMappingRef !== undefined,
      step("mapping", ["table"], (signal) => fitMapping(connection, context, seen, signal)),
    ),
    ...when(
      commitMode !== undefined,
      step("extents", ["table"], async (signal) => {
        await mayLook({ engine: seen.engine!, database }, table, commitMode!, signal);
        return ok(`The principal may see the extents of table ${table}, which say what is committed.`);
      }),
    ),
    ...when(
      intoStaging,
      step("staging", ["extents"], (signal) => tryStaging(connection, context, seen, signal)),
      step("commit", ["staging"], async (signal) => {
        await mayCommit({ engine: seen.engine!, database }, seen.staging!, table, commitMode!, signal);
        return ok(`The principal may ${commitMode === "move" ? "move extents into" : "append to"} table ${table}.`);
      }),
    ),
    // What is staged goes into a table of the sink's own.
    ...when(
      !intoStaging,
      step("ingest", ["database"], (signal) => mayIngest(connection, context, seen, signal)),
    ),
    step("resources", ["login", "ingest-connection"], (signal) => findResources(connection, context, seen, signal)),
    step("storage", ["resources"], (signal) => reachStorage(seen.resources!, patient, signal)),
    gathering("batching", batchingFit),
    gathering("blob-size", blobSizeFit),
    ...when(
      commitMode !== undefined,
      policy("tag-retention", "extent_tags_retention", tagRetentionFit),
      policy("retention", "retention", retentionFit),
    ),
  ];
}
