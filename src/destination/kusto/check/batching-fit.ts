import { quoteName, quoteString } from "../../../schema/kql.ts";
import type { CheckContext } from "../../destination.ts";
import { type Finding, ok, warning } from "./finding.ts";
import { type Policy, timespanMs } from "./policy.ts";

/** The service's own (documentation, "Ingestion batching policy": defaults). */
const defaultBatching = { MaximumBatchingTimeSpan: "00:05:00", MaximumNumberOfItems: 500, MaximumRawDataSizeMB: 1024 };
/** No record is seen yet, so one is taken to be of this size; a message says so. */
const bytesPerRecord = 1_000;
const megabyte = 1_048_576;

/**
 * The batching policy against the sink's options. The service gathers blobs until it has waited long enough, or has enough of
 * them, or enough bytes.
 */
export function batchingFit(context: CheckContext, set: Policy): Finding {
  const { table, ingestion, batchSize, batchIntervalMs, pollTimeoutMs, attemptTimeoutMs, commitMode } = context;
  if (commitMode === "move" || commitMode === "append")
    return ok("Batches go into the sink's own staging table, whose policy waits for 00:00:10.");
  const policy = { ...defaultBatching, ...(set as Partial<typeof defaultBatching> | null) };
  const { MaximumBatchingTimeSpan: span, MaximumNumberOfItems: items, MaximumRawDataSizeMB: megabytes } = policy;
  const spanMs = timespanMs(span) ?? 300_000;
  const whose = set === null ? "by default the service" : "the service";
  if (ingestion.flushImmediately)
    return warning(
      "flushImmediately has the service load each blob by itself: many small extents, and a load on the cluster that grows with the number of batches.",
      `Leave flushImmediately out, and have the service wait for less; a Table Admin runs: ${batchingCommand(table, policy)}`,
    );
  if (ingestion.pollForIngestionStatus && pollTimeoutMs <= spanMs)
    return warning(
      `${capital(whose)} gathers blobs for up to ${span}, and pollTimeoutMs ${pollTimeoutMs} gives up by then.`,
      `Set pollTimeoutMs to ${spanMs + 60_000} or more, or have the service wait for less; a Table Admin runs: ${batchingCommand(table, policy)}`,
    );
  if (commitMode === "tag" && attemptTimeoutMs <= spanMs)
    return warning(
      `${capital(whose)} gathers blobs for up to ${span}, and attemptTimeoutMs ${attemptTimeoutMs} gives up by then.`,
      `Set attemptTimeoutMs to ${4 * spanMs} or more, or have the service wait for less; a Table Admin runs: ${batchingCommand(table, policy)}`,
    );
  const usefulBytes = (megabytes * megabyte) / items;
  if (batchSize * bytesPerRecord < usefulBytes)
    return warning(
      `Batches of ${batchSize} records (batchSize) are ${shownBytes(batchSize * bytesPerRecord)} at 1 kB a record, of which ${whose} gathers up to ${items} for up to ${span}; it is made for blobs of 100 MB to 1 GB, and from ${shownBytes(usefulBytes)} on its number of blobs is not what ends a batch.`,
      `Use preset "bulk", or a batchSize of ${Math.ceil(usefulBytes / bytesPerRecord / 1_000) * 1_000} or more with a batchIntervalMs in which they come together.`,
    );
  const sooner = batchIntervalMs > 0 ? `${batchIntervalMs / 1_000} s in the sink and ` : "";
  return ok(`A record can be seen after at most ${sooner}${span} in the service, which gathers blobs.`);
}

function batchingCommand(table: string, policy: typeof defaultBatching): string {
  const wanted = { ...policy, MaximumBatchingTimeSpan: "00:00:30" };
  return `.alter table ${quoteName(table)} policy ingestionbatching ${quoteString(JSON.stringify(wanted))}`;
}

function shownBytes(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.round(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}
