import type { Catalogue, Database } from "../engine/catalogue.ts";
import { type ResultTable, resultTable } from "../http/result.ts";
import type { FailureRecord } from "../ingest/report.ts";
import type { Stored } from "../ingest/text-values.ts";
import { type Code, kindOf, type Language, notCarried } from "../kql/language.ts";
import { runQuery } from "../kql/run.ts";
import { elementsIn, needPart, resultColumns, type SyntaxNode, sourceOf } from "../kql/tree.ts";
import { inlineCommands } from "./ingest-inline.ts";
import { ingestionBatchingCommands } from "./ingestion-batching.ts";
import { mappingCommands } from "./mappings.ts";
import { relationOf } from "./result-relation.ts";
import { showCommands } from "./show.ts";
import { tableCommands } from "./tables.ts";

/** What a command works on. */
export interface CommandContext {
  readonly catalogue: Catalogue;
  readonly database: Database;
  readonly failures: readonly FailureRecord[];
  readonly language: Language;
  readonly text: string;
}

/** Acts, and answers with rows of values in the order of the columns that the parser declares for the command. */
export type Command = (node: SyntaxNode, context: CommandContext) => Promise<Stored[][]> | Stored[][];

/** Commands by the name that the parser gives them. */
const commands: Readonly<Record<string, Command | undefined>> = {
  ...tableCommands,
  ...showCommands,
  ...mappingCommands,
  ...inlineCommands,
  ...ingestionBatchingCommands,
};

/** Runs a parsed command, and the query behind its pipe if there is one. */
export async function runCommand(code: Code, context: CommandContext): Promise<ResultTable> {
  const statement = elementsIn(needPart(code.root, "Statements"))[0]!;
  const node = commandIn(needPart(statement, "Expression"));
  const name = node.ReferencedSymbol?.Name ?? "";
  const command = commands[name];
  if (!command || kindOf(node) !== "CustomCommand")
    throw notCarried(`the command '${wordsOf(node, code.text)}'`, node, code.text);
  const rows = await command(node, context);
  const columns = resultColumns(node);
  if (node === needPart(statement, "Expression")) return resultTable(columns, rows);
  return runQuery(code, context.catalogue, context.database, relationOf(columns, rows));
}

/** The command at the head of a pipe. */
function commandIn(node: SyntaxNode): SyntaxNode {
  return kindOf(node) === "PipeExpression" ? commandIn(needPart(node, "Expression")) : node;
}

/** The first words of a command, for a refusal. */
function wordsOf(node: SyntaxNode, text: string): string {
  return sourceOf(node, text).split(/\s+/).slice(0, 4).join(" ");
}
