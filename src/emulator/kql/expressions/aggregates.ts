import type { Kind } from "../../../schema/kinds.ts";
import { kindOf, notCarried } from "../language.ts";
import type { Scalar } from "../relation.ts";
import type { ScalarContext } from "../row.ts";
import { argumentsIn, nameOf, needPart, resultColumns, type SyntaxNode, scalarType, textOf } from "../tree.ts";
import { arraySql, converted, isTicks, memberSql, orderSql } from "./convert.ts";
import { calledSql } from "./functions/call.ts";
import { condition, scalar } from "./scalar.ts";

/** What an aggregate is translated with. */
interface AggregateCall {
  readonly args: readonly Scalar[];
  readonly result: Kind;
  /** ` FILTER (WHERE ...)`, or nothing. */
  readonly filter: string;
  /** ` ORDER BY o`, where the rows have an order. */
  readonly order: string;
}

/** SQL of an aggregate, or undefined for what is not carried. */
type Aggregate = (call: AggregateCall) => string | undefined;

const sum: Aggregate = ({ args: [value], result, filter }) => {
  if (value!.kind === "decimal") return `coalesce(k_decimal_sum(string_agg(${value!.sql}, ' ')${filter}), '0')`;
  if (result === "real") return `coalesce(sum(${converted(value!, "real")})${filter}, 0.0::DOUBLE)`;
  const whole = isTicks(value!.kind) ? value!.sql : converted(value!, "long");
  return `coalesce(CAST(sum(${whole})${filter} AS ${result === "int" ? "INTEGER" : "BIGINT"}), 0)`;
};

const avg: Aggregate = ({ args: [value], filter }) => {
  if (value!.kind === "decimal")
    return `k_decimal_divide(k_decimal_sum(string_agg(${value!.sql}, ' ')${filter}), CAST(count(${value!.sql})${filter} AS VARCHAR))`;
  if (isTicks(value!.kind))
    // avg() gives a double, which has 128 ticks to its last digit.
    return `CAST(sum(CAST(${value!.sql} AS HUGEINT))${filter} // count(${value!.sql})${filter} AS BIGINT)`;
  return `coalesce(avg(${converted(value!, "real")})${filter}, 'NaN'::DOUBLE)`;
};

const extreme =
  (name: "min" | "max"): Aggregate =>
  ({ args: [value], result, filter }) => {
    if (value!.kind === "decimal") return `arg_${name}(${value!.sql}, ${orderSql(value!)})${filter}`;
    if (value!.kind === "dynamic") return undefined;
    return `${name}(${converted(value!, result)})${filter}`;
  };

const distinct: Aggregate = ({ args: [value], filter }) => {
  // A string has no null to be left out.
  return `count(DISTINCT ${value!.sql})${filter}`;
};

const onReal =
  (name: string): Aggregate =>
  ({ args: [value], filter }) =>
    `coalesce(${name}(${converted(value!, "real")})${filter}, 'NaN'::DOUBLE)`;

const anyOne: Aggregate = ({ args: [value], filter, order }) => `any_value(${value!.sql}${order})${filter}`;

const bits =
  (name: string): Aggregate =>
  ({ args: [value], filter }) =>
    `${name}(${converted(value!, "long")})${filter}`;

/** All values as one array of JSON; nulls are left out, or kept as `null`. */
function gathered(value: Scalar, { filter, order }: AggregateCall, keepsNulls: boolean): string {
  const json = keepsNulls ? memberSql(value) : converted(value, "dynamic");
  return `('[' || coalesce(string_agg(${json}, ','${order})${filter}, '') || ']')`;
}

const makeList =
  (keepsNulls: boolean): Aggregate =>
  (call) => {
    const [value, most] = call.args;
    const list = gathered(value!, call, keepsNulls);
    if (!most) return list;
    const last: Scalar = { sql: `(${converted(most, "long")} - 1)`, kind: "long" };
    const first: Scalar = { sql: "CAST(0 AS BIGINT)", kind: "long" };
    return calledSql("array_slice", [{ sql: list, kind: "dynamic" }, first, last], "dynamic");
  };

const makeSet: Aggregate = (call) => {
  const [value, ...most] = call.args;
  return calledSql("gather_set", [{ sql: gathered(value!, call, false), kind: "dynamic" }, ...most], "dynamic");
};

