import assert from "node:assert/strict";
import { type Catalogue, createCatalogue, createTable, databaseOf } from "../../../src/emulator/engine/catalogue.ts";
import { openStore } from "../../../src/emulator/engine/open-store.ts";
import { ingest } from "../../../src/emulator/ingest/ingest.ts";
import { loadLanguage } from "../../../src/emulator/kql/language.ts";
import { runQuery } from "../../../src/emulator/kql/run-query.ts";
import { KustoError } from "../../../src/emulator/kusto-error.ts";
import type { ResultTable } from "../../../src/emulator/values/result.ts";
import type { Kind } from "../../../src/schema/kinds.ts";

/** Store, catalogue and parser without the rest of an emulator: nothing listens, and no Azurite is started. */
export interface Engine {
  readonly catalogue: Catalogue;
  query(text: string, parameters?: ReadonlyMap<string, string>): Promise<ResultTable>;
  /** The answer in the shape that tables of expectations are written in. */
  ask(text: string): Promise<{ columns: string; rows: string }>;
  refusal(text: string): Promise<KustoError>;
  /** Adds CSV rows to a table, which is made of `name:kind, ...` if it is not there. */
  table(name: string, columns: string, csv: string, tags?: string[], database?: string): Promise<void>;
  close(): void;
}

export async function startEngine(databases: readonly string[] = ["demo"]): Promise<Engine> {
  const [store, language] = [await openStore(), await loadLanguage()];
  const catalogue = createCatalogue(store, databases);
  const database = databaseOf(catalogue, databases[0]!);
  const query: Engine["query"] = async (text, parameters) =>
    runQuery(language.parse(text, catalogue, database), catalogue, database, parameters ? { parameters } : {});
  return {
    catalogue,
    query,
    async ask(text) {
      const { columns, rows } = await query(text);
      return { columns: columns.map(({ name, kind }) => `${name}:${kind}`).join(","), rows: `[${rows.join(",")}]` };
    },
    async refusal(text) {
      try {
        await query(text);
      } catch (error) {
        if (error instanceof KustoError) return error;
        throw error;
      }
      return assert.fail(`not refused: ${text}`);
    },
    async table(name, columns, csv, tags = [], inDatabase = databases[0]!) {
      const place = databaseOf(catalogue, inDatabase);
      const described = columns.split(/\s*,\s*/).map((column) => {
        const cut = column.lastIndexOf(":");
        return { name: column.slice(0, cut), kind: column.slice(cut + 1) as Kind };
      });
      if (!place.tables.has(name)) await createTable(catalogue, place, name, described);
      async function* bytes(): AsyncGenerator<Uint8Array> {
        yield Buffer.from(csv, "utf8");
      }
      const request = { database: inDatabase, table: name, format: "csv", tags, ifNotExists: [] };
      await ingest(catalogue, request, bytes());
    },
    close: () => store.close(),
  };
}
