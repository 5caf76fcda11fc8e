import { IngestionFailure } from "./failure.ts";

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
  readonly format: string;
  readonly mapping: string | undefined;
  readonly mappingReference: string | undefined;
  readonly ignoreFirstRecord: boolean;
  readonly tags: readonly string[];
  readonly ifNotExists: readonly string[];
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
 * @throws IngestionFailure BadRequest_CorruptedMessage and others, if it cannot be acted upon.
 */
export function parseMessage(queueText: string): IngestionMessage {
  const members = membersOf(parsed(queueText));
  const more = membersOf(members.get("additionalproperties") ?? {});
  const message = {
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
    format: text(more, "format") ?? "csv",
    mapping: text(more, "ingestionmapping"),
    mappingReference: text(more, "ingestionmappingreference"),
    ignoreFirstRecord: isTrue(more.get("ignorefirstrecord")),
    tags: listOf(more.get("tags"), "tags"),
    ifNotExists: listOf(more.get("ingestifnotexists"), "ingestIfNotExists"),
  };
  return message;
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

const isTrue = (value: unknown) => value === true || (typeof value === "string" && value.toLowerCase() === "true");

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

/** A list of tags: JSON text of an array, as the clients send it, or an array. */
function listOf(value: unknown, property: string): string[] {
  if (value === undefined || value === null || value === "") return [];
  try {
    const list: unknown = typeof value === "string" ? JSON.parse(value) : value;
    if (Array.isArray(list) && list.every((tag) => typeof tag === "string")) return list;
  } catch {
    // Told below.
  }
  throw new IngestionFailure(
    "BadRequest_MalformedIngestionProperty",
    `Ingestion property '${property}' is malformed: it must be a JSON array of strings.`,
  );
}
