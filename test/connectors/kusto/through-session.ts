import { openCommitter } from "../../../src/connectors/kusto/commit/committer.ts";
import type { EpochSession } from "../../../src/connectors/kusto/commit/epoch-session.ts";
import { openEpochSession } from "../../../src/connectors/kusto/commit/session.ts";
import { type KustoOptions, kusto } from "../../../src/connectors/kusto/index.ts";
import { connectionOf } from "../../../src/connectors/kusto/options.ts";
import type { Destination } from "../../../src/destination/destination.ts";

/** `kusto()`, whose calls for exactly once go through what a test makes of its session. */
export function throughSession(options: KustoOptions, wrap: (session: EpochSession) => EpochSession): Destination {
  const connection = connectionOf(options);
  return {
    ...kusto(options),
    openEpochs: (context) =>
      openCommitter(
        async (opening) => wrap(await openEpochSession(connection, opening)),
        context,
        connection.ingestion,
      ),
  };
}
