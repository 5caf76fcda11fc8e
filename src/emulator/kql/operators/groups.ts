import { aggregate } from "../expressions/aggregates.ts";
import { scalar } from "../expressions/scalar.ts";
import { notCarried } from "../language.ts";
import { elementsIn, needPart, part, resultColumns, sourceOf } from "../tree.ts";
import { needInput, type Operator, withoutParameters } from "./operator.ts";
import { over } from "./rows.ts";

/** `summarize ... by ...`: the groups first, then the aggregates, as the binder lists them. */
const summarize: Operator = (node, from, context) => {
  withoutParameters(node, context);
  const input = needInput(from);
  const clause = part(node, "ByClause");
  const groups = elementsIn(clause && part(clause, "Expressions")).map((each) => scalar(each, over(input, context)));
  const aggregates = elementsIn(needPart(node, "Aggregates")).map((each) => aggregate(each, over(input, context)));
  const values = [...groups, ...aggregates];
  const columns = resultColumns(node);
  if (columns.length !== values.length) throw notCarried(`'${sourceOf(node, context.text)}'`, node, context.text);
  const list = values.map(({ sql }, index) => `${sql} AS c${index}`).join(", ");
  const by = groups.map((_, index) => index + 1).join(", ");
  return {
    sql: `SELECT ${list} FROM (${input.sql})${by === "" ? "" : ` GROUP BY ${by}`}`,
    columns: columns.map((column, index) => ({ ...column, sql: `c${index}` })),
    order: undefined,
  };
};

export const groupOperators: Readonly<Record<string, Operator>> = { SummarizeOperator: summarize };
