import type { DuckDBInstance } from "@duckdb/node-api";
import { loadOptionalPackage } from "../optional-package.ts";
import { registerFunctions } from "./functions.ts";
import { extentTables } from "./physical.ts";
import { savedTables } from "./saved.ts";
import type { Store } from "./store.ts";

/** Opens the store in a file, or in memory where none is named. */
export async function openStore(file?: string): Promise<Store> {
  const duckdb = await loadOptionalPackage("@duckdb/node-api", () => import("@duckdb/node-api"));
  const instance: DuckDBInstance = await duckdb.DuckDBInstance.create(file ?? ":memory:");
  const writer = await instance.connect();
  registerFunctions(duckdb, writer);
  await writer.run(extentTables);
  if (file !== undefined) for (const sql of savedTables) await writer.run(sql);
  let last: Promise<unknown> = Promise.resolve();
  const withConnection: Store["withConnection"] = async (use) => {
    const connection = await instance.connect();
    try {
      return await use(connection);
    } finally {
      connection.closeSync();
    }
  };
  return {
    duckdb,
    isDurable: file !== undefined,
    withConnection,
    connect: () => instance.connect(),
    transaction: (act) =>
      withConnection(async (connection) => {
        await connection.run("BEGIN TRANSACTION");
        try {
          const result = await act(connection);
          await connection.run("COMMIT");
          return result;
        } catch (error) {
          await connection.run("ROLLBACK").catch(() => {}); // a COMMIT that failed has rolled back already
          throw error;
        }
      }),
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
