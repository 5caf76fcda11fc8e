import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import type { ChildPlan } from "./points.ts";
import type { CrashService } from "./service.ts";

/** A folder, read by DuckDB. */
export async function filesService(): Promise<CrashService> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();

  async function read(sql: string): Promise<unknown[][]> {
    return (await connection.runAndReadAll(sql)).getRowsJson();
  }

  return {
    url: "",
    database: "",
    async create() {},
    async drop() {},
    async addColumn() {},
    async counts({ into, format, layout }) {
      const found: string[] = [];
      for (const extension of [format, `${format}.gz`])
        for (const [file] of await read(`FROM glob(${text(`${into}/**/*.${extension}`)})`)) found.push(String(file));
      if (found.length === 0) return new Map();
      const files = `[${found.map(text).join(", ")}]`;
      const columns = "columns = {'id': 'BIGINT', 'text': 'VARCHAR', 'shelf': 'VARCHAR'}, hive_partitioning = false";
      const rows =
        format === "csv"
          ? `read_csv(${files}, ${columns}, header = ${layout.header}, auto_detect = false, delim = ',', quote = '"', escape = '"')`
          : `read_json(${files}, ${columns}, format = 'newline_delimited')`;
      const counts = await read(`SELECT id, count(*) FROM ${rows} GROUP BY id`);
      return new Map(counts.map(([id, n]) => [Number(id), Number(n)]));
    },
    newestEpoch: ({ into }: ChildPlan) => newestClaimed(into),
    play() {
      throw new Error("a folder has no faults to play");
    },
    clearFaults() {},
    async close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** Killed behind a claim, a writer leaves no row in sight, and the epoch is decided on. */
async function newestClaimed(into: string): Promise<number> {
  const names = await readdir(into, { recursive: true }).catch(() => []);
  let newest = 0;
  for (const name of names) {
    if (!/claim-\d+\.json$/.test(name)) continue;
    const { epoch } = JSON.parse(await readFile(join(into, name), "utf8")) as { epoch: number };
    newest = Math.max(newest, epoch);
  }
  return newest;
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
