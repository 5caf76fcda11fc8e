import { filesOf } from "../blobs/files.ts";
import { alone, type Catalogue } from "../engine/catalogue.ts";
import type { Extent, StoredTable } from "../engine/entities.ts";
import { nextLoad, recordExtent } from "../engine/extents.ts";
import type { Store } from "../engine/store.ts";
import { IngestionFailure } from "../ingestion-failure.ts";
import { type ReadingOptions, readRows } from "./record-reader.ts";
import { type RowWriter, rowWriter } from "./row-writer.ts";

export interface Loading extends Omit<ReadingOptions, "table" | "sourcePath" | "store"> {
  readonly tags: readonly string[];
  /** Values of `ingest-by:` tags: if an extent bears one of them, nothing is loaded. */
  readonly ifNotExists: readonly string[];
  /** Ticks; default now. */
  readonly creationTime?: bigint | undefined;
  readonly zipPattern?: string | undefined;
  /** Of a source, unpacked; default what the service takes. */
  readonly largestBytes?: number | undefined;
}

/** Bytes to load, and where they come from: its address without its SAS. */
export interface Source {
  readonly path: string;
  /** Opens them from their beginning; may be called again. */
  open(): AsyncIterable<Uint8Array>;
}

export interface Loaded {
  /** What the sources have become; undefined where all of them failed. */
  readonly extent: Extent | undefined;
  /** Why a source is not in the extent. */
  readonly failures: ReadonlyMap<Source, unknown>;
}

/**
 * Loads sources into a table as one extent. A source is in it with all of its rows or not at all, and one that fails
 * does not keep the others out. The table's other writers wait.
 *
 * @throws IngestionFailure where nothing can be loaded at all, whatever is in the sources.
 */
export function load(
  catalogue: Catalogue,
  table: StoredTable,
  sources: readonly Source[],
  how: Loading,
): Promise<Loaded> {
  return alone(table, async () => {
    refuseIfDropped(table);
    refuseIfThere(table, how.ifNotExists);
    const failures = new Map<Source, unknown>();
    let left = sources;
    while (left.length > 0) {
      const { extent, failed } = await attempt(catalogue, table, left, how);
      for (const [source, error] of failed) failures.set(source, error);
      if (extent) {
        table.extents.set(extent.id, extent);
        return { extent, failures };
      }
      left = left.filter((source) => !failed.has(source));
    }
    return { extent: undefined, failures };
  });
}

/**
 * One transaction over all of the sources, which is given up if one of them fails; the rest of them is then read all
 * the same, without being kept, so that the next attempt knows of everything that is broken.
 */
async function attempt(
  catalogue: Catalogue,
  table: StoredTable,
  sources: readonly Source[],
  how: Loading,
): Promise<{ extent: Extent | undefined; failed: Map<Source, unknown> }> {
  const failed = new Map<Source, unknown>();
  const sizes = { rows: 0, originalBytes: 0, packedBytes: 0 };
  const number = nextLoad(catalogue);
  const extent = await catalogue.store.withConnection(async (connection) => {
    await connection.run("BEGIN TRANSACTION");
    const writer = await rowWriter(catalogue.store.duckdb, connection, table, number);
    try {
      for (const source of sources) {
        const read = readSource(catalogue.store, source, table, how, failed.size === 0 ? writer : undefined);
        const size = await read.catch((error: unknown) => {
          failed.set(source, error);
        });
        for (const name of Object.keys(size ?? {}) as (keyof typeof sizes)[]) sizes[name] += size![name];
      }
      if (failed.size === 0) {
        writer.finish();
        const about = { ...sizes, tags: how.tags, createdOn: how.creationTime };
        const recorded = await recordExtent(catalogue, connection, number, about);
        await connection.run("COMMIT");
        return recorded;
      }
    } catch (error) {
      writer.abandon();
      await connection.run("ROLLBACK");
      throw error;
    }
    writer.abandon();
    await connection.run("ROLLBACK");
    return undefined;
  });
  return { extent, failed };
}

async function readSource(
  store: Store,
  source: Source,
  table: StoredTable,
  how: Loading,
  writer: RowWriter | undefined,
): Promise<{ rows: number; originalBytes: number; packedBytes: number }> {
  const blob = filesOf(source.open(), how.zipPattern, how.largestBytes);
  let count = 0;
  for await (const file of blob.files)
    for await (const rows of readRows(file, { ...how, table, store, sourcePath: source.path })) {
      refuseIfDropped(table);
      count += rows.length;
      if (writer) for (const row of rows) writer.add(row);
    }
  refuseIfDropped(table);
  if (blob.rawBytes() === 0) throw new IngestionFailure("BadRequest_EmptyBlob", "Blob is empty.");
  if (count === 0) throw new IngestionFailure("Stream_NoDataToIngest", "Found no data to ingest.");
  return { rows: count, originalBytes: blob.rawBytes(), packedBytes: blob.packedBytes() };
}

function refuseIfDropped(table: StoredTable): void {
  if (table.dropped) throw new IngestionFailure("BadRequest_TableNotExist", `Table '${table.name}' does not exist.`);
}

/** @throws IngestionFailure Skipped_IngestByTagAlreadyExists */
export function refuseIfThere(table: StoredTable, ifNotExists: readonly string[]): void {
  if (ifNotExists.length === 0) return;
  const wanted = new Set(ifNotExists.map((value) => `ingest-by:${value}`));
  for (const { tags } of table.extents.values()) {
    const present = tags.find((tag) => wanted.has(tag));
    if (present !== undefined)
      throw new IngestionFailure(
        "Skipped_IngestByTagAlreadyExists",
        `Another stream with the same ingest-by tag was already ingested: '${present}'.`,
      );
  }
}
