export type { Place } from "./batch/batcher.ts";
export { type DecodedRecord, type DecodedRow, recordsOf } from "./batch/records-of.ts";
export { rowsOf } from "./batch/rows-of.ts";
export type { BatchHead, GzipBatch, PlainBatch, RowsBatch, SealedBatch, SealReason } from "./batch/sealed-batch.ts";
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
  DestinationCalls,
  DestinationContext,
  DestinationSession,
  EpochCommitter,
  EpochContext,
  Outcome,
  PayloadOf,
  Polling,
  SentBlob,
  StagedBatch,
} from "./destination/destination.ts";
export type { Payload } from "./encode/payload.ts";
export type { Disk, DiskFile } from "./log/disk.ts";
export type { LoggedBatch, WriteAheadLog } from "./log/write-ahead-log.ts";
export type { RecordSink } from "./sink/record-sink.ts";
export type { OriginalFormat, RowDialect } from "./source/original-format.ts";
export type { RawRecord } from "./source/records.ts";
export type {
  Lease,
  Origin,
  PartitionOwnership,
  Position,
  Positions,
  ReadContext,
  Recovery,
  Refusal,
  Slice,
  Source,
} from "./source/source.ts";
