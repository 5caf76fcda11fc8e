import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCatalogue, createTable, databaseOf } from "../../src/emulator/engine/catalogue.ts";
import { openStore } from "../../src/emulator/engine/open-store.ts";
import { ingest } from "../../src/emulator/ingest/ingest.ts";
import { loadLanguage } from "../../src/emulator/kql/language.ts";
import { runQuery } from "../../src/emulator/kql/run-query.ts";
import { isKind } from "../../src/schema/kinds.ts";
import { eventColumns, eventsCsv } from "./events.ts";

/** The same events in the emulator's engine and in a DuckDB of one's own. */
export interface Race {
  /** Milliseconds for each side and their answers, one after the other. */
  kql(text: string): Promise<Answer>;
  sql(text: string): Promise<Answer>;
  close(): void;
}

export interface Answer {
  readonly milliseconds: number;
  readonly rows: readonly (readonly unknown[])[];
}

export async function openRace(count: number): Promise<Race> {
  const csv = eventsCsv(count);
  const [store, language] = [await openStore(), await loadLanguage()];
  const catalogue = createCatalogue(store, ["bench"]);
  const database = databaseOf(catalogue, "bench");
  const columns = eventColumns.flatMap(({ name, kind }) => (isKind(kind) ? [{ name, kind }] : []));
  await createTable(catalogue, database, "E", columns);
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(csv, "utf8");
  }
  await ingest(catalogue, { database: "bench", table: "E", format: "csv", tags: [], ifNotExists: [] }, bytes());
  const plain = await store.duckdb.DuckDBInstance.create(":memory:");
  const connection = await plain.connect();
  await loadPlain((sql) => connection.run(sql), csv);
  return {
    async kql(text) {
      const begin = performance.now();
      const { rows } = await runQuery(language.parse(text, catalogue, database), catalogue, database);
      const milliseconds = performance.now() - begin;
      return { milliseconds, rows: rows.map((row) => JSON.parse(row) as unknown[]) };
    },
    async sql(text) {
      const begin = performance.now();
      const rows = await (await connection.runAndReadAll(text)).getRowsJson();
      return { milliseconds: performance.now() - begin, rows };
    },
    close() {
      connection.closeSync();
      plain.closeSync();
      store.close();
    },
  };
}

async function loadPlain(run: (sql: string) => Promise<unknown>, csv: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-bench-"));
  try {
    const file = join(folder, "events.csv");
    await writeFile(file, csv);
    const types = eventColumns.map(({ name, type }) => `'${name}': '${type}'`).join(", ");
    await run(
      `CREATE TABLE e AS SELECT * FROM read_csv('${file.replaceAll("'", "''")}', auto_detect=false, header=false, delim=',', quote='"', escape='"', columns={${types}})`,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * An answer in one form for both sides: datetimes as ISO 8601, whole numbers as numbers, reals to nine digits (sums depend on the order of
 * the rows), JSON parsed, and rows sorted where their order is not part of the answer.
 */
export function comparable(rows: readonly (readonly unknown[])[], isOrdered: boolean): string[] {
  const texts = rows.map((row) => JSON.stringify(row.map(plainValue)));
  return isOrdered ? texts : texts.sort();
}

function plainValue(value: unknown): unknown {
  if (typeof value === "number") return Number(value.toPrecision(9));
  if (typeof value === "object" && value !== null) return JSON.stringify(value);
  if (typeof value !== "string") return value;
  if (/^\d{4}-\d\d-\d\d[ T][\d:.]+Z?$/.test(value))
    return new Date(`${value.replace(" ", "T").replace("Z", "")}Z`).toISOString();
  // DuckDB's JSON has 64-bit integers as texts, and Kusto's timespan of a day of the week counts days.
  if (/^-?\d+$/.test(value)) return Number(Number(value).toPrecision(9));
  const days = /^(\d)\.00:00:00$|^00:00:00$/.exec(value);
  return days ? Number(days[1] ?? 0) : value;
}
