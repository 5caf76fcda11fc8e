import { randomUUID } from "node:crypto";
import type { EngineClock } from "../engine/clock.ts";
import { datetimeText } from "../engine/ticks.ts";
import type { Storage } from "../storage/storage.ts";
import type { IngestionFailure } from "./failure.ts";
import type { IngestionMessage, StatusRow } from "./message.ts";
import { shownAddress } from "./source.ts";

/** A failed ingestion as `.show ingestion failures` lists it. */
export interface FailureRecord {
  readonly operationId: string;
  readonly activityId: string;
  readonly database: string;
  readonly table: string;
  readonly failedOn: bigint;
  readonly sourcePath: string;
  readonly details: string;
  readonly code: string;
  readonly permanent: boolean;
  /** Such as `Format=csv`. */
  readonly ingestionProperties: string;
}

/** How many failures are remembered; the oldest go first. */
const mostFailures = 10_000;

export function remember(failures: FailureRecord[], record: FailureRecord): void {
  failures.push(record);
  if (failures.length > mostFailures) failures.shift();
}

export function failureRecord(
  message: Pick<IngestionMessage, "database" | "table" | "blobPath"> & Partial<Pick<IngestionMessage, "given">>,
  failure: IngestionFailure,
  clock: EngineClock,
): FailureRecord {
  return {
    operationId: randomUUID(),
    activityId: randomUUID(),
    database: message.database,
    table: message.table,
    failedOn: clock.ticks(),
    sourcePath: shownAddress(message.blobPath),
    details: failure.message,
    code: failure.code,
    permanent: failure.permanent,
    ingestionProperties: message.given ? `Format=${String(message.given.get("format") ?? "csv")}` : "",
  };
}

/** Tells a client of success, as far as its message asks for it. */
export async function reportSuccess(storage: Storage, message: IngestionMessage, clock: EngineClock): Promise<void> {
  if (message.reportLevel !== "all") return;
  const status = {
    OperationId: randomUUID(),
    Database: message.database,
    Table: message.table,
    SucceededOn: datetimeText(clock.ticks()),
    IngestionSourceId: message.id,
    IngestionSourcePath: shownAddress(message.blobPath),
    RootActivityId: randomUUID(),
  };
  await Promise.all([
    message.reportMethod !== "table" && storage.succeeded.sendMessage(encoded(status)),
    updateRow(storage, message, status.SucceededOn, {
      Status: "Succeeded",
      OperationId: status.OperationId,
      ActivityId: status.RootActivityId,
    }),
  ]);
}

/** Tells a client of failure, as far as its message asks for it. */
export async function reportFailure(storage: Storage, message: IngestionMessage, record: FailureRecord): Promise<void> {
  if (message.reportLevel === "none") return;
  const status = {
    OperationId: record.operationId,
    Database: record.database,
    Table: record.table,
    FailedOn: datetimeText(record.failedOn),
    IngestionSourceId: message.id,
    IngestionSourcePath: record.sourcePath,
    Details: record.details,
    ErrorCode: record.code,
    FailureStatus: isExhausted(record) ? "Exhausted" : record.permanent ? "Permanent" : "Transient",
    RootActivityId: record.activityId,
    OriginatesFromUpdatePolicy: false,
    ShouldRetry: !record.permanent || isExhausted(record),
  };
  await Promise.all([
    message.reportMethod !== "table" && storage.failed.sendMessage(encoded(status)),
    updateRow(storage, message, status.FailedOn, {
      Status: record.code.startsWith("Skipped_") ? "Skipped" : "Failed",
      OperationId: record.operationId,
      ActivityId: record.activityId,
      ErrorCode: record.code,
      FailureStatus: status.FailureStatus,
      Details: record.details,
    }),
  ]);
}

/** Retried in vain: the service calls it permanent, and says that another ingestion may succeed. */
const isExhausted = ({ code }: FailureRecord) => code === "General_RetryAttemptsExceeded";

const encoded = (status: object) => Buffer.from(JSON.stringify(status)).toString("base64");

async function updateRow(
  storage: Storage,
  message: IngestionMessage,
  updatedOn: string,
  status: Record<string, string>,
): Promise<void> {
  if (message.reportMethod === "queue" || !message.statusRow) return;
  const url = rowUrl(storage, message.statusRow);
  if (!url) return;
  await fetch(url, {
    method: "PUT",
    headers: { "content-type": "application/json", accept: "application/json;odata=nometadata" },
    body: JSON.stringify({
      IngestionSourceId: message.id,
      IngestionSourcePath: shownAddress(message.blobPath),
      Database: message.database,
      Table: message.table,
      UpdatedOn: updatedOn,
      // Clients of typed languages read these as what the service writes them as.
      "UpdatedOn@odata.type": "Edm.DateTime",
      "OperationId@odata.type": "Edm.Guid",
      "ActivityId@odata.type": "Edm.Guid",
      ...status,
    }),
  });
}

/** The row's address at our own status table; tables elsewhere are not written to. */
function rowUrl(storage: Storage, { url, partitionKey, rowKey }: StatusRow): string | undefined {
  const direct = storage.fronts.table.toAzurite(url);
  if (!direct) return undefined;
  const [table, sas] = direct.split("?");
  const key = (text: string) => encodeURIComponent(text.replaceAll("'", "''"));
  return `${table}(PartitionKey='${key(partitionKey)}',RowKey='${key(rowKey)}')?${sas ?? ""}`;
}
