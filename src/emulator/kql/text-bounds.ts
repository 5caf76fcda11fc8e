import { mostColumns } from "../engine/catalogue.ts";
import { KustoError } from "../kusto-error.ts";

/** A token as the parser's lexer cuts it. */
export interface LexicalToken {
  readonly Text: string;
}

/**
 * What a text may hold. The parser runs on the emulator's only thread, where nobody else gets an answer meanwhile, and
 * there is no way to take its time from it but these: it reads some 15 tokens in a millisecond, and of what is nested or
 * has many names its time grows with the square. Each bound keeps a text to a few seconds on a slow machine.
 */
export const textBounds = {
  /** UTF-16 units: a literal or a script may be long. */
  characters: 1_048_576,
  tokens: 100_000,
  /** Brackets of any kind within each other; the parser's own limit is near, and is found out after the parsing. */
  nesting: 250,
  /** `let` and other statements of a text, commands of a script included. */
  statements: 1_000,
  /** Columns that a command can name. */
  columns: mostColumns,
} as const;

const opening = new Set(["(", "[", "{"]);
const closing = new Set([")", "]", "}"]);

/** @throws KustoError where a text is more than the parser may be given: see {@link textBounds}. */
export function checkText(text: string, tokens: (text: string) => Iterable<LexicalToken>): void {
  checkLength(text);
  const namesColumns = /^\s*\.(create|alter)/i.test(text);
  let count = 0;
  let depth = 0;
  let statements = 0;
  let columns = 0;
  for (const { Text } of tokens(text)) {
    if (++count > textBounds.tokens) throw tooComplex(`it has more than ${textBounds.tokens} words and signs`);
    if (opening.has(Text) && ++depth > textBounds.nesting)
      throw tooComplex(`brackets are nested more than ${textBounds.nesting} deep`);
    if (closing.has(Text)) depth--;
    if (Text === ";" && ++statements > textBounds.statements)
      throw tooComplex(`it has more than ${textBounds.statements} statements`);
    if (Text === ":" && namesColumns && ++columns > textBounds.columns)
      throw tooComplex(`it names more than ${textBounds.columns} columns`);
  }
}

/** @throws KustoError where a text is longer than anybody should look at. */
export function checkLength(text: string): void {
  if (text.length > textBounds.characters)
    throw tooComplex(`it is ${text.length} characters long, more than ${textBounds.characters}`);
}

/** What the service says of a query that it will not take apart. */
export function tooComplex(why: string): KustoError {
  return new KustoError(
    `Request is too complex: ${why}. Split it, or ingest the data instead of writing it into a text.`,
    {
      code: "BadRequest_TooComplex",
      type: "Kusto.Data.Exceptions.KustoBadRequestException",
    },
  );
}
