import { columnCommands } from "./columns.ts";
import type { Command } from "./command.ts";
import { databaseCommands } from "./databases.ts";
import { extentCommands } from "./extent-commands.ts";
import { functionCommands } from "./functions.ts";
import { queryIngestionCommands } from "./ingest-from-query.ts";
import { storageIngestionCommands } from "./ingest-from-storage.ts";
import { inlineCommands } from "./ingest-inline.ts";
import { ingestionBatchingCommands } from "./ingestion-batching.ts";
import { ingestionFailureCommands } from "./ingestion-failures.ts";
import { mappingCommands } from "./mappings.ts";
import { operationCommands } from "./operations.ts";
import { policyCommands } from "./policies.ts";
import { roleCommands } from "./roles.ts";
import { scriptCommands } from "./scripts.ts";
import { showCommands } from "./show.ts";
import { tableCommands } from "./tables.ts";

/** Commands by the name that the parser gives them. */
export const commands: Readonly<Record<string, Command | undefined>> = {
  ...tableCommands,
  ...columnCommands,
  ...databaseCommands,
  ...functionCommands,
  ...scriptCommands,
  ...showCommands,
  ...mappingCommands,
  ...inlineCommands,
  ...storageIngestionCommands,
  ...ingestionBatchingCommands,
  ...ingestionFailureCommands,
  ...extentCommands,
  ...queryIngestionCommands,
  ...operationCommands,
  ...policyCommands,
  ...roleCommands,
};
