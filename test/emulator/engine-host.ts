import { execute } from "../../src/emulator/commands/execute.ts";
import { type Catalogue, createCatalogue } from "../../src/emulator/engine/catalogue.ts";
import { openStore } from "../../src/emulator/engine/open-store.ts";
import type { FailureRecord } from "../../src/emulator/ingest/report.ts";
import { loadLanguage } from "../../src/emulator/kql/language.ts";
import type { Answered } from "./ask.ts";

/** The engine without storage and HTTP: it starts in a fraction of the time. */
export interface EngineHost {
  readonly catalogue: Catalogue;
  /** Runs a text; columns as `name:type,...`, rows as JSON text. */
  ask(text: string, database?: string): Promise<Answered>;
  /** The rows, parsed. */
  rows(text: string, database?: string): Promise<unknown[][]>;
  /** Rows as objects. */
  records(text: string, database?: string): Promise<Record<string, unknown>[]>;
  close(): void;
}

export async function engineHost(databases: readonly string[] = ["demo"]): Promise<EngineHost> {
  const store = await openStore();
  const language = await loadLanguage();
  const catalogue = createCatalogue(store, databases);
  const failures: FailureRecord[] = [];
  const run = (text: string, database = databases[0]!) => execute({ catalogue, language, failures }, database, text);
  const rows = async (text: string, database?: string) => {
    const answer = await run(text, database);
    return answer.rows.map((row) => JSON.parse(row) as unknown[]);
  };
  return {
    catalogue,
    async ask(text, database) {
      const answer = await run(text, database);
      return {
        columns: answer.columns.map(({ name, kind }) => `${name}:${kind}`).join(","),
        rows: `[${answer.rows.join(",")}]`,
      };
    },
    rows,
    async records(text, database) {
      const { columns, rows: all } = await run(text, database);
      return all.map((row) => {
        const values = JSON.parse(row) as unknown[];
        return Object.fromEntries(columns.map(({ name }, index) => [name, values[index]]));
      });
    },
    close: () => store.close(),
  };
}
