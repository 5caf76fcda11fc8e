export type { Place } from "./batch/batcher.ts";
export type { SealedBatch, SealReason } from "./batch/sealed-batch.ts";
export type {
  EpochHandle,
  EpochProgress,
  EpochRange,
  EpochState,
  Head,
  JobHistory,
  PreparedEpoch,
  RefusedRows,
} from "./checkpoint/epoch.ts";
export type {
  StateBackend,
  StateChange,
  StateEntry,
  StateLease,
  StateStore,
  StoreLease,
} from "./checkpoint/state-backend.ts";
export type { Retries, Retry, RetryPolicy } from "./deliver/backoff.ts";
export type {
  CheckContext,
  CommitHooks,
  Destination,
  DestinationContext,
  DestinationSession,
  EpochCommitter,
  EpochContext,
  Outcome,
  Polling,
  SentBlob,
  StagedBatch,
} from "./destination/destination.ts";
export type { Disk, DiskFile } from "./log/disk.ts";
export type { LoggedBatch, WriteAheadLog } from "./log/write-ahead-log.ts";
export type { RecordSink } from "./sink/record-sink.ts";
export type { OriginalFormat, RowDialect } from "./source/original-format.ts";
export type { RawRecord } from "./source/records.ts";
export type { Lease, Origin, PartitionOwnership, ReadContext, Recovery, Refusal, Slice } from "./source/source.ts";
