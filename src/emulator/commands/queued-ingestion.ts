import { randomUUID } from "node:crypto";
import type { Catalogue } from "../engine/catalogue.ts";
import { databaseOf, tableOf } from "../engine/catalogue.ts";
import type { IdentityTokens } from "../ingest/identity-tokens.ts";
import { readProperties } from "../ingest/properties.ts";
import type { QueuedOperation, QueuedOperations } from "../ingest/queued-operations.ts";
import { IngestionFailure } from "../ingestion-failure.ts";
import { entityNotFound, KustoError } from "../kusto-error.ts";
import type { Access } from "../security/access.ts";
import { mayIngest } from "../security/ingest-rights.ts";
import { principalText } from "../security/principal.ts";
import type { ListedBlob, Storage } from "../storage/storage.ts";
import { type ResultColumn, type ResultTable, resultTable } from "../values/result.ts";
import type { Stored } from "../values/stored.ts";
import { type TokenReader, tokenReader } from "./tokens.ts";

/** What the data management endpoint's own commands work on. */
export interface DataManagement {
  readonly storage: Storage;
  readonly catalogue: Catalogue;
  readonly operations: QueuedOperations;
  readonly tokens: IdentityTokens;
  /** Who asks, and what they may do; undefined where nobody logs in. */
  readonly access: Access | undefined;
  readonly databaseName: string;
  readonly requestId: string;
}

/** Says who queued a message, for the one who reads it. */
export const identityToken = ({ tokens, access }: DataManagement) =>
  tokens.issue(access ? principalText(access.principal) : "");

/** Standing by itself, `.list blobs` gives so many (documentation, ".list blobs"). */
const mostListed = 1_000;

/**
 * The commands of queued ingestion, which Kusto's parser does not carry: `.ingest-from-storage-queued`, `.list blobs`,
 * `.show queued ingestion operations`, `.cancel queued ingestion operation`. Undefined for any other text.
 */
export function queuedIngestionCommand(text: string, parts: DataManagement): Promise<ResultTable> | undefined {
  const command = commands.find(([start]) => start.test(text));
  return command && Promise.resolve(command[1](tokenReader(text), parts));
}

type Act = (reader: TokenReader, parts: DataManagement) => ResultTable | Promise<ResultTable>;

const commands: readonly [start: RegExp, act: Act][] = [
  [/^\s*\.ingest-from-storage-queued\b/i, ingestQueued],
  [/^\s*\.list\s+blobs\b/i, listBlobs],
  [/^\s*\.show\s+queued\s+ingestion\s+operations\b/i, showOperations],
  [/^\s*\.cancel\s+queued\s+ingestion\s+operation\b/i, cancelOperation],
];

async function ingestQueued(reader: TokenReader, parts: DataManagement): Promise<ResultTable> {
  reader.expect(".ingest-from-storage-queued", "into", "table");
  const target = targetOf(reader, parts);
  const { access, catalogue } = parts;
  if (access) mayIngest(access, catalogue, target.database, target.table, "perform operation 'IngestFromStorage' on");
  const { isTracked, skipsBatching, compression } = optionsOf(reader);
  const given = propertiesOf(reader);
  reader.expect("<|");
  const blobs = reader.peek()?.kind === "string" ? addressesOf(reader) : await listed(reader, parts.storage);
  if (!reader.isAtEnd) reader.refuse("Unexpected end of the command's sources");
  readProperties(given, blobs[0]?.url ?? ""); // a property that cannot be read is told now and not blob by blob
  const operation = parts.operations.start(target.database, target.table, blobs.length);
  for (const { url, bytes } of blobs)
    await parts.storage.post({
      Id: randomUUID(),
      BlobPath: url,
      RawDataSize: bytes === undefined ? undefined : Math.ceil(bytes * compression),
      DatabaseName: target.database,
      TableName: target.table,
      RetainBlobOnSuccess: true,
      FlushImmediately: skipsBatching,
      ReportLevel: 1,
      IngestionOperationId: operation.id,
      AdditionalProperties: { ...Object.fromEntries(given), authorizationContext: identityToken(parts) },
    });
  const how = isTracked ? `.show queued ingestion operations "${operation.id}"` : "";
  return resultTable(strings("IngestionOperationId", "ClientRequestId", "OperationInfo"), [
    [operation.id, parts.requestId, how],
  ]);
}

/** `[database('D').]T` */
function targetOf(reader: TokenReader, { catalogue, databaseName }: DataManagement) {
  let name = databaseName;
  if (reader.accept("database", "(")) {
    name = reader.take("string", "the name of a database");
    reader.expect(")", ".");
  }
  const database = databaseOf(catalogue, name);
  const isQuoted = reader.accept("[");
  const table = reader.take(isQuoted ? "string" : "word", "the name of a table");
  if (isQuoted) reader.expect("]");
  return { database: database.name, table: tableOf(database, table).name };
}

function optionsOf(reader: TokenReader) {
  const options = { isTracked: false, skipsBatching: false, compression: 1 };
  for (;;) {
    if (reader.accept("EnableTracking", "=")) options.isTracked = isTrue(reader);
    else if (reader.accept("SkipBatching", "=")) options.skipsBatching = isTrue(reader);
    else if (reader.accept("CompressionFactor", "=")) options.compression = number(reader);
    else return options;
  }
}

const isTrue = (reader: TokenReader) => reader.take("word", "true or false").toLowerCase() === "true";

function number(reader: TokenReader): number {
  const text = reader.take("word", "a number");
  const value = Number(text);
  return value >= 0 ? value : reader.refuse(`Expected a number, not ${text}`);
}

