import type { QueryContext } from "../context.ts";
import { anyTextSql } from "../expressions/any-column.ts";
import { stringLiteral } from "../expressions/literals.ts";
import { condition } from "../expressions/scalar.ts";
import { kindOf } from "../language.ts";
import { columnNamed, filtered, type Relation, type RelationColumn } from "../relation.ts";
import { over } from "../row.ts";
import {
  childrenOf,
  elementsIn,
  isTabular,
  nameOf,
  needPart,
  parameterOf,
  part,
  resultColumns,
  type SyntaxNode,
  textOf,
} from "../tree.ts";
import type { Operator } from "./operator.ts";
import { everyTable, tablesOf, united } from "./unions.ts";

/** `search`: the rows of one table or many in which a term is found in any column. */
const search: Operator = (node, from, context) => {
  const kind = parameterOf(node, "kind");
  const isExact = kind !== undefined && textOf(kind).toLowerCase() === "case_sensitive";
  const clause = part(node, "InClause");
  const listed = clause && elementsIn(needPart(clause, "Expressions")).flatMap((each) => tablesOf(each, context));
  const tables = from ? [from] : (listed ?? everyTable(context).map(([, make]) => make()));
  const found = tables.map((table) =>
    filtered(table, `WHERE ${predicate(needPart(node, "Condition"), table, isExact, context)}`),
  );
  const columns = resultColumns(node);
  const source = columns[0]?.name === "$table" ? "$table" : undefined;
  return united(found, columns, source);
};

function predicate(node: SyntaxNode, table: Relation, isExact: boolean, context: QueryContext): string {
  // A constant text is a term, also where `let` or a function gives it.
  if (node.IsConstant && typeof node.ConstantValue === "string")
    return anywhere(table.columns, node.ConstantValue, isExact);
  const inner = (name: string) => predicate(needPart(node, name), table, isExact, context);
  switch (kindOf(node)) {
    case "AndExpression":
      return `(${inner("Left")} AND ${inner("Right")})`;
    case "OrExpression":
      return `(${inner("Left")} OR ${inner("Right")})`;
    case "ParenthesizedExpression":
      return inner("Expression");
    case "StarExpression":
      return "true";
    case "SearchExpression":
      return inColumn(node, table, isExact);
    case "FunctionCallExpression":
      if (/^not\s*\(/i.test(textOf(node))) {
        const list = part(needPart(node, "ArgumentList"), "Expressions");
        return `(NOT ${predicate(elementsIn(list)[0]!, table, isExact, context)})`;
      }
  }
  // What names a column that this table does not have holds for none of its rows.
  const isKnown = (name: string) => columnNamed(table.columns, name) !== undefined || context.lets.has(name);
  if (!namesIn(node).every(isKnown)) return "false";
  return condition(node, over(table, context));
}

/** Names of values in an expression: neither functions nor members of dynamics, and nothing within a table of its own. */
function namesIn(node: SyntaxNode): string[] {
  if (kindOf(node) === "NameReference") return [nameOf(node)];
  return childrenOf(node).flatMap((child) => {
    const isFunction = kindOf(node) === "FunctionCallExpression" && child.NameInParent === "Name";
    const isMember = kindOf(node) === "PathExpression" && child.NameInParent === "Selector";
    return isFunction || isMember || isTabular(child) ? [] : namesIn(child);
  });
}

/** `column:"term"` */
function inColumn(node: SyntaxNode, table: Relation, isExact: boolean): string {
  const name = textOf(needPart(node, "Left"));
  const columns =
    name === "*"
      ? table.columns
      : table.columns.filter((column) => column.name === (needPart(node, "Left").SimpleName || name));
  return anywhere(columns, String(needPart(node, "Right").LiteralValue ?? textOf(needPart(node, "Right"))), isExact);
}

/** A term stands for a whole word, `term*` for a word's beginning, `*term` for its end, `*term*` for any part. */
function anywhere(columns: readonly RelationColumn[], term: string, isExact: boolean): string {
  const bare = term.replaceAll(/^\*|\*$/g, "");
  const [starts, ends] = [term.startsWith("*"), term.endsWith("*")];
  const name = starts && ends ? "Contains" : ends ? "HasPrefix" : starts ? "HasSuffix" : "Has";
  if (bare.includes("*")) {
    const pattern = bare
      .split("*")
      .map((each) => each.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"))
      .join(".*");
    return anyTextSql(columns, "MatchesRegexExpression", stringLiteral(`${isExact ? "" : "(?i)"}${pattern}`));
  }
  return anyTextSql(columns, `${name}${isExact ? "Cs" : ""}Expression`, stringLiteral(bare));
}

export const searchOperators: Readonly<Record<string, Operator>> = { SearchOperator: search };
