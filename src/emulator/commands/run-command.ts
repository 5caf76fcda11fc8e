import type { OperationResult } from "../engine/operations.ts";
import { type Code, kindOf, notCarried } from "../kql/language.ts";
import type { Relation } from "../kql/relation.ts";
import { runQuery, translated } from "../kql/run-query.ts";
import { elementsIn, needPart, resultColumns, type SyntaxNode, sourceOf } from "../kql/tree.ts";
import { type ResultTable, resultTable } from "../values/result.ts";
import type { CommandGround } from "./command.ts";
import { authorizeCommand, ownNewEntities } from "./command-rights.ts";
import { commands } from "./commands.ts";
import { blank, forParser } from "./grammar-gaps.ts";
import { relationOf } from "./result-relation.ts";
import type { Span } from "./syntax.ts";

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