/** `with (name = value, ...)`, by lower-case name. */
function propertiesOf(reader: TokenReader): Map<string, string> {
  const properties = new Map<string, string>();
  if (!reader.accept("with", "(")) return properties;
  while (!reader.accept(")")) {
    const name = reader.take("word", "the name of a property").toLowerCase();
    reader.expect("=");
    properties.set(name, reader.take(reader.peek()?.kind === "string" ? "string" : "word", "a value"));
    reader.accept(",");
  }
  return properties;
}

interface Queued {
  readonly url: string;
  readonly bytes: number | undefined;
}

function addressesOf(reader: TokenReader): Queued[] {
  const addresses: Queued[] = [];
  while (reader.peek()?.kind === "string") {
    addresses.push({ url: reader.take("string", "a blob's URL"), bytes: undefined });
    reader.accept(",");
  }
  return addresses;
}

async function listBlobs(reader: TokenReader, { storage, access }: DataManagement): Promise<ResultTable> {
  access?.mayAnything("perform operation 'ListBlobs' on");
  const blobs = await listed(reader, storage, mostListed);
  if (!reader.isAtEnd) reader.refuse("Unexpected text behind the command");
  const columns: ResultColumn[] = [
    { name: "BlobUri", kind: "string" },
    { name: "SizeInBytes", kind: "long" },
    { name: "CapturedVariables", kind: "dynamic" },
  ];
  return resultTable(
    columns,
    blobs.map(({ shown, bytes }) => [shown, BigInt(bytes), "{}"]),
  );
}

async function listed(reader: TokenReader, storage: Storage, most = Number.POSITIVE_INFINITY): Promise<ListedBlob[]> {
  reader.expect(".list", "blobs", "(");
  const places: string[] = [];
  do places.push(reader.take("string", "a storage connection string"));
  while (reader.accept(","));
  reader.expect(")");
  const wanted = filtersOf(reader);
  const found: ListedBlob[] = [];
  try {
    for (const place of places)
      for await (const blob of storage.list(place)) {
        if (found.length >= Math.min(most, wanted.most)) return found;
        const name = blob.name.slice(blob.name.lastIndexOf("/") + 1);
        if (name.startsWith(wanted.prefix) && blob.name.endsWith(wanted.suffix)) found.push(blob);
      }
  } catch (error) {
    if (error instanceof IngestionFailure) throw new KustoError(error.message, { code: error.code });
    throw error;
  }
  return found;
}

function filtersOf(reader: TokenReader) {
  const filters = { prefix: "", suffix: "", most: Number.POSITIVE_INFINITY };
  for (;;) {
    if (reader.accept("Prefix", "=")) filters.prefix = reader.take("string", "a prefix");
    else if (reader.accept("Suffix", "=")) filters.suffix = reader.take("string", "a suffix");
    else if (reader.accept("MaxFiles", "=")) filters.most = number(reader);
    else if (reader.peek()?.text.toLowerCase() === "pathformat")
      reader.refuse("PathFormat is not supported by this emulator");
    else return filters;
  }
}

function showOperations(reader: TokenReader, { operations, access }: DataManagement): ResultTable {
  access?.mayAnything("perform operation 'QueuedIngestionOperationsShow' on");
  reader.expect(".show", "queued", "ingestion", "operations");
  const ids: string[] = [];
  const isList = reader.accept("(");
  do ids.push(reader.take("string", "the id of an operation"));
  while (isList && reader.accept(","));
  if (isList) reader.expect(")");
  if (!reader.isAtEnd) reader.refuse("A query behind this command is not supported by this emulator");
  return resultTable(
    operationColumns,
    ids.map((id) => rowOf(found(operations, id))),
  );
}

const operationColumns: readonly ResultColumn[] = [
  { name: "IngestionOperationId", kind: "string" },
  { name: "StartedOn", kind: "datetime" },
  { name: "LastUpdatedOn", kind: "datetime" },
  { name: "State", kind: "string" },
  { name: "Discovered", kind: "long" },
  { name: "Pending", kind: "long" },
  { name: "Canceled", kind: "long" },
  { name: "Ingested", kind: "long" },
  { name: "Failed", kind: "long" },
  { name: "SampleFailedReasons", kind: "string" },
  { name: "Database", kind: "string" },
  { name: "Table", kind: "string" },
];

function rowOf(operation: QueuedOperation): Stored[] {
  const { discovered, ingested, failed, canceled } = operation;
  const pending = Math.max(0, discovered - ingested - failed - canceled);
  const state = operation.isCanceled ? "Canceled" : pending > 0 ? "InProgress" : failed > 0 ? "Failed" : "Completed";
  const counts = [discovered, pending, canceled, ingested, failed].map(BigInt);
  return [
    ...[operation.id, operation.startedOn, operation.lastUpdatedOn, state],
    ...counts,
    ...[operation.sampleFailedReasons.join("; "), operation.database, operation.table],
  ];
}

function cancelOperation(reader: TokenReader, { operations, access }: DataManagement): ResultTable {
  access?.mayAnything("perform operation 'QueuedIngestionOperationCancel' on");
  reader.expect(".cancel", "queued", "ingestion", "operation");
  const id = reader.take("string", "the id of an operation");
  propertiesOf(reader);
  if (!reader.isAtEnd) reader.refuse("Unexpected text behind the command");
  found(operations, id);
  operations.cancel(id);
  return resultTable(operationColumns, [rowOf(found(operations, id))]);
}

function found(operations: QueuedOperations, id: string): QueuedOperation {
  const operation = operations.get(id);
  if (!operation) throw entityNotFound("IngestionOperation", id);
  return operation;
}

const strings = (...names: string[]): ResultColumn[] => names.map((name) => ({ name, kind: "string" }));
