import { createRequire } from "node:module";
import type { Catalogue } from "../engine/catalogue.ts";
import type { Database, StoredColumn, StoredTable } from "../engine/entities.ts";
import { KustoError, semanticError, syntaxError } from "../kusto-error.ts";
import { loadOptionalPackage } from "../optional-package.ts";
import { allowClashingNames, type BridgeRuntime } from "./clashing-names.ts";
import { type Annotations, type Completions, type EditorLanguage, editorService, type Problem } from "./editor.ts";
import { inTime, type ParserStops, stopParserInTime } from "./parse-deadline.ts";
import {
  type ColumnOrigins,
  type CommandParsing,
  type ListCutting,
  type OperatorBinding,
  quickenCommands,
  quickenLists,
  quickenOperators,
  quickenOrigins,
} from "./quick-commands.ts";
import { checkText, type LexicalToken } from "./text-bounds.ts";
import { positionText, type SyntaxNode } from "./tree.ts";

/** What we use of Kusto's own parser; the package describes itself in 30 000 lines of global types, which nobody should load. */
interface KustoLanguage extends EditorLanguage {
  readonly KustoCode: { ParseAndAnalyze(text: string, globals: unknown): ParsedCode };
  readonly GlobalState: {
    readonly Default: { WithCluster(cluster: unknown): { WithDatabase(database: unknown): unknown } };
  };
  readonly Symbols: {
    readonly ColumnSymbol: ColumnOrigins["ColumnSymbol"] &
      (new (
        name: string,
        type: unknown,
        description: null,
        originals: null,
        source: null,
        examples: null,
      ) => unknown);
    readonly TableSymbol: { readonly $ctor4: new (name: string, columns: unknown[]) => unknown };
    readonly FunctionSymbol: {
      readonly $ctor16: new (name: string, parameters: string, body: string, description: string) => unknown;
    };
    readonly ClusterSymbol: { readonly ctor: new (name: string, databases: unknown[]) => unknown };
    readonly DatabaseSymbol: { readonly ctor: new (name: string, members: unknown[]) => unknown };
    readonly ScalarTypes: { GetSymbol(name: string): unknown };
  };
  readonly Syntax: { readonly SyntaxKind: Readonly<Record<string, number>> };
  readonly Binding: OperatorBinding["Binding"];
  readonly Parsing: CommandParsing &
    ParserStops["Parsing"] & {
      readonly TokenParser: { readonly ctor: new () => Lexer };
    };
  readonly Utils: ParserStops["Utils"] & { readonly ListExtensions: ListCutting };
  readonly ParseOptions: { readonly Default: unknown };
}

interface Lexer {
  /** The token at a place; none behind the text. */
  Parse(text: string, at: number, options: unknown): (LexicalToken & { readonly Length: number }) | null;
}

interface ParsedCode {
  readonly Syntax: SyntaxNode;
  readonly Kind: string;
  GetDiagnostics(): { readonly Count: number; getItem(index: number): Diagnostic };
}

interface Diagnostic {
  readonly Code: string;
  readonly Severity: string;
  readonly Message: string;
  readonly Start: number;
  readonly Length: number;
}

/** A parsed and bound text. */
export interface Code {
  readonly text: string;
  readonly root: SyntaxNode;
}

export interface Language {
  /**
   * Parses and binds a query or command against a database's schema.
   *
   * @throws KustoError with the parser's own words and the position.
   */
  parse(text: string, catalogue: Catalogue, database: Database): Code;
  /** What an editor shows of a text that may be half written. */
  annotate(text: string, catalogue: Catalogue, database: Database): Annotations;
  /** What can be written at a place of such a text. */
  complete(text: string, at: number, catalogue: Catalogue, database: Database): Completions;
}

const mostRemembered = 100;
const longestRemembered = 1_000;

/** Loads the parser and wakes it: 0.2 s to load, and its first command takes a second and more, later ones 3 ms. */
export async function loadLanguage(): Promise<Language> {
  const kusto = await loadOptionalPackage("@kusto/language-service-next", () => {
    const require = createRequire(import.meta.url);
    // The package's main alone throws: the runtime of its compiler must be there first.
    require("@kusto/language-service-next/bridge.min.js");
    allowClashingNames((globalThis as unknown as BridgeRuntime).System.Collections.Generic);
    require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");
    return (globalThis as unknown as { Kusto: { Language: KustoLanguage } }).Kusto.Language;
  });
  nameKinds(kusto.Syntax.SyntaxKind);
  quickenCommands(kusto.Parsing);
  quickenLists(kusto.Utils);
  quickenOrigins(kusto.Symbols);
  quickenOperators(kusto);
  stopParserInTime(kusto);
  const symbolOf = tableSymbols(kusto);
  kusto.KustoCode.ParseAndAnalyze(".show version", kusto.GlobalState.Default);
  const known = new Map<Database, { version: number; globals: unknown; parsed: Map<string, Code> }>();
  const currentOf = (catalogue: Catalogue, database: Database) => {
    const before = known.get(database);
    if (before?.version === catalogue.version) return before;
    const globals = globalsOf(kusto, catalogue, database, symbolOf);
    const current = { version: catalogue.version, globals, parsed: new Map<string, Code>() };
    known.set(database, current);
    return current;
  };
  const editor = editorService(kusto);
  const tokens = (text: string) => tokensOf(kusto, text);
  /** Bounds of the text first, the parser after, and not longer than it may take. */
  const bounded = <T>(text: string, database: Database, act: () => T): T => {
    checkText(text, tokens);
    try {
      return inTime(act);
    } catch (error) {
      // What it has remembered of a parsing that broke off is not to be trusted.
      known.delete(database);
      throw error;
    }
  };
  return {
    annotate(text, catalogue, database) {
      const { globals } = currentOf(catalogue, database);
      let parsed: ParsedCode;
      try {
        parsed = bounded(text, database, () => kusto.KustoCode.ParseAndAnalyze(text, globals));
      } catch (error) {
        if (!(error instanceof KustoError)) throw error;
        return { spans: [], problems: [{ start: 0, length: 0, severity: "Error", message: error.message }] };
      }
      const problems = diagnosticsOf(parsed, text).map(
        ({ Start, Length, Severity, Message }): Problem => ({
          start: Start,
          length: Length,
          severity: Severity as Problem["severity"],
          message: Message,
        }),
      );
      return { spans: editor.spans(text, globals), problems };
    },
    complete: (text, at, catalogue, database) =>
      bounded(text, database, () => editor.completions(text, at, currentOf(catalogue, database).globals)),
    parse(text, catalogue, database) {
      const current = currentOf(catalogue, database);
      // A command takes the parser some 3 ms, a query 1 ms; clients that poll send the same text again and again.
      const before = current.parsed.get(text);
      if (before) return before;
      const parsed = bounded(text, database, () => kusto.KustoCode.ParseAndAnalyze(text, current.globals));
      refuseErrors(parsed, text);
      const code = { text, root: parsed.Syntax };
      if (current.parsed.size >= mostRemembered) current.parsed.clear();
      if (text.length <= longestRemembered) current.parsed.set(text, code);
      return code;
    },
  };
}

