import type { StoredTable } from "../engine/catalogue.ts";
import { extentColumn } from "../engine/physical.ts";
import { semanticError } from "../kusto-error.ts";
import type { QueryContext } from "./context.ts";
import { scalar } from "./expressions/scalar.ts";
import { kindOf, notCarried } from "./language.ts";
import { operators } from "./operators/operators.ts";
import type { Relation } from "./relation.ts";
import { childrenOf, elementsIn, nameOf, needPart, part, positionText, type SyntaxNode } from "./tree.ts";

/** Translates a parsed query to SQL: `let` statements first, then the one tabular expression. */
export function translate(root: SyntaxNode, context: QueryContext): Relation {
  let result: Relation | undefined;
  for (const statement of elementsIn(needPart(root, "Statements"))) {
    switch (kindOf(statement)) {
      case "LetStatement":
        define(statement, context);
        break;
      case "ExpressionStatement":
        if (result) throw notCarried("a second tabular statement", statement, context.text);
        result = tabular(needPart(statement, "Expression"), context);
        break;
      default:
        throw notCarried(`the statement '${kindOf(statement)}'`, statement, context.text);
    }
  }
  if (!result) throw semanticError("SEM0003: The query has no tabular expression.");
  return result;
}

function define(statement: SyntaxNode, context: QueryContext): void {
  const name = nameOf(needPart(statement, "Name"));
  const value = needPart(statement, "Expression");
  if (kindOf(value) === "FunctionDeclaration") throw notCarried(`the function '${name}'`, value, context.text);
  context.lets.set(
    name,
    isTabular(value) ? tabular(value, context) : scalar(value, { context, columns: () => undefined }),
  );
}

function isTabular(node: SyntaxNode): boolean {
  return node.ResultType?.Columns !== undefined;
}

/** Translates a tabular expression. */
export function tabular(node: SyntaxNode, context: QueryContext): Relation {
  switch (kindOf(node)) {
    case "PipeExpression": {
      const from = tabular(needPart(node, "Expression"), context);
      return operate(needPart(node, "Operator"), from, context);
    }
    case "NameReference":
      return named(node, context);
    case "ParenthesizedExpression":
      return tabular(needPart(node, "Expression"), context);
    case "CustomCommand":
    case "UnknownCommand":
      if (context.command) return context.command;
      throw notCarried("a command within a query", node, context.text);
    case "FunctionCallExpression":
      return tableFunction(node, context);
    default:
      return operate(node, undefined, context);
  }
}

function operate(node: SyntaxNode, from: Relation | undefined, context: QueryContext): Relation {
  const kind = kindOf(node);
  const operator = operators[kind];
  if (!operator) throw notCarried(`the operator '${nameOfOperator(node)}'`, node, context.text);
  return operator(node, from, context);
}

function nameOfOperator(node: SyntaxNode): string {
  const first = childrenOf(node)[0];
  return first ? first.ToString().trim() : kindOf(node);
}

function named(node: SyntaxNode, context: QueryContext): Relation {
  const name = nameOf(node);
  const defined = context.lets.get(name);
  if (defined && "columns" in defined) return defined;
  const table = context.database.tables.get(name);
  if (table) return stored(table);
  throw semanticError(
    `SEM0100: Failed to resolve table expression named '${name}' ${positionText(context.text, node.TextStart)}`,
  );
}

/** `table("T")` and `materialize(...)`: the rest of the functions that yield tables are not carried. */
function tableFunction(node: SyntaxNode, context: QueryContext): Relation {
  const name = nameOf(needPart(node, "Name"));
  const argumentList = elementsIn(part(needPart(node, "ArgumentList"), "Expressions"));
  const first = argumentList[0];
  if (name === "materialize" && first) return tabular(first, context);
  if (name === "table" && first) {
    const table = context.database.tables.get(String(first.LiteralValue));
    if (table) return stored(table);
  }
  throw notCarried(`the function '${name}()'`, node, context.text);
}

function stored(table: StoredTable): Relation {
  return {
    sql: `SELECT ${[...table.columns.map(({ physical }) => physical), extentColumn].join(", ")} FROM ${table.physical}`,
    columns: table.columns.map(({ name, kind, physical }) => ({ name, kind, sql: physical })),
    order: undefined,
    extent: extentColumn,
  };
}
