import type { Catalogue } from "../engine/catalogue.ts";
import type { Database, Extent, StoredTable } from "../engine/entities.ts";
import { type MappingEntry, parseMapping } from "../engine/mapping.ts";
import { IngestionFailure } from "../ingestion-failure.ts";
import { type Loaded, load, type Source } from "./load.ts";
import type { IngestionProperties } from "./properties.ts";
import { mappingKindOf, notSupported } from "./record-reader.ts";

/** What to ingest, whichever way it came: queue, stream or command. */
export interface Ingestion extends IngestionProperties {
  readonly database: string;
  readonly table: string;
  /** The most bytes of a source, unpacked; default what the service takes of a blob. */
  readonly largestBytes?: number | undefined;
}

/**
 * Ingests the bytes of one source into a table.
 *
 * @throws IngestionFailure with the service's code.
 */
export async function ingest(
  catalogue: Catalogue,
  ingestion: Ingestion,
  bytes: AsyncIterable<Uint8Array>,
  path = "",
): Promise<Extent> {
  const source = { path, open: () => bytes };
  const { extent, failures } = await ingestAll(catalogue, ingestion, [source]);
  if (!extent) throw failures.get(source);
  return extent;
}

/**
 * Ingests sources into a table as one extent; one that fails does not keep the others out.
 *
 * @throws IngestionFailure where nothing can be loaded at all, whatever is in the sources.
 */
export async function ingestAll(
  catalogue: Catalogue,
  ingestion: Ingestion,
  sources: readonly Source[],
): Promise<Loaded> {
  const format = ingestion.format.toLowerCase();
  const kind = mappingKindOf(format);
  if (!kind) throw notSupported(ingestion.format);
  const { database, table } = targetOf(catalogue, ingestion);
  return load(catalogue, table, sources, {
    format,
    mapping: mappingOf(database, table, ingestion, kind),
    ignoreFirstRecord: ingestion.ignoreFirstRecord ?? false,
    constantFields: ingestion.constantFields ?? true,
    tags: ingestion.tags ?? [],
    ifNotExists: ingestion.ifNotExists ?? [],
    creationTime: ingestion.creationTime,
    zipPattern: ingestion.zipPattern,
    largestBytes: ingestion.largestBytes,
  });
}

function targetOf(
  catalogue: Catalogue,
  { database: databaseName, table: tableName }: Ingestion,
): { database: Database; table: StoredTable } {
  if (databaseName === "") throw new IngestionFailure("BadRequest_EmptyDatabaseName", "Database name is empty.");
  if (tableName === "") throw new IngestionFailure("BadRequest_InvalidOrEmptyTableName", "Table name is empty.");
  const database = catalogue.databases.get(databaseName.toLowerCase());
  if (!database)
    throw new IngestionFailure("BadRequest_DatabaseNotExist", `Database '${databaseName}' does not exist.`);
  const table = database.tables.get(tableName);
  if (!table) throw new IngestionFailure("BadRequest_TableNotExist", `Table '${tableName}' does not exist.`);
  return { database, table };
}

/** A mapping of the table's own goes before one of its database. */
function mappingOf(
  database: Database,
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
  const stored =
    table.mappings.get(`${kind}/${mappingReference}`) ?? database.mappings.get(`${kind}/${mappingReference}`);
  if (!stored)
    throw new IngestionFailure(
      "BadRequest_MappingReferenceWasNotFound",
      `Mapping reference '${mappingReference}' of kind '${kind}' was not found in table '${table.name}'.`,
    );
  return stored.entries;
}
