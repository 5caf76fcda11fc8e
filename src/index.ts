export { type CheckReport, type CheckTargetOptions, checkTarget } from "./check.ts";
export { fileState, memoryState, stateIn } from "./checkpoint/file-state.ts";
export {
  inspectLog,
  inspectState,
  type PendingEpoch,
  type SegmentBatch,
  type SegmentReport,
  type StateReport,
} from "./checkpoint/inspect.ts";
export { filesDestination } from "./connectors/files/index.ts";
export type { FilesDestinationOptions, TimePartition } from "./connectors/files/options.ts";
export type { RowStreamOptions } from "./connectors/streams/row-options.ts";
export { socket } from "./connectors/streams/socket.ts";
export type { SocketOptions, SocketTlsOptions } from "./connectors/streams/socket-options.ts";
export { stdout } from "./connectors/streams/stdout.ts";
export {
  type DeadLetter,
  fileDeadLetter,
  type Letter,
  type MemoryDeadLetter,
  memoryDeadLetter,
} from "./deliver/dead-letter.ts";
export type { CheckItem, CheckStatus, Destination } from "./destination/destination.ts";
export { type MemoryDestination, type MemoryOptions, memory, nowhere } from "./destination/memory.ts";
export type { GzipLevel } from "./encode/encoder.ts";
export type { RowFormat } from "./encode/row-format.ts";
export { type ErrorCode, type MillraceCode, MillraceError, type MillraceErrorDetails } from "./errors.ts";
export { open } from "./open.ts";
export {
  type DeliveryGuarantee,
  defaults,
  type OpenOptions,
  presets,
  type SinkOptions,
  type WriteOptions,
} from "./options.ts";
export { type RunOptions, type RunProgress, type RunSummary, run } from "./run/run.ts";
export { type CoerceOptions, type Coercion, coerce, type ReadAsNull } from "./schema/coerce.ts";
export type { ExactNumber } from "./schema/exact-number.ts";
export type { ExcessPrecision } from "./schema/excess-precision.ts";
export { readSchema, type SchemaFile, writeSchemaJson } from "./schema/file.ts";
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
export type { Sink } from "./sink/sink.ts";
export type { SinkStats } from "./sink/stats.ts";
export type { CsvDialect, RaggedRows } from "./source/csv-dialect.ts";
export type { FilesOptions } from "./source/file-options.ts";
export { type FilesPlan, type FilesSource, files, type PlannedFile } from "./source/files.ts";
export type { FileFormat } from "./source/format.ts";
export { iterable } from "./source/iterable.ts";
export type { Position, Positions, Source } from "./source/source.ts";
export { stdin } from "./source/stdin.ts";
export type { StreamOptions } from "./streams.ts";
export type { TelemetryOptions } from "./telemetry/telemetry-options.ts";
export type { AsyncCall, AsyncRetry } from "./transform/async-call.ts";
export { type AsyncMapOptions, asyncMap } from "./transform/async-map.ts";
export { filter } from "./transform/filter.ts";
export { flatMap } from "./transform/flat-map.ts";
export { map } from "./transform/map.ts";
export { version } from "./version.ts";
