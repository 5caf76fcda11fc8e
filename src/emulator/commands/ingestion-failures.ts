import { findPart, textOf } from "../kql/tree.ts";
import { ticksPerDay } from "../values/ticks.ts";
import type { Command } from "./command.ts";

/** How long the service remembers a failure (documentation, ".show ingestion failures"). */
const life = 14n * ticksPerDay;

/** `.show ingestion failures [with (OperationId = ...)]` */
const show: Command = (node, { catalogue, failures }) => {
  const wanted = findPart(node, "OperationId");
  const id = typeof wanted?.LiteralValue === "string" ? wanted.LiteralValue : wanted && textOf(wanted);
  const oldest = catalogue.clock.ticks() - life;
  return failures
    .filter(({ operationId, failedOn }) => failedOn >= oldest && (id === undefined || operationId === id.toLowerCase()))
    .map((record) => [
      ...[record.operationId, record.database, record.table, record.failedOn, record.sourcePath, record.details],
      ...[record.permanent ? "Permanent" : "Transient", record.activityId, "DataIngestPull", false, record.code, ""],
      ...[!record.permanent, "", record.ingestionProperties],
    ]);
};

export const ingestionFailureCommands: Readonly<Record<string, Command>> = { ShowIngestionFailures: show };