const makeBag: Aggregate = (call) => {
  const [value, ...most] = call.args;
  return calledSql("gather_bag", [{ sql: gathered(value!, call, false), kind: "dynamic" }, ...most], "dynamic");
};

/** The value that so many percent of the values do not exceed: by rank, where the service estimates. */
const percentile: Aggregate = ({ args: [value, share], filter, result }) => {
  const percentage = numberOf(share);
  if (percentage === undefined || value!.kind === "decimal" || value!.kind === "dynamic") return undefined;
  const cast = result === "real" ? converted(value!, "real") : value!.sql;
  return `quantile_disc(${cast}, ${percentage / 100})${filter}`;
};

function numberOf(value: Scalar | undefined): number | undefined {
  const known = value?.literal;
  return typeof known === "number" || typeof known === "bigint" ? Number(known) : undefined;
}

const percentilesArray: Aggregate = (call) => {
  const [value, ...shares] = call.args;
  const json = shares[0]?.kind === "dynamic" ? shares[0].literal : undefined;
  const listed = typeof json === "string" ? (JSON.parse(json) as unknown[]) : shares.map(numberOf);
  const members = listed.map((share) => {
    if (typeof share !== "number") return undefined;
    const sql = percentile({ ...call, args: [value!, { sql: "", kind: "real", literal: share }], result: value!.kind });
    return sql && memberSql({ sql, kind: value!.kind });
  });
  return members.includes(undefined) ? undefined : arraySql(members as string[]);
};

const weighted: Aggregate = (call) => {
  const [value, weight, share] = call.args;
  if (!share) return undefined;
  const pair: Scalar = { sql: arraySql([memberSql(value!), memberSql(weight!)]), kind: "dynamic" };
  const pairs: Scalar = { sql: gathered(pair, call, false), kind: "dynamic" };
  return calledSql("gather_percentilew", [pairs, share], call.result);
};

const aggregates: Readonly<Record<string, Aggregate | undefined>> = {
  any: anyOne,
  avg,
  binary_all_and: bits("bit_and"),
  binary_all_or: bits("bit_or"),
  binary_all_xor: bits("bit_xor"),
  count: ({ args, filter }) => (args.length === 0 ? `count(*)${filter}` : undefined),
  count_distinct: distinct,
  dcount: distinct,
  make_bag: makeBag,
  make_list: makeList(false),
  make_list_with_nulls: makeList(true),
  make_set: makeSet,
  makelist: makeList(false),
  makeset: makeSet,
  max: extreme("max"),
  min: extreme("min"),
  percentile,
  percentiles_array: percentilesArray,
  percentilew: weighted,
  stdev: onReal("stddev_samp"),
  stdevp: onReal("stddev_pop"),
  sum,
  take_any: anyOne,
  variance: onReal("var_samp"),
  variancep: onReal("var_pop"),
};

/** Aggregates that take a condition behind their first argument. */
const conditional: Readonly<Record<string, string>> = {
  avgif: "avg",
  count_distinctif: "count_distinct",
  dcountif: "dcount",
  make_bag_if: "make_bag",
  make_list_if: "make_list",
  make_set_if: "make_set",
  maxif: "max",
  minif: "min",
  stdevif: "stdev",
  sumif: "sum",
  take_anyif: "take_any",
  anyif: "any",
  varianceif: "variance",
};

/** Aggregates that yield several columns. */
const manyColumns = new Set([
  "arg_max",
  "arg_min",
  "argmax",
  "argmin",
  "percentiles",
  "percentilesw",
  "take_any",
  "any",
]);

export const isAggregate = (name: string): boolean =>
  name in aggregates || name in conditional || name === "countif" || manyColumns.has(name);

/** Translates an aggregate function of one column. */
export function aggregate(node: SyntaxNode, at: ScalarContext): Scalar {
  const name = nameOf(needPart(node, "Name"));
  const inner = { ...at, isAggregating: false };
  const nodes = argumentsIn(node);
  const result = scalarType(node) ?? resultColumns(node)[0]?.kind ?? "long";
  const order = orderIn(at);
  if (manyColumns.has(name) && (nodes.length > 1 || nodes.some(isStar))) {
    const columns = aggregateColumns(node, at);
    if (columns.length === 1) return columns[0]!;
    throw notCarried(`'${textOf(node)}' within an expression`, node, at.context.text);
  }
  if (name === "countif") return { sql: `count(*) FILTER (WHERE ${condition(nodes[0]!, inner)})`, kind: result };
  const plain = conditional[name];
  const filter = plain ? ` FILTER (WHERE ${condition(nodes[1]!, inner)})` : "";
  const listed = plain ? [nodes[0]!, ...nodes.slice(2)] : nodes;
  const args = listed.map((each) => scalar(each, inner));
  const sql = aggregates[plain ?? name]?.({ args, result, filter, order });
  if (!sql) throw notCarried(`the aggregate function '${name}()'`, node, at.context.text);
  return { sql, kind: result };
}

