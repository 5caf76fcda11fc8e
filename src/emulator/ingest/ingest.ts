import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { withoutQuery } from "../../errors.ts";
import type { Catalogue, StoredTable } from "../engine/catalogue.ts";
import type { Extent } from "../engine/extents.ts";
import { IngestionFailure } from "./failure.ts";
import { load } from "./load.ts";
import { type MappingEntry, parseMapping } from "./mapping.ts";
import { mappingKindOf } from "./record-reader.ts";

/** What to ingest, whichever way it came: queue, stream or command. */
export interface Ingestion {
  readonly database: string;
  readonly table: string;
  readonly format: string;
  readonly mapping?: string | undefined;
  readonly mappingReference?: string | undefined;
  readonly ignoreFirstRecord?: boolean;
  readonly tags?: readonly string[];
  readonly ifNotExists?: readonly string[];
  readonly sourcePath?: string;
}

/**
 * Ingests bytes into a table.
 *
 * @throws IngestionFailure with the service's code.
 */
export async function ingest(
  catalogue: Catalogue,
  ingestion: Ingestion,
  bytes: AsyncIterable<Uint8Array>,
): Promise<Extent> {
  const table = targetOf(catalogue, ingestion);
  const kind = mappingKindOf(ingestion.format);
  if (!kind)
    throw new IngestionFailure(
      "BadRequest_FormatNotSupported",
      `Format '${ingestion.format}' is not supported by this emulator.`,
    );
  return load(catalogue, table, bytes, {
    format: ingestion.format,
    mapping: mappingOf(table, ingestion, kind),
    ignoreFirstRecord: ingestion.ignoreFirstRecord ?? false,
    sourcePath: ingestion.sourcePath ?? "",
    tags: ingestion.tags ?? [],
    ifNotExists: ingestion.ifNotExists ?? [],
  });
}

function targetOf(catalogue: Catalogue, { database: databaseName, table: tableName }: Ingestion): StoredTable {
  if (databaseName === "") throw new IngestionFailure("BadRequest_EmptyDatabaseName", "Database name is empty.");
  if (tableName === "") throw new IngestionFailure("BadRequest_InvalidOrEmptyTableName", "Table name is empty.");
  const database = catalogue.databases.get(databaseName.toLowerCase());
  if (!database)
    throw new IngestionFailure("BadRequest_DatabaseNotExist", `Database '${databaseName}' does not exist.`);
  const table = database.tables.get(tableName);
  if (!table) throw new IngestionFailure("BadRequest_TableNotExist", `Table '${tableName}' does not exist.`);
  return table;
}

function mappingOf(
  table: StoredTable,
  { mapping, mappingReference }: Ingestion,
  kind: string,
): readonly MappingEntry[] | undefined {
  if (mapping !== undefined && mappingReference !== undefined)
    throw new IngestionFailure(
      "BadRequest_DuplicateMapping",
      "Ingestion properties include both ingestionMapping and ingestionMappingReference, which is not valid.",
    );
  if (mapping !== undefined) return parseMapping(mapping);
  if (mappingReference === undefined) return undefined;
  const stored = table.mappings.get(`${kind}/${mappingReference}`);
  if (!stored)
    throw new IngestionFailure(
      "BadRequest_MappingReferenceWasNotFound",
      `Mapping reference '${mappingReference}' of kind '${kind}' was not found in table '${table.name}'.`,
    );
  return stored.entries;
}

const silenceMs = 30_000;

/**
 * The bytes of a blob.
 *
 * @throws IngestionFailure Download_*; the transient ones may be tried again.
 */
export async function* download(url: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const shown = withoutQuery(url);
  const target = httpUrl(url);
  if (!target)
    throw new IngestionFailure(
      "Download_BadRequest",
      `Failed to download source from Azure Storage because of bad request: '${shown}' is not a blob's URL.`,
    );
  const send = target.protocol === "https:" ? httpsRequest : httpRequest;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = send(target, { signal, headers: { "x-ms-version": "2021-12-02" } }, resolve);
    request.on("error", (error) =>
      reject(
        new IngestionFailure(
          "Download_UnknownError",
          `Failed to download source '${shown}': ${(error as { code?: string }).code ?? "connection failed"}.`,
          false,
        ),
      ),
    );
    // A source that says nothing would keep its table from everybody else.
    request.setTimeout(silenceMs, () => request.destroy(Object.assign(new Error("silent"), { code: "ETIMEDOUT" })));
    request.end();
  });
  const status = response.statusCode ?? 0;
  if (status !== 200) {
    response.resume();
    throw refusedDownload(status, shown);
  }
  yield* response as AsyncIterable<Uint8Array>;
}

function httpUrl(url: string): URL | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return parsed?.protocol === "http:" || parsed?.protocol === "https:" ? parsed : undefined;
}

function refusedDownload(status: number, shown: string): IngestionFailure {
  if (status === 404)
    return new IngestionFailure(
      "Download_SourceNotFound",
      `Failed to download source from Azure Storage. Source not found: '${shown}'.`,
    );
  if (status === 401 || status === 403)
    return new IngestionFailure(
      "Download_Forbidden",
      `Failed to download source from Azure Storage. Access forbidden: '${shown}'.`,
    );
  if (status === 400)
    return new IngestionFailure(
      "Download_BadRequest",
      `Failed to download source from Azure Storage because of bad request: '${shown}'.`,
    );
  return new IngestionFailure(
    "Download_UnknownError",
    `Failed to download source '${shown}': status ${status}.`,
    false,
  );
}
