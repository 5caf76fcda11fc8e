import { alone, type Catalogue, type StoredTable } from "../engine/catalogue.ts";
import { type Extent, nextLoad, recordExtent } from "../engine/extents.ts";
import { textOf } from "./bytes.ts";
import { IngestionFailure } from "./failure.ts";
import { type ReadingOptions, readRows } from "./record-reader.ts";
import { rowWriter } from "./row-writer.ts";

export interface Loading extends Omit<ReadingOptions, "table"> {
  readonly tags: readonly string[];
  /** Values of `ingest-by:` tags: if an extent bears one of them, nothing is loaded. */
  readonly ifNotExists: readonly string[];
}

/**
 * Loads one source into a table as one extent: all of its rows, or none. The table's other writers wait.
 *
 * @throws IngestionFailure with the service's code.
 */
export function load(
  catalogue: Catalogue,
  table: StoredTable,
  bytes: AsyncIterable<Uint8Array>,
  how: Loading,
): Promise<Extent> {
  return alone(table, async () => {
    if (table.dropped) throw new IngestionFailure("BadRequest_TableNotExist", `Table '${table.name}' does not exist.`);
    refuseIfThere(table, how.ifNotExists);
    const loading = nextLoad(catalogue);
    const extent = await catalogue.store.withConnection(async (connection) => {
      const text = textOf(bytes);
      await connection.run("BEGIN TRANSACTION");
      const writer = await rowWriter(catalogue.store.duckdb, connection, table, loading);
      try {
        for await (const rows of readRows(text.pieces, { ...how, table })) for (const row of rows) writer.add(row);
        if (text.rawBytes() === 0) throw new IngestionFailure("BadRequest_EmptyBlob", "Blob is empty.");
        if (writer.rows === 0) throw new IngestionFailure("Stream_NoDataToIngest", "Found no data to ingest.");
        writer.finish();
        const sizes = { rows: writer.rows, originalBytes: text.rawBytes(), packedBytes: text.packedBytes() };
        const recorded = await recordExtent(catalogue, connection, loading, { ...sizes, tags: how.tags });
        await connection.run("COMMIT");
        return recorded;
      } catch (error) {
        writer.abandon();
        await connection.run("ROLLBACK");
        throw error;
      }
    });
    table.extents.set(extent.id, extent);
    return extent;
  });
}

function refuseIfThere(table: StoredTable, ifNotExists: readonly string[]): void {
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