const isStar = (node: SyntaxNode) => kindOf(node) === "StarExpression";

function orderIn(at: ScalarContext): string {
  const order = at.source?.relation.order;
  return order ? ` ORDER BY ${order}` : "";
}

/** The columns of one element of `summarize`: of most functions one. */
export function aggregateColumns(node: SyntaxNode, at: ScalarContext): Scalar[] {
  switch (kindOf(node)) {
    case "SimpleNamedExpression":
    case "CompoundNamedExpression":
      return aggregateColumns(needPart(node, "Expression"), at);
    case "FunctionCallExpression":
      break;
    default:
      return [scalar(node, { ...at, isAggregating: true })];
  }
  const name = nameOf(needPart(node, "Name"));
  const nodes = argumentsIn(node);
  const inner = { ...at, isAggregating: false };
  switch (name) {
    case "arg_max":
    case "arg_min":
    case "argmax":
    case "argmin":
      return rowOfExtreme(name.endsWith("max") ? "arg_max" : "arg_min", node, at);
    case "any":
    case "take_any":
      if (nodes.length === 1 && !isStar(nodes[0]!)) break;
      return anyRow(
        nodes.flatMap((each): readonly Scalar[] => (isStar(each) ? at.row : [scalar(each, inner)])),
        at,
      );
    case "percentiles":
      return spread(nodes.slice(0, 1), nodes.slice(1), percentile, node, inner);
    case "percentilesw":
      return spread(nodes.slice(0, 2), nodes.slice(2), weighted, node, inner);
  }
  return [scalar(node, { ...at, isAggregating: true })];
}

function spread(
  values: readonly SyntaxNode[],
  shares: readonly SyntaxNode[],
  build: Aggregate,
  node: SyntaxNode,
  at: ScalarContext,
): Scalar[] {
  const columns = resultColumns(node);
  const args = values.map((each) => scalar(each, at));
  return shares.map((share, index) => {
    const result = columns[index]?.kind ?? args[0]!.kind;
    const sql = build({ args: [...args, scalar(share, at)], result, filter: "", order: orderIn(at) });
    if (!sql) throw notCarried(`'${textOf(node)}'`, node, at.context.text);
    return { sql, kind: result };
  });
}

/** Several values of one and the same row. */
function anyRow(values: readonly Scalar[], at: ScalarContext): Scalar[] {
  return fieldsOf(`any_value(${structOf(values)}${orderIn(at)})`, values);
}

const structOf = (values: readonly Scalar[]) => `{${values.map(({ sql }, index) => `f${index}: ${sql}`).join(", ")}}`;

const fieldsOf = (struct: string, values: readonly Scalar[]): Scalar[] =>
  values.map(({ kind }, index) => ({ sql: `struct_extract(${struct}, 'f${index}')`, kind }));

/**
 * `arg_max(x, a, b)` and `arg_max(x, *)`: values of the row with the extreme; rows where x is null count only if there are
 * no others.
 */
function rowOfExtreme(name: string, node: SyntaxNode, at: ScalarContext): Scalar[] {
  const inner = { ...at, isAggregating: false };
  const [by, ...others] = argumentsIn(node);
  const key = scalar(by!, inner);
  const explicit = others.filter((each) => !isStar(each)).map((each) => scalar(each, inner));
  const isAll = others.some(isStar);
  const starred = isAll
    ? resultColumns(node)
        .slice(1 + explicit.length)
        .map(({ name: column }) => inner.columns(column)!)
    : [];
  const values = [key, ...explicit, ...starred];
  const order = orderIn(at);
  const struct = structOf(values);
  return fieldsOf(`coalesce(${name}(${struct}, ${orderSql(key)}${order}), any_value(${struct}${order}))`, values);
}
