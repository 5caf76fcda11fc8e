import { databaseOf } from "../engine/catalogue.ts";
import type { StoredTable } from "../engine/entities.ts";
import { extentColumn } from "../engine/physical.ts";
import { semanticError } from "../kusto-error.ts";
import { calledBody, relationOfCall } from "./calls.ts";
import { checkSql, commonRelation, isRelation, type QueryContext } from "./context.ts";
import { kindOf, notCarried } from "./language.ts";
import { checkParameters } from "./operators/operator.ts";
import { operators } from "./operators/operators.ts";
import type { Relation } from "./relation.ts";
import { argumentsIn, childrenOf, nameOf, needPart, positionText, type SyntaxNode, textOf } from "./tree.ts";

/**
 * Translates a tabular expression. The emulator's one recursion between files passes through here, because the language is
 * recursive: tabular() calls the operators, an operator calls scalar() for its expressions, and scalar() calls tabular()
 * again for `toscalar(T | count)`, `x in (T)` and the user's functions (calls.ts, query.ts, parameters.ts).
 * `textBounds.nesting` and the depth of calls in calls.ts bound it.
 */
export function tabular(node: SyntaxNode, context: QueryContext): Relation {
  switch (kindOf(node)) {
    case "PipeExpression":
      return piped(node, context);
    case "NameReference":
      return named(node, context);
    case "ParenthesizedExpression":
      return tabular(needPart(node, "Expression"), context);
    case "MaterializeExpression":
      return commonRelation(tabular(needPart(node, "Expression"), context), context, true);
    case "CustomCommand":
    case "UnknownCommand":
      if (context.command) return context.command;
      throw notCarried("a command within a query", node, context.text);
    case "FunctionCallExpression":
      return tableFunction(node, context);
    case "PathExpression":
      return elsewhere(node, context);
    default:
      return operate(node, undefined, context);
  }
}

/** A pipe of any length, without a stack frame for each of its operators. */
function piped(node: SyntaxNode, context: QueryContext): Relation {
  const steps: SyntaxNode[] = [];
  let head = node;
  for (; kindOf(head) === "PipeExpression"; head = needPart(head, "Expression")) steps.push(needPart(head, "Operator"));
  let relation = tabular(head, context);
  for (const step of steps.reverse()) relation = operate(step, relation, context);
  return relation;
}

/** Translates one operator over what comes through its pipe. */
export function operate(node: SyntaxNode, from: Relation | undefined, context: QueryContext): Relation {
  const operator = operators[kindOf(node)];
  if (!operator) throw notCarried(`the operator '${nameOfOperator(node)}'`, node, context.text);
  checkParameters(node, context);
  return checkSql(operator(node, from, context));
}

function nameOfOperator(node: SyntaxNode): string {
  // The first word: `top-nested` begins with a list of its clauses.
  let first = node;
  for (let next = childrenOf(first)[0]; next; next = childrenOf(first)[0]) first = next;
  return first === node ? kindOf(node) : textOf(first);
}

function named(node: SyntaxNode, context: QueryContext): Relation {
  const name = nameOf(node);
  const defined = context.lets.get(name);
  if (defined && isRelation(defined)) return defined;
  const body = calledBody(node, context);
  if (body) return { ...relationOfCall(node, body, context), source: name };
  const table = context.database.tables.get(name);
  if (table) return stored(table, context);
  throw semanticError(
    `SEM0100: Failed to resolve table expression named '${name}' ${positionText(context.text, node.TextStart)}`,
  );
}

/** `database("d").T`, also behind `cluster("c")`, which is always this one. */
function elsewhere(node: SyntaxNode, context: QueryContext): Relation {
  const place = needPart(node, "Expression");
  const call = kindOf(place) === "PathExpression" ? needPart(place, "Selector") : place;
  const first = argumentsIn(call)[0];
  if (kindOf(call) !== "FunctionCallExpression" || nameOf(needPart(call, "Name")) !== "database" || !first)
    throw notCarried(`'${textOf(node)}'`, node, context.text);
  const database = databaseOf(context.catalogue, String(first.LiteralValue));
  context.shared.access?.mayDatabase(database, "read", "read");
  return tabular(needPart(node, "Selector"), { ...context, database, lets: new Map() });
}

function tableFunction(node: SyntaxNode, context: QueryContext): Relation {
  const body = calledBody(node, context);
  if (body) return relationOfCall(node, body, context);
  const name = nameOf(needPart(node, "Name"));
  const first = argumentsIn(node)[0];
  if (name === "table" && first) {
    const table = context.database.tables.get(String(first.LiteralValue));
    if (table) return stored(table, context);
  }
  throw notCarried(`the function '${name}()'`, node, context.text);
}

export function stored(table: StoredTable, { database, shared }: QueryContext): Relation {
  if (isRestricted(table)) shared.access?.mayReadRestricted(database, table);
  return {
    sql: `SELECT ${[...table.columns.map(({ physical }) => physical), extentColumn].join(", ")} FROM ${table.physical}`,
    columns: table.columns.map(({ name, kind, physical }) => ({ name, kind, sql: physical })),
    order: undefined,
    extent: extentColumn,
    source: table.name,
  };
}

function isRestricted({ policies }: StoredTable): boolean {
  const policy = policies.get("restricted_view_access");
  return policy !== undefined && (JSON.parse(policy) as { IsEnabled?: unknown } | null)?.IsEnabled === true;
}
