import type { DuckDBAppender, DuckDBConnection, DuckDBType } from "@duckdb/node-api";
import { inPhysicalOrder } from "../engine/catalogue.ts";
import type { StoredTable } from "../engine/entities.ts";
import { physicalType } from "../engine/physical.ts";
import type { DuckDB } from "../engine/store.ts";
import type { Stored } from "../values/stored.ts";

/** Collects rows by column and hands them to DuckDB's appender a vector at a time. */
export interface RowWriter {
  readonly rows: number;
  /** One array per column of the table; the writer takes the values over. */
  add(values: readonly Stored[]): void;
  finish(): void;
  /** Forgets what DuckDB has not been given yet: a forgotten appender would write it when it is collected. */
  abandon(): void;
}

interface WritableVector {
  setItem(index: number, value: Stored): void;
  flush(): void;
}

export async function rowWriter(
  duckdb: DuckDB,
  connection: DuckDBConnection,
  table: StoredTable,
  extentNumber: number,
): Promise<RowWriter> {
  const inOrder = inPhysicalOrder(table.columns);
  const types: DuckDBType[] = [duckdb.INTEGER, ...inOrder.map(({ kind }) => duckdb[physicalType[kind]])];
  const placeOf = new Map(inOrder.map((column, place) => [column, place]));
  const places = table.columns.map((column) => placeOf.get(column)! + 1);
  const capacity = duckdb.DuckDBVector.standardSize();
  const appender: DuckDBAppender = await connection.createAppender(table.physical);
  const columns = table.columns.map((): Stored[] => new Array(capacity));
  let filled = 0;
  let rows = 0;
  const flush = () => {
    if (filled === 0) return;
    const chunk = duckdb.DuckDBDataChunk.create(types, filled);
    columns.forEach((values, index) => {
      fill(chunk.getColumnVector(places[index]!) as unknown as WritableVector, values, filled);
    });
    const extents = chunk.getColumnVector(0) as unknown as WritableVector;
    for (let row = 0; row < filled; row++) extents.setItem(row, extentNumber);
    extents.flush();
    appender.appendDataChunk(chunk);
    filled = 0;
  };
  return {
    get rows() {
      return rows;
    },
    add(values) {
      for (let index = 0; index < columns.length; index++) columns[index]![filled] = values[index]!;
      filled++;
      rows++;
      if (filled === capacity) flush();
    },
    finish() {
      flush();
      appender.closeSync();
    },
    abandon() {
      appender.clear();
      appender.closeSync();
    },
  };
}

function fill(vector: WritableVector, values: readonly Stored[], count: number): void {
  for (let row = 0; row < count; row++) vector.setItem(row, values[row]!);
  vector.flush();
}
