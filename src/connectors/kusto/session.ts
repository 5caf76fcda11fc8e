import { batchTag } from "../../batch/batch-tag.ts";
import type { DestinationContext, DestinationSession } from "../../destination/destination.ts";
import type { Connection } from "./connection.ts";
import type { Into } from "./ingest.ts";
import { isFlushed } from "./ingestion-options.ts";
import { openLink } from "./link.ts";

/** A session of delivery at least once: blobs straight into the table. */
export async function openSession(connection: Connection, context: DestinationContext): Promise<DestinationSession> {
  const { table, preset } = context;
  const { ingestion } = connection;
  const link = await openLink(connection, context);
  const into: Into = {
    table: table.name,
    additionalTags: ingestion.additionalTags,
    ingestByTags: ingestion.ingestByTags,
    ingestIfNotExists: [],
    flushImmediately: isFlushed(ingestion, preset),
    report: ingestion.pollForIngestionStatus ? "all" : "none",
  };
  const intoFor = (id: string): Into =>
    ingestion.tagBatches ? { ...into, additionalTags: [...into.additionalTags, batchTag(id)] } : into;
  return {
    keepsNoParts: true as const,
    stage: link.stage,
    submit: (staged, signal) => link.announce(staged, intoFor(staged.id), signal),
    polling: ingestion.pollForIngestionStatus
      ? { intervalMs: ingestion.pollIntervalMs, timeoutMs: ingestion.pollTimeoutMs }
      : undefined,
    tagOf: (id) => (ingestion.tagBatches ? batchTag(id) : undefined),
    outcomes: async (ids, signal) => (ingestion.pollForIngestionStatus ? link.outcomes(ids, signal) : []),
    close: link.close,
  };
}