function* tokensOf({ Parsing, ParseOptions }: KustoLanguage, text: string): Generator<LexicalToken> {
  const lexer = new Parsing.TokenParser.ctor();
  for (let at = 0; at < text.length; ) {
    const token = lexer.Parse(text, at, ParseOptions.Default);
    if (!token || token.Length === 0) return;
    yield token;
    at += token.Length;
  }
}

const kindNames = new Map<number, string>();

function nameKinds(kinds: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(kinds)) if (typeof value === "number") kindNames.set(value, name);
}

/** The name of a node's kind, such as `FilterOperator`. */
export function kindOf(node: SyntaxNode): string {
  return kindNames.get(node.Kind) ?? `kind ${node.Kind}`;
}

type SymbolOf = (table: StoredTable) => unknown;

/** The parser's symbols of tables, made anew only where a table has changed: others may be thousands. */
function tableSymbols({ Symbols }: KustoLanguage): SymbolOf {
  const known = new WeakMap<readonly StoredColumn[], { readonly name: string; readonly symbol: unknown }>();
  return ({ name, columns }) => {
    const before = known.get(columns);
    if (before?.name === name) return before.symbol;
    const symbols = columns.map(
      (column) =>
        new Symbols.ColumnSymbol(column.name, Symbols.ScalarTypes.GetSymbol(column.kind), null, null, null, null),
    );
    const symbol = new Symbols.TableSymbol.$ctor4(name, symbols);
    known.set(columns, { name, symbol });
    return symbol;
  };
}

function globalsOf(kusto: KustoLanguage, catalogue: Catalogue, database: Database, symbolOf: SymbolOf): unknown {
  const symbols = new Map(
    [...catalogue.databases.values()].map((each) => [each, databaseSymbol(kusto, each, symbolOf)]),
  );
  const cluster = new kusto.Symbols.ClusterSymbol.ctor("cluster", [...symbols.values()]);
  return kusto.GlobalState.Default.WithCluster(cluster).WithDatabase(symbols.get(database));
}

function databaseSymbol({ Symbols }: KustoLanguage, database: Database, symbolOf: SymbolOf): unknown {
  const tables = [...database.tables.values()].map(symbolOf);
  const functions = [...database.functions.values()].map(
    ({ name, parameters, body, docString }) => new Symbols.FunctionSymbol.$ctor16(name, parameters, body, docString),
  );
  return new Symbols.DatabaseSymbol.ctor(database.name, [...tables, ...functions]);
}

/** Names that do not resolve: the service says SEM0100 of them. */
const unresolved = new Set(["KS142", "KS204", "KS143", "KS211"]);
const malformed = /^KS(00\d|17[56]|20[0-2])$/;

/** What the parser finds fault with, but for what the emulator excuses. */
function diagnosticsOf(code: ParsedCode, text: string): Diagnostic[] {
  const found = code.GetDiagnostics();
  // A command looks its table up itself: it may be one that `ifexists` or `create` excuses.
  const isCommand = text.trimStart().startsWith(".");
  const isFuzzy = /\bisfuzzy\s*=\s*true\b/i.test(text);
  // A fuzzy union goes on without the tables that are not there; anything else is found missing in the translation.
  return Array.from({ length: found.Count }, (_, index) => found.getItem(index)).filter(
    ({ Code }) => !((isCommand || isFuzzy) && unresolved.has(Code)),
  );
}

function refuseErrors(code: ParsedCode, text: string): void {
  for (const { Code, Severity, Message, Start } of diagnosticsOf(code, text)) {
    if (Severity !== "Error") continue;
    const place = positionText(text, Start);
    if (malformed.test(Code)) throw syntaxError(`SYN0002: ${Message} ${place} (${Code})`);
    if (unresolved.has(Code)) throw semanticError(`SEM0100: ${Message} ${place} (${Code})`);
    throw semanticError(`SEM0001: ${Message} ${place} (${Code})`);
  }
}

/** Refuses what the emulator does not carry, by name and place. */
export function notCarried(what: string, node: SyntaxNode, text: string): KustoError {
  return new KustoError(
    `Semantic error: SEM0999: ${what} is not supported by this emulator ${positionText(text, node.TextStart)}`,
    { type: "Kusto.Data.Exceptions.SemanticException" },
  );
}
