import {
  alterBatchingCommand,
  type BatchingPolicy,
  batchingPolicy,
  isStaged,
  megabyte,
  tagOption,
} from "./batching-policy.ts";
import { type Finding, ok, warning } from "./finding.ts";
import type { KustoCheck } from "./kusto-check.ts";
import { type Policy, timespanMs } from "./policy.ts";
import { shownBytes } from "./shown-bytes.ts";

/** No record is seen yet, so one is taken to be of this size; a message says so. */
const bytesPerRecord = 1_000;
/** The least that the documentation wants of a blob that is loaded by itself. */
const leastAlone = 100_000_000;

/**
 * The batching policy against the sink's options. The service gathers blobs until it has waited long enough, or has enough of
 * them, or enough bytes.
 *
 * @param set of the table that blobs go into: the target, or the staging table.
 */
export function batchingFit(context: KustoCheck, set: Policy): Finding {
  const { table, ingestion, batchSize, batchIntervalMs, clientBatchSizeLimit } = context;
  const { pollTimeoutMs, attemptTimeoutMs } = ingestion;
  const policy = batchingPolicy(set);
  const { MaximumBatchingTimeSpan: span, MaximumNumberOfItems: items, MaximumRawDataSizeMB: megabytes } = policy;
  const spanMs = timespanMs(span) ?? 300_000;
  const whose = set === null ? "by default the service" : "the service";
  if (isStaged(context)) {
    if (attemptTimeoutMs > spanMs)
      return ok(`Batches go into the sink's own staging table, where the service gathers them for up to ${span}.`);
    return warning(
      `The service gathers blobs in the staging table for up to ${span}, and attemptTimeoutMs ${attemptTimeoutMs} gives up by then: rows would be sent over and over.`,
      `Set attemptTimeoutMs to ${4 * spanMs} or more.`,
    );
  }
  const option = tagOption(context);
  const batchBytes = Math.min(batchSize * bytesPerRecord, clientBatchSizeLimit);
  if (option !== undefined) {
    if (batchBytes >= leastAlone)
      return ok(`Each batch is loaded by itself and at once, for it bears an ingest-by: tag (${option}).`);
    return warning(
      `Each batch is loaded by itself, for it bears an ingest-by: tag (${option}), and one of ${batchSize} records (batchSize) is ${shownBytes(batchBytes)} at 1 kB a record; the service is made for blobs of 100 MB to 1 GB.`,
      `Use preset "bulk", or a batchSize of ${leastAlone / bytesPerRecord} or more with a batchIntervalMs in which they come together and a clientBatchSizeLimit that lets them.`,
    );
  }
  if (ingestion.flushImmediately)
    return warning(
      "flushImmediately has the service load each blob by itself: many small extents, and a load on the cluster that grows with the number of batches.",
      `Leave flushImmediately out, and have the service wait for less; a Table Admin runs: ${soonerCommand(table, policy)}`,
    );
  if (ingestion.pollForIngestionStatus && pollTimeoutMs <= spanMs)
    return warning(
      `${capital(whose)} gathers blobs for up to ${span}, and pollTimeoutMs ${pollTimeoutMs} gives up by then.`,
      `Set pollTimeoutMs to ${spanMs + 60_000} or more, or have the service wait for less; a Table Admin runs: ${soonerCommand(table, policy)}`,
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

function soonerCommand(table: string, policy: BatchingPolicy): string {
  return alterBatchingCommand(table, { ...policy, MaximumBatchingTimeSpan: "00:00:30" });
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}
