export { type AdminRetries, type KustoAdmin, kustoAdmin } from "./connectors/kusto/admin.ts";
export type { Answer } from "./connectors/kusto/answer.ts";
export {
  type CommitMode,
  type KustoIngestionOptions,
  type KustoOptions,
  kusto,
  type TokenCredential,
} from "./connectors/kusto/index.ts";
export type { ActualColumn } from "./connectors/kusto/preflight.ts";
export { writeSchemaKql } from "./schema/file.ts";
export {
  createMergeTableCommand,
  createOrAlterMappingCommand,
  ingestionMapping,
  type MappingElement,
  type MappingKind,
} from "./schema/kql.ts";
export {
  KustoConnectionOptions,
  type KustoConnectionOptionsBuilder,
  type KustoJob,
  KustoWriteOptions,
  type KustoWriteOptionsBuilder,
  KustoWriteSink,
  type WriteSinkOptions,
} from "./write-sink.ts";
