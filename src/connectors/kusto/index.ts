import type { Destination } from "../../destination/destination.ts";
import { checkCluster } from "./check/check-cluster.ts";
import { openCommitter } from "./commit/committer.ts";
import { openEpochSession } from "./commit/session.ts";
import { connectionOf, type KustoOptions, optionNames } from "./options.ts";
import { openSession } from "./session.ts";

export type { TokenCredential } from "./connection.ts";
export type { CommitMode, KustoIngestionOptions } from "./ingestion-options.ts";
export type { KustoOptions } from "./options.ts";

/**
 * A Kusto cluster (Azure Data Explorer, Fabric Eventhouse, or the emulator) as the destination of a sink. Nothing is
 * connected before the sink opens.
 *
 * @throws MillraceError BAD_OPTION for unknown, missing or contradictory options; UNTRUSTED_HOST for plain http. Opening
 *   throws UNTRUSTED_HOST, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND (database, table, mapping), BAD_SCHEMA (the declared
 *   columns are not the table's) and UNREACHABLE.
 */
export function kusto(options: KustoOptions): Destination {
  const connection = connectionOf(options);
  const target = `${connection.engineUrl}/${connection.database}`;
  return {
    name: target,
    identity: target,
    kind: "kusto",
    optionNames,
    delivery: `commitMode ${connection.ingestion.commitMode}`,
    database: connection.database,
    open: (context) => openSession(connection, context),
    openEpochs: (context) =>
      openCommitter((opening) => openEpochSession(connection, opening), context, connection.ingestion),
    check: (context) => checkCluster(connection, context),
  };
}
