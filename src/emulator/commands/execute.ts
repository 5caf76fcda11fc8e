import { type Catalogue, databaseOf } from "../engine/catalogue.ts";
import type { FailureRecord } from "../ingest/report.ts";
import type { Language } from "../kql/language.ts";
import { runQuery } from "../kql/run-query.ts";
import { checkLength } from "../kql/text-bounds.ts";
import type { Access } from "../security/access.ts";
import type { ResultTable } from "../values/result.ts";
import { forParser } from "./grammar-gaps.ts";
import { runCommand } from "./run-command.ts";

/** What texts run on. */
export interface Engine {
  readonly catalogue: Catalogue;
  readonly language: Language;
  readonly failures: FailureRecord[];
  /** The bytes of a blob, wherever it is. */
  readonly open?: (url: string) => AsyncIterable<Uint8Array>;
  /** What the caller may do; undefined where everybody may do everything. */
  readonly access?: Access | undefined;
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
  options?: Readonly<Record<string, unknown>>,
): Promise<ResultTable> {
  const { catalogue, language, failures, open, access } = engine;
  checkLength(text);
  const database = databaseOf(catalogue, databaseName);
  // Before the parser tells of tables: who knows nothing of a database learns nothing of it by errors.
  if (!isCommand(text)) access?.mayDatabase(database, "read", "read");
  const code = language.parse(forParser(text), catalogue, database);
  if (isCommand(text)) return runCommand(code, { catalogue, database, failures, language, text, open, access });
  return runQuery(code, catalogue, database, { access, options, ...(parameters && { parameters }) });
}
