import { randomUUID } from "node:crypto";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { Catalogue } from "./catalogue.ts";
import { extentTable, sqlText } from "./physical.ts";

/**
 * A shard of a table's rows. It never changes: what moves, merges or tags extents makes new ones, with new ids, that take
 * the place of the old ones in one transaction (documentation, "Extents (data shards)").
 */
export interface Extent {
  readonly id: string;
  /** What the hidden column of its rows says: a number for each load that went into it. */
  readonly loads: readonly number[];
  readonly rows: number;
  /** Uncompressed bytes that came in. */
  readonly originalBytes: number;
  /** Bytes as they came in. */
  readonly packedBytes: number;
  readonly tags: readonly string[];
  readonly minCreatedOn: bigint;
  readonly maxCreatedOn: bigint;
}

export interface NewExtent {
  readonly rows: number;
  readonly originalBytes: number;
  readonly packedBytes: number;
  readonly tags: readonly string[];
  /** Ticks; default now. */
  readonly createdOn?: bigint | undefined;
}

/** A number for the hidden column of the rows that are about to be loaded. */
export function nextLoad(catalogue: Catalogue): number {
  return catalogue.nextExtent++;
}

/** Writes a load down as an extent, in the transaction that writes its rows. */
export async function recordExtent(
  catalogue: Catalogue,
  connection: DuckDBConnection,
  load: number,
  { createdOn = catalogue.clock.ticks(), tags, ...sizes }: NewExtent,
): Promise<Extent> {
  const extent: Extent = {
    ...sizes,
    id: randomUUID(),
    loads: [load],
    tags: [...new Set(tags)],
    minCreatedOn: createdOn,
    maxCreatedOn: createdOn,
  };
  const values = [load, `'${extent.id}'`, sqlText(JSON.stringify(extent.tags)), catalogue.clock.ticks()];
  await connection.run(`INSERT INTO ${extentTable} VALUES (${values.join(", ")})`);
  return extent;
}
