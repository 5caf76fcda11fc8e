import type { QueryContext } from "../context.ts";
import { orderSql } from "../expressions/convert.ts";
import { condition, scalar } from "../expressions/scalar.ts";
import { kindOf, notCarried } from "../language.ts";
import { filtered, type Relation, sorted } from "../relation.ts";
import { noRow, over, type ScalarContext } from "../row.ts";
import { elementsIn, findPart, needPart, part, resultColumns, type SyntaxNode, sourceOf, textOf } from "../tree.ts";
import { needInput, type Operator } from "./operator.ts";

/** `where` */
const filter: Operator = (node, from, context) => {
  const at = over(needInput(from), context);
  const predicate = condition(needPart(node, "Condition"), at);
  return filtered(at.source.relation, `WHERE ${predicate}`);
};

/** `count`: one row, one long. */
const count: Operator = (node, from) => ({
  sql: `SELECT count(*) AS c0 FROM (${needInput(from).sql})`,
  columns: [{ name: resultColumns(node)[0]?.name ?? "Count", kind: "long", sql: "c0" }],
  order: undefined,
});

/** `take` and `limit`: after a sort the first ones, else any. */
const take: Operator = (node, from, context) => {
  return first(needInput(from), needPart(node, "Expression"), context);
};

function first(input: Relation, rows: SyntaxNode, context: QueryContext): Relation {
  const limit = scalar(rows, noRow(context));
  return filtered(input, `${input.order ? `ORDER BY ${input.order} ` : ""}LIMIT greatest(0, ${limit.sql})`);
}

/** `sort` and `order` */
const sort: Operator = (node, from, context) => {
  const at = over(needInput(from), context);
  const keys = elementsIn(needPart(node, "Expressions")).map((key) => orderKey(key, at));
  return sorted(at.source.relation, keys.join(", "));
};

/** `top n by x`: a sort and a take in one. */
const top: Operator = (node, from, context) => {
  const at = over(needInput(from), context);
  const ordered = sorted(at.source.relation, orderKey(needPart(node, "ByExpression"), at));
  return first(ordered, needPart(node, "Expression"), context);
};

/** Descending unless it says otherwise; nulls come first when ascending and last when descending. */
export function orderKey(node: SyntaxNode, at: ScalarContext): string {
  const isOrdered = kindOf(node) === "OrderedExpression";
  const key = scalar(isOrdered ? needPart(node, "Expression") : node, at);
  const words = textOf(part(node, "Ordering") ?? node).toLowerCase();
  const isAscending = isOrdered && words.startsWith("asc");
  const place = isOrdered && findPart(node, "FirstOrLastKeyword");
  const nulls = place ? textOf(place).toLowerCase() : isAscending ? "first" : "last";
  const order = `${orderSql(key)} ${isAscending ? "ASC" : "DESC"} NULLS ${nulls}`;
  // What is not a number stands beside the nulls, on their near side.
  return key.kind === "real"
    ? `isnan(${key.sql}) ${nulls === "first" ? "DESC" : "ASC"} NULLS ${nulls}, ${order}`
    : order;
}

/** `distinct` */
const distinct: Operator = (node, from, context) => {
  const input = needInput(from);
  const listed = elementsIn(needPart(node, "Expressions"));
  const isAll = listed.some((each) => kindOf(each) === "StarExpression");
  const values = isAll ? input.columns : listed.map((each) => scalar(each, over(input, context)));
  const columns = resultColumns(node);
  if (columns.length !== values.length) throw notCarried(`'${sourceOf(node, context.text)}'`, node, context.text);
  const list = values.map(({ sql }, index) => `${sql} AS c${index}`).join(", ");
  const by = values.map((_, index) => index + 1).join(", ");
  // Of equal rows the first gives the place.
  const sql = input.order
    ? `SELECT ${list}, min(${input.order}) AS o FROM (${input.sql}) GROUP BY ${by}`
    : `SELECT DISTINCT ${list} FROM (${input.sql})`;
  return { sql, columns: columns.map((column, index) => ({ ...column, sql: `c${index}` })), order: input.order && "o" };
};

/** `sample n`: any rows. */
const sample: Operator = (node, from, context) => first(needInput(from), needPart(node, "Expression"), context);

/** `sample-distinct n of x`: any values. */
const sampleDistinct: Operator = (node, from, context) => {
  const input = needInput(from);
  const limit = scalar(needPart(node, "Expression"), noRow(context));
  const value = scalar(needPart(node, "OfExpression"), over(input, context));
  return {
    sql: `SELECT DISTINCT ${value.sql} AS c0 FROM (${input.sql}) LIMIT greatest(0, ${limit.sql})`,
    columns: resultColumns(node).map((column) => ({ ...column, sql: "c0" })),
    order: undefined,
  };
};

export const rowOperators: Readonly<Record<string, Operator>> = {
  CountOperator: count,
  DistinctOperator: distinct,
  FilterOperator: filter,
  SampleDistinctOperator: sampleDistinct,
  SampleOperator: sample,
  SortOperator: sort,
  TakeOperator: take,
  TopOperator: top,
};
