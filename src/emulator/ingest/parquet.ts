import { createWriteStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { DuckDBConnection } from "@duckdb/node-api";
import { sqlText } from "../engine/physical.ts";
import type { Store } from "../engine/store.ts";
import { IngestionFailure } from "../ingestion-failure.ts";
import type { JsonRecord } from "./json.ts";

/**
 * The records of a Parquet file, as property bags. DuckDB reads files and no streams, so the file goes to the temporary
 * folder for the time of the reading.
 *
 * @param base64 Names of binary columns that are wanted as base64 and not as text.
 * @throws IngestionFailure BadRequest_InvalidBlob.
 */
export async function* parquetRecords(
  file: AsyncIterable<Uint8Array>,
  store: Store,
  base64: ReadonlySet<string>,
): AsyncGenerator<JsonRecord[]> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-parquet-"));
  const path = join(folder, "file.parquet");
  const connection = await store.connect();
  try {
    await pipeline(Readable.from(file), createWriteStream(path));
    if ((await stat(path)).size > 0) yield* records(connection, path, base64);
  } finally {
    connection.closeSync();
    await rm(folder, { recursive: true, force: true });
  }
}

async function* records(
  connection: DuckDBConnection,
  path: string,
  base64: ReadonlySet<string>,
): AsyncGenerator<JsonRecord[]> {
  const from = `read_parquet(${sqlText(path)})`;
  const columns = await readable(connection.runAndReadAll(`DESCRIBE SELECT * FROM ${from}`));
  const values = columns.getRows().map(([name, type]) => selected(String(name), String(type), base64));
  const result = await readable(connection.stream(`SELECT to_json(struct_pack(${values.join(", ")})) FROM ${from}`));
  for (;;) {
    const chunk = await readable(result.fetchChunk());
    if (!chunk || chunk.rowCount === 0) return;
    yield chunk.getColumnValues(0).map((text) => ({ text: String(text), value: JSON.parse(String(text)) }));
  }
}

/** Bytes are text or base64; what JSON has no number for is text; the rest DuckDB writes as we read it. */
function selected(name: string, type: string, base64: ReadonlySet<string>): string {
  const column = `"${name.replaceAll('"', '""')}"`;
  if (type === "BLOB") return `${column} := ${base64.has(name) ? `base64(${column})` : `try(decode(${column}))`}`;
  if (type === "DOUBLE" || type === "FLOAT")
    return `${column} := CASE WHEN isfinite(${column}) THEN to_json(${column}) ELSE to_json(${column}::VARCHAR) END`;
  return `${column} := ${column}`;
}

async function readable<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    // Our copy of the file has a name that says nothing to anybody.
    const why = (error as Error).message.split("\n")[0]!.replace(/'[^']*file\.parquet'/, "it");
    throw new IngestionFailure("BadRequest_InvalidBlob", `Blob is invalid: ${why}`);
  }
}
