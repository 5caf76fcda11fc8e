import { randomUUID } from "node:crypto";
import { shownAddress } from "../blobs/requests.ts";
import type { EngineClock } from "../engine/clock.ts";
import type { IngestionFailure } from "../ingestion-failure.ts";
import type { Storage } from "../storage/storage.ts";
import { datetimeText } from "../values/ticks.ts";
import type { IngestionMessage } from "./message.ts";
import { datetimeProperty, guidProperty, mergeStatusRow } from "./status-row.ts";

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
      operationId: status.OperationId,
      activityId: status.RootActivityId,
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
      operationId: record.operationId,
      activityId: record.activityId,
      ErrorCode: record.code,
      FailureStatus: status.FailureStatus,
      Details: record.details,
      OriginatesFromUpdatePolicy: status.OriginatesFromUpdatePolicy,
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
  { operationId, activityId, ...status }: RowStatus,
): Promise<void> {
  if (message.reportMethod === "queue" || !message.statusRow) return;
  await mergeStatusRow(storage, message.statusRow, {
    IngestionSourceId: guidProperty(message.id),
    IngestionSourcePath: shownAddress(message.blobPath),
    Database: message.database,
    Table: message.table,
    UpdatedOn: datetimeProperty(updatedOn),
    OperationId: guidProperty(operationId),
    ActivityId: guidProperty(activityId),
    ...status,
  });
}

interface RowStatus {
  readonly operationId: string;
  readonly activityId: string;
  readonly [property: string]: string | boolean;
}
