import { scalar } from "../expressions/scalar.ts";
import { filtered, type Relation } from "../relation.ts";
import { needPart, resultColumns } from "../tree.ts";
import type { Operator } from "./operators.ts";

/** `count`: one row, one long. */
const count: Operator = (node, from) => ({
  sql: `SELECT count(*) AS c0 FROM (${needInput(from).sql})`,
  columns: [{ name: resultColumns(node)[0]?.name ?? "Count", kind: "long", sql: "c0" }],
  order: undefined,
});

/** `take` and `limit`: after a sort the first ones, else any. */
const take: Operator = (node, from, context) => {
  const input = needInput(from);
  const rows = scalar(needPart(node, "Expression"), { context, columns: () => undefined });
  return filtered(input, `${input.order ? `ORDER BY ${input.order} ` : ""}LIMIT greatest(0, ${rows.sql})`);
};

export function needInput(from: Relation | undefined): Relation {
  if (!from) throw new Error("An operator stands where a table must come first.");
  return from;
}

export const rowOperators: Readonly<Record<string, Operator>> = { CountOperator: count, TakeOperator: take };
