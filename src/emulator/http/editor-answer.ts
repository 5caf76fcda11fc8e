import { type Engine, isCommand } from "../commands/execute.ts";
import { forParser } from "../commands/grammar-gaps.ts";
import { databaseOf } from "../engine/catalogue.ts";
import type { Database } from "../engine/entities.ts";
import type { Annotations, Problem } from "../kql/editor.ts";
import { translated } from "../kql/run-query.ts";
import { KustoError } from "../kusto-error.ts";

/** Longer texts are not for an editor, and would keep the thread. */
const longestText = 65_536;

/**
 * What the page's editor asks while somebody writes, `{"db","text"}`: colours and problems; with `"at"`, completions at
 * that place instead. Nothing runs.
 */
export function editorAnswer(engine: Engine, body: string): string {
  const { catalogue, language, access } = engine;
  const { db, text, at } = requestOf(body);
  const database = databaseOf(catalogue, db);
  // Colours and completions tell what there is.
  access?.mayDatabase(database, "read", "read");
  const seen = text.length > longestText ? "" : text;
  if (at !== undefined) return JSON.stringify(language.complete(seen, Math.min(at, seen.length), catalogue, database));
  return JSON.stringify(annotations(seen, engine, database));
}

function requestOf(body: string): { db: string; text: string; at: number | undefined } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    throw new KustoError("The request body is not JSON.", { code: "BadRequest_SyntaxError" });
  }
  const { db, text, at } = (parsed ?? {}) as { db?: unknown; text?: unknown; at?: unknown };
  if (typeof db !== "string" || typeof text !== "string")
    throw new KustoError("The request needs 'db' and 'text', both texts.");
  if (at !== undefined && !(Number.isSafeInteger(at) && (at as number) >= 0))
    throw new KustoError("The request's 'at' is not a place in the text.");
  return { db, text, at: at as number | undefined };
}

function annotations(text: string, engine: Engine, database: Database): Annotations {
  const { catalogue, language } = engine;
  const { spans, problems } = language.annotate(forParser(text), catalogue, database);
  if (isCommand(text) || text.trim() === "" || problems.some(({ severity }) => severity === "Error"))
    return { spans, problems };
  const refused = notCarriedIn(text, engine, database);
  return { spans, problems: refused ? [...problems, refused] : problems };
}

/** What Kusto would take and the emulator does not carry: the query is translated, and not run. */
function notCarriedIn(text: string, { catalogue, language, access }: Engine, database: Database): Problem | undefined {
  try {
    translated(language.parse(text, catalogue, database), catalogue, database, { access });
    return undefined;
  } catch (error) {
    if (!(error instanceof KustoError)) throw error;
    const start = placeIn(text, error.message);
    const length = /^\S?\w*/.exec(text.slice(start))![0].length;
    return { start, length, severity: "Error", message: error.message };
  }
}

/** The offset that a refusal names as `[line:position=2:5]`; the text's beginning where it names none. */
function placeIn(text: string, message: string): number {
  const named = /\[line:position=(\d+):(\d+)\]/.exec(message);
  if (!named) return text.length - text.trimStart().length;
  const before = text.split("\n", Number(named[1]) - 1);
  return before.join("\n").length + (before.length > 0 ? 1 : 0) + Number(named[2]) - 1;
}
