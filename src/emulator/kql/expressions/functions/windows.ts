import { newAlias } from "../../context.ts";
import { notCarried } from "../../language.ts";
import { widened } from "../../relation.ts";
import { converted } from "../convert.ts";
import { type Call, type Functions, long, type ScalarFunction } from "./call.ts";

/** A column of a window over the rows in their order, computed a step before the expression that uses it. */
function windowed({ at, nodes }: Call, value: (order: string) => string): string {
  if (!at.source) throw notCarried("a function over rows, outside of rows", nodes[0]!, at.context.text);
  const { relation } = at.source;
  const name = newAlias(at.context, "w");
  at.source.relation = widened(relation, value(relation.order ? `ORDER BY ${relation.order}` : ""), name);
  return name;
}

const running = (order: string) => `${order} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW`;

/** Numbers the stretches between restarts. */
function stretch(call: Call, restart: string): string {
  return windowed(call, (order) => `sum(CASE WHEN ${restart} THEN 1 ELSE 0 END) OVER (${running(order)})`);
}

const rowNumber: ScalarFunction = (call) => {
  const [start, restart] = call.args;
  const within = restart ? `PARTITION BY ${stretch(call, converted(restart, "bool"))} ` : "";
  const number = windowed(call, (order) => `row_number() OVER (${within}${order})`);
  return start ? `(${number} - 1 + ${long(start)})` : number;
};

const neighbour =
  (name: "lag" | "lead"): ScalarFunction =>
  (call) => {
    const [value, offset, otherwise] = call.args;
    const by = offset ? `CAST(${long(offset)} AS BIGINT)` : "1";
    const fallback = otherwise ? `, ${converted(otherwise, value!.kind)}` : value!.kind === "string" ? ", ''" : "";
    return windowed(call, (order) => `${name}(${value!.sql}, ${by}${fallback}) OVER (${order})`);
  };

const runningSum: ScalarFunction = (call) => {
  const [term, restart] = call.args;
  if (term!.kind === "decimal") return undefined;
  const within = restart ? `PARTITION BY ${stretch(call, converted(restart, "bool"))} ` : "";
  const type = call.result === "real" ? "DOUBLE" : "BIGINT";
  return windowed(
    call,
    (order) => `CAST(coalesce(sum(${converted(term!, call.result)}) OVER (${within}${running(order)}), 0) AS ${type})`,
  );
};

/** Rises by one whenever the value differs from the row before. */
const denseRank: ScalarFunction = (call) => {
  const [value, restart] = call.args;
  const group = restart ? stretch(call, converted(restart, "bool")) : undefined;
  const within = group ? `PARTITION BY ${group} ` : "";
  const before = windowed(call, (order) => `lag(${value!.sql}) OVER (${within}${order})`);
  const place = windowed(call, (order) => `row_number() OVER (${within}${order})`);
  return windowed(
    call,
    (order) =>
      `CAST(sum(CASE WHEN ${place} = 1 OR ${value!.sql} IS DISTINCT FROM ${before} THEN 1 ELSE 0 END) OVER (${within}${running(order)}) AS BIGINT)`,
  );
};

/** The number of the first row of those with the same value. */
const minRank: ScalarFunction = (call) => {
  const [value, restart] = call.args;
  const group = restart ? stretch(call, converted(restart, "bool")) : undefined;
  const within = group ? `PARTITION BY ${group} ` : "";
  const before = windowed(call, (order) => `lag(${value!.sql}) OVER (${within}${order})`);
  const place = windowed(call, (order) => `row_number() OVER (${within}${order})`);
  return windowed(
    call,
    (order) =>
      `max(CASE WHEN ${place} = 1 OR ${value!.sql} IS DISTINCT FROM ${before} THEN ${place} END) OVER (${within}${running(order)})`,
  );
};

/** Functions over serialized rows. */
export const windows: Functions = {
  next: neighbour("lead"),
  prev: neighbour("lag"),
  row_cumsum: runningSum,
  row_number: rowNumber,
  row_rank: minRank,
  row_rank_dense: denseRank,
  row_rank_min: minRank,
};
