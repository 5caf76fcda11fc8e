import { IngestionFailure } from "../ingestion-failure.ts";
import { isTrue } from "./properties.ts";

/** An ingestion message as clients post it; the names are the service's. */
export interface IngestionMessage {
  readonly id: string;
  readonly blobPath: string;
  readonly rawDataSize: number | undefined;
  readonly database: string;
  readonly table: string;
  readonly flushImmediately: boolean;
  readonly retainBlob: boolean;
  readonly reportLevel: ReportLevel;
  readonly reportMethod: ReportMethod;
  readonly statusRow: StatusRow | undefined;
  /** The identity token that the client was given by `.get kusto identity token`. */
  readonly authorizationContext: string | undefined;
  /** The tracked operation that queued it, if any. */
  readonly operationId: string | undefined;
  /** The ingestion properties as they came, by lower-case name: see readProperties. */
  readonly given: ReadonlyMap<string, unknown>;
}

export type ReportLevel = "failures" | "none" | "all";
export type ReportMethod = "queue" | "table" | "both";

/** Where a client wants the status row updated. */
export interface StatusRow {
  readonly url: string;
  readonly partitionKey: string;
  readonly rowKey: string;
}

type Members = ReadonlyMap<string, unknown>;

/**
 * Reads a message from its queue text, base64 of JSON; member names in any case.
 *
 * @throws IngestionFailure BadRequest_CorruptedMessage.
 */
export function parseMessage(queueText: string): IngestionMessage {
  const members = membersOf(parsed(queueText));
  const more = membersOf(members.get("additionalproperties"));
  return {
    id: text(members, "id") ?? "",
    blobPath: text(members, "blobpath") ?? "",
    rawDataSize: Number(members.get("rawdatasize") ?? 0) || undefined,
    database: text(members, "databasename") ?? "",
    table: text(members, "tablename") ?? "",
    flushImmediately: isTrue(members.get("flushimmediately")),
    retainBlob: isTrue(members.get("retainblobonsuccess")),
    reportLevel: levelOf(members.get("reportlevel")),
    reportMethod: methodOf(members.get("reportmethod")),
    statusRow: statusRowOf(members.get("ingestionstatusintable")),
    authorizationContext: text(more, "authorizationcontext"),
    operationId: text(members, "ingestionoperationid"),
    given: more,
  };
}

function parsed(queueText: string): object {
  try {
    const value: unknown = JSON.parse(Buffer.from(queueText, "base64").toString("utf8"));
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Told below, with everything else that is no message.
  }
  throw new IngestionFailure(
    "BadRequest_CorruptedMessage",
    "Message is corrupted: it is not the base64 of a JSON object.",
  );
}

function membersOf(value: unknown): Members {
  if (typeof value !== "object" || value === null) return new Map();
  return new Map(Object.entries(value).map(([name, member]) => [name.toLowerCase(), member]));
}

function text(members: Members, name: string): string | undefined {
  const value = members.get(name);
  return typeof value === "string" && value !== "" ? value : undefined;
}

function levelOf(value: unknown): ReportLevel {
  return value === 1 || value === "DoNotReport" || value === "None"
    ? "none"
    : value === 2 || value === "FailuresAndSuccesses"
      ? "all"
      : "failures";
}

function methodOf(value: unknown): ReportMethod {
  return value === 1 || value === "Table" ? "table" : value === 2 || value === "QueueAndTable" ? "both" : "queue";
}

function statusRowOf(value: unknown): StatusRow | undefined {
  const members = membersOf(value);
  const [url, partitionKey, rowKey] = ["tableconnectionstring", "partitionkey", "rowkey"].map((name) =>
    text(members, name),
  );
  return url && partitionKey && rowKey ? { url, partitionKey, rowKey } : undefined;
}
