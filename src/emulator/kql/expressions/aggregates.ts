import type { Kind } from "../../../schema/kinds.ts";
import { kindOf, notCarried } from "../language.ts";
import type { Scalar } from "../relation.ts";
import { elementsIn, nameOf, needPart, part, type SyntaxNode, scalarType, sourceOf } from "../tree.ts";
import { converted, isTicks, orderSql } from "./convert.ts";
import { condition, type ScalarContext, scalar } from "./scalar.ts";

/** SQL of an aggregate over one argument, within an optional FILTER; undefined for what is not carried. */
type Aggregate = (value: Scalar, result: Kind, filter: string) => string | undefined;

const sum: Aggregate = (value, result, filter) => {
  if (value.kind === "decimal") return `coalesce(k_decimal_sum(string_agg(${value.sql}, ' ')${filter}), '0')`;
  if (result === "real") return `coalesce(sum(${converted(value, "real")})${filter}, 0.0::DOUBLE)`;
  return `coalesce(CAST(sum(${value.sql})${filter} AS ${result === "int" ? "INTEGER" : "BIGINT"}), 0)`;
};

const avg: Aggregate = (value, _result, filter) => {
  if (value.kind === "decimal")
    return `k_decimal_divide(k_decimal_sum(string_agg(${value.sql}, ' ')${filter}), CAST(count(${value.sql})${filter} AS VARCHAR))`;
  if (isTicks(value.kind)) return `CAST(avg(CAST(${value.sql} AS HUGEINT))${filter} AS BIGINT)`;
  return `coalesce(avg(${converted(value, "real")})${filter}, 'NaN'::DOUBLE)`;
};

const extreme =
  (name: "min" | "max"): Aggregate =>
  (value, _result, filter) =>
    value.kind === "decimal"
      ? `arg_${name}(${value.sql}, ${orderSql(value)})${filter}`
      : `${name}(${value.sql})${filter}`;

const distinct: Aggregate = (value, _result, filter) => `count(DISTINCT ${value.sql})${filter}`;

const onReal =
  (name: string): Aggregate =>
  (value, _result, filter) =>
    `coalesce(${name}(${converted(value, "real")})${filter}, 'NaN'::DOUBLE)`;

const anyOne: Aggregate = (value, _result, filter) => `any_value(${value.sql})${filter}`;

const aggregates: Readonly<Record<string, Aggregate | undefined>> = {
  sum,
  avg,
  min: extreme("min"),
  max: extreme("max"),
  dcount: distinct,
  count_distinct: distinct,
  stdev: onReal("stddev_samp"),
  variance: onReal("var_samp"),
  any: anyOne,
  take_any: anyOne,
};

/** Translates an aggregate function of `summarize`; `fif(x, p)` is `f(x)` over the rows where p holds. */
export function aggregate(node: SyntaxNode, at: ScalarContext): Scalar {
  const { text } = at.context;
  const call = kindOf(node) === "SimpleNamedExpression" ? needPart(node, "Expression") : node;
  if (kindOf(call) !== "FunctionCallExpression")
    throw notCarried(`the aggregate '${sourceOf(call, text)}'`, call, text);
  const name = nameOf(needPart(call, "Name"));
  const args = elementsIn(part(needPart(call, "ArgumentList"), "Expressions"));
  const result = scalarType(call) ?? "long";
  if (name === "count" && args.length === 0) return { sql: "count(*)", kind: result };
  if (name === "countif") return { sql: `count(*) FILTER (WHERE ${condition(args[0]!, at)})`, kind: result };
  const isConditional = name.endsWith("if") && aggregates[name.slice(0, -2)] !== undefined;
  const build = aggregates[isConditional ? name.slice(0, -2) : name];
  const filter = isConditional ? ` FILTER (WHERE ${condition(args[1]!, at)})` : "";
  const sql = args[0] && build?.(scalar(args[0], at), result, filter);
  if (!sql) throw notCarried(`the aggregate function '${name}()'`, call, text);
  return { sql, kind: result };
}
