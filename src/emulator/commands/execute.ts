import { type Catalogue, databaseOf } from "../engine/catalogue.ts";
import type { ResultTable } from "../http/result.ts";
import type { FailureRecord } from "../ingest/report.ts";
import type { Language } from "../kql/language.ts";
import { runQuery } from "../kql/run.ts";
import { forParser } from "./grammar-gaps.ts";
import { runCommand } from "./run.ts";

/** What texts run on. */
export interface Engine {
  readonly catalogue: Catalogue;
  readonly language: Language;
  readonly failures: FailureRecord[];
  /** The bytes of a blob, wherever it is. */
  readonly open?: (url: string) => AsyncIterable<Uint8Array>;
}

export const isCommand = (text: string) => /^\s*\./.test(text);

/**
 * Runs a query or a command; commands begin with a dot, whatever the endpoint.
 *
 * @throws KustoError
 */
export async function execute(
  engine: Engine,
  databaseName: string,
  text: string,
  parameters?: ReadonlyMap<string, string>,
): Promise<ResultTable> {
  const { catalogue, language, failures, open } = engine;
  const database = databaseOf(catalogue, databaseName);
  const code = language.parse(forParser(text), catalogue, database);
  if (isCommand(text)) return runCommand(code, { catalogue, database, failures, language, text, open });
  return runQuery(code, catalogue, database, parameters ? { parameters } : {});
}
