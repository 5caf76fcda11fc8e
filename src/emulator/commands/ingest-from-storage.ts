import { shownAddress } from "../blobs/requests.ts";
import { ingestAll } from "../ingest/ingest.ts";
import { readProperties } from "../ingest/properties.ts";
import { failureRecord, remember } from "../ingest/report.ts";
import { IngestionFailure } from "../ingestion-failure.ts";
import { findParts } from "../kql/tree.ts";
import { KustoError } from "../kusto-error.ts";
import type { Command, CommandContext } from "./command.ts";
import { logged } from "./operations.ts";
import { propertiesOf, tableName } from "./syntax.ts";

const noExtent = "00000000-0000-0000-0000-000000000000";

/** `.ingest [async] into table T (h'url', ...) with (...)`: the blobs that can be read become one extent. */
const intoTable = logged({
  kind: "DataIngestPull",
  async act(node, context, _signal, operationId) {
    const { catalogue, database, open } = context;
    if (!open) throw new KustoError("This engine has no storage to ingest from.");
    const urls = findParts(node, "Path").map(({ LiteralValue }) => String(LiteralValue));
    const properties = readProperties(propertiesOf(node), urls[0] ?? "");
    const table = tableName(node);
    const sources = urls.map((url) => ({ path: shownAddress(url), open: () => open(url) }));
    const started = catalogue.clock.ticks();
    const fail = (error: unknown, paths: readonly string[]) => tell(error, { table, paths, operationId, context });
    try {
      const { extent, failures } = await ingestAll(
        catalogue,
        { database: database.name, table, ...properties },
        sources,
      );
      for (const [{ path }, error] of failures) fail(error, [path]);
      if (!extent) throw failures.get(sources[0]!);
      const duration = catalogue.clock.ticks() - started;
      const loaded = sources.filter((source) => !failures.has(source)).map(({ path }) => path);
      return {
        columns,
        rows: [
          [extent.id, loaded.join(", "), duration, false, operationId],
          ...[...failures.keys()].map(({ path }) => [noExtent, path, duration, true, operationId]),
        ],
      };
    } catch (error) {
      if (isSkipped(error)) return { columns, rows: [[noExtent, "", 0n, false, operationId]] };
      throw error;
    }
  },
});

const columns = [
  { name: "ExtentId", kind: "guid" },
  { name: "ItemLoaded", kind: "string" },
  { name: "Duration", kind: "timespan" },
  { name: "HasErrors", kind: "bool" },
  { name: "OperationId", kind: "guid" },
] as const;

const isSkipped = (error: unknown) => error instanceof IngestionFailure && error.code.startsWith("Skipped_");

interface Failed {
  readonly table: string;
  readonly paths: readonly string[];
  readonly operationId: string;
  readonly context: CommandContext;
}

/** Writes a failure down for `.show ingestion failures`, where it is found by the operation's id. */
function tell(error: unknown, { table, paths, operationId, context }: Failed): void {
  if (!(error instanceof IngestionFailure)) return;
  const about = { database: context.database.name, table, blobPath: paths.join(", ") };
  remember(context.failures, { ...failureRecord(about, error, context.catalogue.clock), operationId });
}

export const storageIngestionCommands: Readonly<Record<string, Command>> = { IngestIntoTable: intoTable };
