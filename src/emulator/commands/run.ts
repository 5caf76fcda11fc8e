import type { Catalogue } from "../engine/catalogue.ts";
import type { Database } from "../engine/entities.ts";
import type { OperationResult } from "../engine/operations.ts";
import type { FailureRecord } from "../ingest/report.ts";
import { type Code, kindOf, type Language, notCarried } from "../kql/language.ts";
import type { Relation } from "../kql/relation.ts";
import { runQuery, translated } from "../kql/run.ts";
import { elementsIn, needPart, resultColumns, type SyntaxNode, sourceOf } from "../kql/tree.ts";
import type { Access } from "../security/access.ts";
import { authorizeCommand, ownNewEntities } from "../security/command-rights.ts";
import { type ResultTable, resultTable } from "../values/result.ts";
import type { Stored } from "../values/stored.ts";
import { columnCommands } from "./columns.ts";
import { databaseCommands } from "./databases.ts";
import { extentCommands } from "./extents.ts";
import { functionCommands } from "./functions.ts";
import { blank, forParser } from "./grammar-gaps.ts";
import { queryIngestionCommands } from "./ingest-from-query.ts";
import { storageIngestionCommands } from "./ingest-from-storage.ts";
import { inlineCommands } from "./ingest-inline.ts";
import { ingestionBatchingCommands } from "./ingestion-batching.ts";
import { ingestionFailureCommands } from "./ingestion-failures.ts";
import { mappingCommands } from "./mappings.ts";
import { operationCommands } from "./operations.ts";
import { policyCommands } from "./policies.ts";
import { relationOf } from "./result-relation.ts";
import { roleCommands } from "./roles.ts";
import { scriptCommands } from "./scripts.ts";
import { showCommands } from "./show.ts";
import type { Span } from "./syntax.ts";
import { tableCommands } from "./tables.ts";

/** What commands stand on. */
export interface CommandGround {
  readonly catalogue: Catalogue;
  readonly database: Database;
  readonly failures: FailureRecord[];
  readonly language: Language;
  readonly text: string;
  /** The bytes of a blob, wherever it is; undefined where the engine stands alone. */
  readonly open?: ((url: string) => AsyncIterable<Uint8Array>) | undefined;
  /** What the caller may do; undefined where everybody may do everything. */
  readonly access?: Access | undefined;
}

/** What a command works on. */
export interface CommandContext extends CommandGround {
  /** The result of the query, or of the `.show` command in its place, that stands there in the command's text. */
  query(span: Span): Promise<Relation>;
  /** Runs another command, and answers with the parser's name for it. */
  command(text: string): Promise<string>;
}

/**
 * Acts, and answers with rows of values in the order of the columns that the parser declares for the command; or, where
 * it declares none, with columns of its own.
 */
export type Command = (
  node: SyntaxNode,
  context: CommandContext,
) => Promise<Stored[][] | OperationResult> | Stored[][] | OperationResult;

/** Commands by the name that the parser gives them. */
const commands: Readonly<Record<string, Command | undefined>> = {
  ...tableCommands,
  ...columnCommands,
  ...databaseCommands,
  ...functionCommands,
  ...scriptCommands,
  ...showCommands,
  ...mappingCommands,
  ...inlineCommands,
  ...storageIngestionCommands,
  ...ingestionBatchingCommands,
  ...ingestionFailureCommands,
  ...extentCommands,
  ...queryIngestionCommands,
  ...operationCommands,
  ...policyCommands,
  ...roleCommands,
};

interface Ran extends OperationResult {
  readonly name: string;
  /** Whether a query goes on behind the command. */
  readonly isPiped: boolean;
}

async function run(code: Code, context: CommandGround, isAllowed = (_name: string) => true): Promise<Ran> {
  const statement = elementsIn(needPart(code.root, "Statements"))[0]!;
  const expression = needPart(statement, "Expression");
  const node = commandIn(expression);
  const name = node.ReferencedSymbol?.Name ?? "";
  const command = commands[name];
  if (!command || kindOf(node) !== "CustomCommand" || !isAllowed(name))
    throw notCarried(`the command '${wordsOf(node, context.text)}'`, node, context.text);
  const { access } = context;
  const asked = access && { access, catalogue: context.catalogue, database: context.database, node };
  if (asked) authorizeCommand(name, asked);
  const own = asked && ownNewEntities(name, asked);
  const answer = await command(node, {
    ...context,
    query: (span) => nestedQuery(context, span),
    command: (text) => nestedCommand(context, text),
  });
  await own?.();
  const isPiped = node !== expression;
  return Array.isArray(answer)
    ? { name, columns: resultColumns(node), rows: answer, isPiped }
    : { ...answer, name, isPiped };
}

/** Runs a parsed command, and the query behind its pipe if there is one. */
export async function runCommand(code: Code, context: CommandGround): Promise<ResultTable> {
  const { columns, rows, isPiped } = await run(code, context);
  if (!isPiped) return resultTable(columns, rows);
  const { catalogue, database, access } = context;
  return runQuery(code, catalogue, database, { command: relationOf(columns, rows), access });
}

async function nestedCommand(context: CommandGround, text: string): Promise<string> {
  const code = context.language.parse(forParser(text), context.catalogue, context.database);
  return (await run(code, { ...context, text })).name;
}

async function nestedQuery(context: CommandGround, { from, to }: Span): Promise<Relation> {
  // What comes before becomes blanks, so that a refusal names the place in the text that was sent.
  const text = blank(context.text.slice(0, from)) + context.text.slice(from, to);
  const code = context.language.parse(forParser(text), context.catalogue, context.database);
  const { catalogue, database, access } = context;
  if (!/^\s*\./.test(text)) {
    access?.mayDatabase(database, "read", "read");
    return translated(code, catalogue, database, { access });
  }
  const { columns, rows, isPiped } = await run(code, { ...context, text }, (name) => name.startsWith("Show"));
  const relation = relationOf(columns, rows);
  return isPiped ? translated(code, catalogue, database, { command: relation, access }) : relation;
}

/** The command at the head of a pipe. */
function commandIn(node: SyntaxNode): SyntaxNode {
  return kindOf(node) === "PipeExpression" ? commandIn(needPart(node, "Expression")) : node;
}

/** The first words of a command, for a refusal. */
function wordsOf(node: SyntaxNode, text: string): string {
  return sourceOf(node, text).split(/\s+/).slice(0, 6).join(" ");
}
