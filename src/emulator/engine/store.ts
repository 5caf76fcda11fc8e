import type { DuckDBConnection } from "@duckdb/node-api";

export type DuckDB = typeof import("@duckdb/node-api");

/** The table store: DuckDB, in memory or in a file. Rows live in physical tables with made-up names; the catalogue knows what they mean. */
export interface Store {
  readonly duckdb: DuckDB;
  /** Whether it outlives the process, so that the catalogue must be written down as well. */
  readonly isDurable: boolean;
  /** Runs `use` on a connection of its own. */
  withConnection<T>(use: (connection: DuckDBConnection) => Promise<T>): Promise<T>;
  /** Runs one statement that changes the store; such statements run one after another. */
  change(sql: string): Promise<void>;
  /** A connection of one's own, for whoever closes it. */
  connect(): Promise<DuckDBConnection>;
  /** Runs `act` as one transaction on a connection of its own: all of it, or nothing when it throws. */
  transaction<T>(act: (connection: DuckDBConnection) => Promise<T>): Promise<T>;
  close(): void;
}
