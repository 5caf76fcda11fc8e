import { converted, isTicks } from "../expressions/convert.ts";
import { valueSql } from "../expressions/literals.ts";
import { scalar } from "../expressions/scalar.ts";
import { notCarried } from "../language.ts";
import type { Relation } from "../relation.ts";
import { noRow } from "../row.ts";
import { elementsIn, needPart, resultColumns } from "../tree.ts";
import { listed } from "./columns.ts";
import type { Operator } from "./operator.ts";

/** `print`: one row out of nothing. */
const print: Operator = (node, _from, context) => {
  const nothing: Relation = { sql: "SELECT 0 AS nothing", columns: [], order: undefined };
  return listed(node, nothing, context);
};

/** `datatable (a:string) ["x", "y"]` */
const datatable: Operator = (node, _from, context) => {
  const columns = resultColumns(node);
  if (columns.length === 0) throw notCarried("a datatable without columns", node, context.text);
  const values = elementsIn(needPart(node, "Values")).map((each) => scalar(each, noRow(context)));
  const rows: string[] = [];
  for (let from = 0; from < values.length; from += columns.length) {
    const row = columns.map(({ kind }, index) => converted(values[from + index] ?? valueSql(null, kind), kind));
    rows.push(`(${[...row, String(rows.length)].join(", ")})`);
  }
  const names = [...columns.map((_, index) => `c${index}`), "o"].join(", ");
  const nothing = `SELECT ${columns.map(({ kind }, index) => `${valueSql(null, kind).sql} AS c${index}`).join(", ")}, 0 AS o WHERE false`;
  return {
    sql: rows.length === 0 ? nothing : `SELECT * FROM (VALUES ${rows.join(", ")}) AS t(${names})`,
    columns: columns.map((column, index) => ({ ...column, sql: `c${index}` })),
    order: "o",
  };
};

/** `range x from a to b step c`: of numbers, datetimes or timespans, up or down. */
const range: Operator = (node, _from, context) => {
  const [column] = resultColumns(node);
  const at = noRow(context);
  const kind = column!.kind;
  const [from, to, step] = ["From", "To", "Step"].map((name) => scalar(needPart(node, name), at));
  const isWhole = kind !== "real" && kind !== "decimal";
  const whole = (value: typeof from) =>
    isTicks(value!.kind) ? value!.sql : converted(value!, isWhole ? "long" : "real");
  const [a, b, by] = [whole(from), whole(to), whole(step)];
  const count = isWhole ? `(${b} - ${a}) // ${by}` : `CAST(floor((${b} - ${a}) / ${by}) AS BIGINT)`;
  // A step of zero, or one that leads away, makes no rows.
  const rows = `CASE WHEN ${by} = 0 OR (${b} - ${a}) / ${by} < 0 THEN 0 ELSE ${count} + 1 END`;
  const value = isTicks(kind)
    ? `(${a} + i * ${by})`
    : converted({ sql: `(${a} + i * ${by})`, kind: isWhole ? "long" : "real" }, kind);
  return {
    sql: `SELECT ${value} AS c0, i AS o FROM range(coalesce(${rows}, 0)) AS r(i)`,
    columns: [{ name: column!.name, kind, sql: "c0" }],
    order: "o",
  };
};

export const sourceOperators: Readonly<Record<string, Operator>> = {
  DataTableExpression: datatable,
  PrintOperator: print,
  RangeOperator: range,
};
