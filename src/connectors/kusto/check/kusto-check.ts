import type { CheckContext } from "../../../destination/destination.ts";
import { type CommitMode, type Ingestion, isFlushed } from "../ingestion-options.ts";

/** What is to be checked, with what `kusto()` was told. */
export interface KustoCheck extends CheckContext {
  readonly ingestion: Omit<Ingestion, "flushImmediately"> & { readonly flushImmediately: boolean };
  /** Exactly once only. */
  readonly commitMode: CommitMode | undefined;
}

export function kustoCheck(context: CheckContext, ingestion: Ingestion): KustoCheck {
  return {
    ...context,
    ingestion: { ...ingestion, flushImmediately: isFlushed(ingestion, context.preset) },
    commitMode: context.isExactlyOnce ? ingestion.commitMode : undefined,
  };
}
