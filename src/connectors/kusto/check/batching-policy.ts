import { quoteName, quoteString } from "../../../schema/kql.ts";
import type { KustoCheck } from "./kusto-check.ts";
import type { Policy } from "./policy.ts";

/** When the service ends a batch of blobs: whichever is reached first. */
export interface BatchingPolicy {
  readonly MaximumBatchingTimeSpan: string;
  readonly MaximumNumberOfItems: number;
  /** Uncompressed, in units of {@link megabyte}. */
  readonly MaximumRawDataSizeMB: number;
}

export const megabyte = 1_048_576;

/** The service's own (documentation, "Ingestion batching policy": defaults). */
const serviceDefaults: BatchingPolicy = {
  MaximumBatchingTimeSpan: "00:05:00",
  MaximumNumberOfItems: 500,
  MaximumRawDataSizeMB: 1024,
};

/** The policy that holds where `set` is set: what it leaves out is the service's own. */
export function batchingPolicy(set: Policy): BatchingPolicy {
  const members = Object.entries(set ?? {}).filter(([, value]) => value !== null && value !== undefined);
  return { ...serviceDefaults, ...Object.fromEntries(members) };
}

export function alterBatchingCommand(table: string, policy: BatchingPolicy): string {
  return `.alter table ${quoteName(table)} policy ingestionbatching ${quoteString(JSON.stringify(policy))}`;
}

/** Batches go into a staging table of the sink's own, whose policy is the one that counts. */
export function isStaged({ commitMode }: Pick<KustoCheck, "commitMode">): boolean {
  return commitMode === "move" || commitMode === "append";
}

/**
 * The option by which every blob bears an `ingest-by:` tag. Such a blob is gathered with no other, whatever the policy says
 * (documentation, "Ingestion batching policy": SingleBlob_IngestByTag, SingleBlob_IngestIfNotExists). Staging takes no such tag.
 */
export function tagOption(context: Pick<KustoCheck, "commitMode" | "ingestion">): string | undefined {
  if (isStaged(context)) return undefined;
  if (context.commitMode === "tag") return 'commitMode "tag"';
  return context.ingestion.ingestByTags.length > 0 ? "ingestByTags" : undefined;
}
