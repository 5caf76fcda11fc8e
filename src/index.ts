export type { Place } from "./batch/batcher.ts";
export type { SealedBatch, SealReason } from "./batch/sealed-batch.ts";
export { type CheckReport, type CheckTargetOptions, checkTarget } from "./check.ts";
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
export { fileState, memoryState, stateIn } from "./checkpoint/file-state.ts";
export {
  inspectLog,
  inspectState,
  type PendingEpoch,
  type SegmentBatch,
  type SegmentReport,
  type StateReport,
} from "./checkpoint/inspect.ts";
export type {
  StateBackend,
  StateChange,
  StateEntry,
  StateLease,
  StateStore,
  StoreLease,
} from "./checkpoint/state-backend.ts";
export type { Retries, Retry, RetryPolicy } from "./deliver/backoff.ts";
export {
  type DeadLetter,
  fileDeadLetter,
  type Letter,
  type MemoryDeadLetter,
  memoryDeadLetter,
} from "./deliver/dead-letter.ts";
export type {
  CheckContext,
  CheckItem,
  CheckStatus,
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
export { filesDestination } from "./destination/files/index.ts";
export type { FilesDestinationOptions, TimePartition } from "./destination/files/options.ts";
export { type AdminRetries, type KustoAdmin, kustoAdmin } from "./destination/kusto/admin.ts";
export type { Answer } from "./destination/kusto/answer.ts";
export {
  type CommitMode,
  type KustoIngestionOptions,
  type KustoOptions,
  kusto,
  type TokenCredential,
} from "./destination/kusto/index.ts";
export type { ActualColumn } from "./destination/kusto/preflight.ts";
export { type MemoryDestination, memory, nowhere } from "./destination/memory.ts";
export type { GzipLevel } from "./encode/encoder.ts";
export type { RowFormat } from "./encode/row-format.ts";
export { type ErrorCode, type MillraceCode, MillraceError, type MillraceErrorDetails } from "./errors.ts";
export {
  type AttemptAbandonedEvent,
  type BatchEvent,
  type BatchStep,
  type BlobEvent,
  type CheckpointEvent,
  type CheckWarningEvent,
  type EpochCommittedEvent,
  type EpochWarningEvent,
  type EventMap,
  eventNames,
  type FailedEvent,
  type LoggedEvent,
  type LostEvent,
  type RejectedEvent,
  type RejectionReason,
  type RestartedEvent,
  type RetryEvent,
  type SealedEvent,
  type SinkFailedEvent,
  type SourceWarningEvent,
  type StepEvent,
  type TelemetryFailedEvent,
} from "./events.ts";
export type { Disk, DiskFile } from "./log/disk.ts";
export type { LoggedBatch, WriteAheadLog } from "./log/write-ahead-log.ts";
export { open } from "./open.ts";
export {
  type DeliveryGuarantee,
  defaults,
  type OpenOptions,
  presets,
  type SinkOptions,
  type WriteOptions,
} from "./options.ts";
export { type RunOptions, type RunProgress, type RunSummary, run } from "./run.ts";
export { type CoerceOptions, type Coercion, coerce, type ReadAsNull } from "./schema/coerce.ts";
export type { ExactNumber } from "./schema/exact-number.ts";
export type { ExcessPrecision } from "./schema/excess-precision.ts";
export { readSchema, type SchemaFile, writeSchemaJson, writeSchemaKql } from "./schema/file.ts";
export {
  type Inference,
  type InferOptions,
  type Inferred,
  inferTable,
  type KindException,
  type SampleForm,
  startInference,
} from "./schema/infer.ts";
export { type Json, type Kind, kinds, type ValueOf } from "./schema/kinds.ts";
export {
  createMergeTableCommand,
  createOrAlterMappingCommand,
  ingestionMapping,
  type MappingElement,
  type MappingKind,
} from "./schema/kql.ts";
export type { Rename } from "./schema/names.ts";
export { type RawJson, rawJson } from "./schema/raw-json.ts";
export {
  type Column,
  type Columns,
  type Infer,
  k,
  type NamedColumn,
  type Table,
  table,
  tableOf,
} from "./schema/table.ts";
export type { Checkpoint, CheckpointOptions, Restored } from "./sink/checkpoints.ts";
export type { RecordSink } from "./sink/record-sink.ts";
export type { Sink } from "./sink/sink.ts";
export type { SinkStats } from "./sink/stats.ts";
export type { CsvDialect, RaggedRows } from "./source/csv-dialect.ts";
export type { FilesOptions } from "./source/file-options.ts";
export { type FilesPlan, type FilesSource, files, type PlannedFile } from "./source/files.ts";
export type { FileFormat } from "./source/format.ts";
export { iterable } from "./source/iterable.ts";
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
export { stdin } from "./source/stdin.ts";
export type { StreamOptions } from "./streams.ts";
export { type Metric, type MetricName, metrics } from "./telemetry/metrics.ts";
export type {
  Attributes,
  Counter,
  Histogram,
  InstrumentOptions,
  Meter,
  ObservableGauge,
  ObservableResult,
  Span,
  SpanContext,
  SpanOptions,
  SpanTime,
  TelemetryOptions,
  Tracer,
} from "./telemetry/telemetry-options.ts";
export type { AsyncCall, AsyncRetry } from "./transform/async-call.ts";
export { type AsyncMapOptions, asyncMap } from "./transform/async-map.ts";
export { filter } from "./transform/filter.ts";
export { flatMap } from "./transform/flat-map.ts";
export { map } from "./transform/map.ts";
export { version } from "./version.ts";
export {
  KustoConnectionOptions,
  type KustoConnectionOptionsBuilder,
  type KustoJob,
  KustoWriteOptions,
  type KustoWriteOptionsBuilder,
  KustoWriteSink,
  type WriteSinkOptions,
} from "./write-sink.ts";
