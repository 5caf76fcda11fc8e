import type { QueryContext } from "../context.ts";
import { scopeOf } from "../context.ts";
import { orderSql } from "../expressions/convert.ts";
import { condition, type ScalarContext, scalar } from "../expressions/scalar.ts";
import { kindOf, notCarried } from "../language.ts";
import { filtered, type Relation, sorted } from "../relation.ts";
import { elementsIn, findPart, needPart, part, resultColumns, type SyntaxNode, sourceOf, textOf } from "../tree.ts";
import { needInput, type Operator, withoutParameters } from "./operator.ts";

/** `where` */
const filter: Operator = (node, from, context) => {
  const input = needInput(from);
  return filtered(input, `WHERE ${condition(needPart(node, "Condition"), over(input, context))}`);
};

/** `count`: one row, one long. */
const count: Operator = (node, from) => ({
  sql: `SELECT count(*) AS c0 FROM (${needInput(from).sql})`,
  columns: [{ name: resultColumns(node)[0]?.name ?? "Count", kind: "long", sql: "c0" }],
  order: undefined,
});

/** `take` and `limit`: after a sort the first ones, else any. */
const take: Operator = (node, from, context) => {
  withoutParameters(node, context);
  return first(needInput(from), needPart(node, "Expression"), context);
};

function first(input: Relation, rows: SyntaxNode, context: QueryContext): Relation {
  const limit = scalar(rows, { context, columns: () => undefined });
  return filtered(input, `${input.order ? `ORDER BY ${input.order} ` : ""}LIMIT greatest(0, ${limit.sql})`);
}

/** `sort` and `order` */
const sort: Operator = (node, from, context) => {
  const input = needInput(from);
  const keys = elementsIn(needPart(node, "Expressions")).map((key) => orderKey(key, over(input, context)));
  return sorted(input, keys.join(", "));
};

/** `top n by x`: a sort and a take in one. */
const top: Operator = (node, from, context) => {
  withoutParameters(node, context);
  const input = needInput(from);
  const ordered = sorted(input, orderKey(needPart(node, "ByExpression"), over(input, context)));
  return first(ordered, needPart(node, "Expression"), context);
};

/** Descending unless it says otherwise; nulls come first when ascending and last when descending. */
function orderKey(node: SyntaxNode, at: ScalarContext): string {
  const isOrdered = kindOf(node) === "OrderedExpression";
  const key = scalar(isOrdered ? needPart(node, "Expression") : node, at);
  const words = textOf(part(node, "Ordering") ?? node).toLowerCase();
  const isAscending = isOrdered && words.startsWith("asc");
  const place = isOrdered && findPart(node, "FirstOrLastKeyword");
  const nulls = place ? textOf(place).toLowerCase() : isAscending ? "first" : "last";
  return `${orderSql(key)} ${isAscending ? "ASC" : "DESC"} NULLS ${nulls}`;
}

/** `distinct` */
const distinct: Operator = (node, from, context) => {
  const input = needInput(from);
  const listed = elementsIn(needPart(node, "Expressions"));
  const isAll = listed.some((each) => kindOf(each) === "StarExpression");
  const values = isAll ? input.columns : listed.map((each) => scalar(each, over(input, context)));
  const columns = resultColumns(node);
  if (columns.length !== values.length) throw notCarried(`'${sourceOf(node, context.text)}'`, node, context.text);
  return {
    sql: `SELECT DISTINCT ${values.map(({ sql }, index) => `${sql} AS c${index}`).join(", ")} FROM (${input.sql})`,
    columns: columns.map((column, index) => ({ ...column, sql: `c${index}` })),
    order: undefined,
  };
};

/** `serialize` without new columns, and `as`: nothing happens to the rows. */
const passing: Operator = (_node, from) => needInput(from);

export function over(input: Relation, context: QueryContext): ScalarContext {
  return { context, columns: scopeOf(input), extent: input.extent };
}

export const rowOperators: Readonly<Record<string, Operator>> = {
  CountOperator: count,
  DistinctOperator: distinct,
  FilterOperator: filter,
  RenderOperator: passing,
  SortOperator: sort,
  TakeOperator: take,
  TopOperator: top,
};
