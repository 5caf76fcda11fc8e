import { aggregateColumns } from "../expressions/aggregates.ts";
import { scalar } from "../expressions/scalar.ts";
import { notCarried } from "../language.ts";
import { over } from "../row.ts";
import { elementsIn, needPart, part, resultColumns, sourceOf } from "../tree.ts";
import { needInput, type Operator } from "./operator.ts";

/** `summarize ... by ...`: the groups first, then the aggregates, as the binder lists them. */
const summarize: Operator = (node, from, context) => {
  const at = over(needInput(from), context);
  const clause = part(node, "ByClause");
  const groups = elementsIn(clause && part(clause, "Expressions")).map((each) => scalar(each, at));
  const aggregates = elementsIn(needPart(node, "Aggregates")).flatMap((each) => aggregateColumns(each, at));
  const values = [...groups, ...aggregates];
  const columns = resultColumns(node);
  if (columns.length !== values.length) throw notCarried(`'${sourceOf(node, context.text)}'`, node, context.text);
  const list = values.map(({ sql }, index) => `${sql} AS c${index}`).join(", ");
  const by = groups.map((_, index) => index + 1).join(", ");
  return {
    sql: `SELECT ${list} FROM (${at.source.relation.sql})${by === "" ? "" : ` GROUP BY ${by}`}`,
    columns: columns.map((column, index) => ({ ...column, sql: `c${index}` })),
    order: undefined,
  };
};

export const groupOperators: Readonly<Record<string, Operator>> = { SummarizeOperator: summarize };
