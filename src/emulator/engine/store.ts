import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { optionalPackage } from "../optional-package.ts";
import { registerFunctions } from "./functions.ts";

export type DuckDB = typeof import("@duckdb/node-api");

/** The table store: DuckDB, in memory. Rows live in physical tables with made-up names; the catalogue knows what they mean. */
export interface Store {
  readonly duckdb: DuckDB;
  /** Runs `use` on a connection of its own. */
  withConnection<T>(use: (connection: DuckDBConnection) => Promise<T>): Promise<T>;
  /** Runs one statement that changes the store; such statements run one after another. */
  change(sql: string): Promise<void>;
  close(): void;
}

export async function openStore(): Promise<Store> {
  const duckdb = await optionalPackage("@duckdb/node-api", () => import("@duckdb/node-api"));
  const instance: DuckDBInstance = await duckdb.DuckDBInstance.create(":memory:");
  const writer = await instance.connect();
  registerFunctions(duckdb, writer);
  let last: Promise<unknown> = Promise.resolve();
  return {
    duckdb,
    async withConnection(use) {
      const connection = await instance.connect();
      try {
        return await use(connection);
      } finally {
        connection.closeSync();
      }
    },
    change(sql) {
      const run = last.then(() => writer.run(sql));
      last = run.catch(() => {});
      return run.then(() => {});
    },
    close() {
      writer.closeSync();
      instance.closeSync();
    },
  };
}
