import type { Kind } from "../../../../schema/kinds.ts";
import type { Scalar } from "../../relation.ts";
import { converted, isNumber, isTicks, orderSql } from "../convert.ts";
import { once } from "../once.ts";
import { calledAs, calledSql, type Functions, long, real, type ScalarFunction } from "./call.ts";

const onReal =
  (name: string): ScalarFunction =>
  ({ args }) =>
    `${name}(${real(args[0]!)})`;

/** DuckDB refuses what Kusto answers with NaN or an infinity. */
const positiveOnly =
  (name: string, atZero: string): ScalarFunction =>
  ({ args }) =>
    once(
      real(args[0]!),
      (value) =>
        `CASE WHEN ${value} < 0 THEN 'NaN'::DOUBLE WHEN ${value} = 0 THEN ${atZero}::DOUBLE ELSE ${name}(${value}) END`,
    );

const withinOne =
  (name: string): ScalarFunction =>
  ({ args }) =>
    once(real(args[0]!), (value) => `CASE WHEN abs(${value}) > 1 THEN 'NaN'::DOUBLE ELSE ${name}(${value}) END`);

/** The largest or the least; null where any is null. */
const extreme =
  (name: "greatest" | "least"): ScalarFunction =>
  ({ args, result }) => {
    const values = args.map((value) => converted(value, result));
    if (result !== "decimal") return `${name}(${values.join(", ")})`;
    const keys = values.map((sql) => `{k: ${orderSql({ sql, kind: result })}, v: ${sql}}`);
    return `struct_extract(${name}(${keys.join(", ")}), 'v')`;
  };

/** The multiple of the step at or below the value; negative values go down, too. */
export function bin([value, step]: readonly Scalar[], result: Kind): string {
  if (result === "decimal") return calledSql("bin_decimal", [value!, step!], result);
  if (result === "real") return once(real(step!), (by) => `(floor(${real(value!)} / ${by}) * ${by})`);
  const [a, b] = [isTicks(value!.kind) ? value!.sql : long(value!), isTicks(step!.kind) ? step!.sql : long(step!)];
  return once(a, (x) => once(b, (y) => `(${x} - (((${x} % ${y}) + ${y}) % ${y}))`, "w"));
}

/** The bin that holds the value, where one bin begins at the given point. */
const binAt: ScalarFunction = ({ args: [value, step, point], result }) => {
  if (result === "real") {
    const [x, by, from] = [real(value!), real(step!), real(point!)];
    return `(floor((${x} - ${from}) / ${by}) * ${by} + ${from})`;
  }
  if (result === "decimal") return undefined;
  const whole = (each: Scalar) => (isTicks(each.kind) ? each.sql : long(each));
  const [x, by, from] = [whole(value!), whole(step!), whole(point!)];
  return `(${x} - ((((${x} - ${from}) % ${by}) + ${by}) % ${by}))`;
};

const bits =
  (sign: string): ScalarFunction =>
  ({ args: [a, b] }) =>
    sign === "xor" ? `xor(${long(a!)}, ${long(b!)})` : `(${long(a!)} ${sign} ${long(b!)})`;

const isWhole = ({ kind }: Scalar) => kind === "int" || kind === "long";

const rounded: ScalarFunction = ({ args, result }) => {
  if (args[0]!.kind === "decimal") return undefined;
  return calledSql(isWhole(args[0]!) ? "round_long" : "round", args, result);
};

const sign: ScalarFunction = ({ args, result }) =>
  converted({ sql: `CAST(sign(${real(args[0]!)}) AS BIGINT)`, kind: "long" }, result);

const absolute: ScalarFunction = ({ args: [value], result }) =>
  value!.kind === "decimal" ? `ltrim(${value!.sql}, '-')` : `abs(${converted(value!, result)})`;

const ceiling: ScalarFunction = ({ args: [value], result }) => {
  if (value!.kind === "decimal") return undefined;
  if (isWhole(value!)) return converted(value!, result);
  return converted({ sql: `ceil(${real(value!)})`, kind: "real" }, isNumber(result) ? result : "real");
};

/** Functions over numbers; `bin` and the extremes take datetimes and timespans, too. */
export const numbers: Functions = {
  ...calledAs("binary_shift_left", "binary_shift_right", "erf", "erfc", "exp10", "exp2", "gamma", "loggamma"),
  abs: absolute,
  acos: withinOne("acos"),
  asin: withinOne("asin"),
  atan: onReal("atan"),
  atan2: ({ args: [y, x] }) => `atan2(${real(y!)}, ${real(x!)})`,
  bin: ({ args, result }) => bin(args, result),
  bin_at: binAt,
  binary_and: bits("&"),
  binary_not: ({ args }) => `(~${long(args[0]!)})`,
  binary_or: bits("|"),
  binary_xor: bits("xor"),
  bitset_count_ones: ({ args }) => `CAST(bit_count(${long(args[0]!)}) AS BIGINT)`,
  ceiling,
  cos: onReal("cos"),
  cot: onReal("cot"),
  degrees: onReal("degrees"),
  exp: onReal("exp"),
  floor: ({ args, result }) => bin(args, result),
  isfinite: ({ args }) => `isfinite(${real(args[0]!)})`,
  isinf: ({ args }) => `isinf(${real(args[0]!)})`,
  isnan: ({ args }) => `isnan(${real(args[0]!)})`,
  log: positiveOnly("ln", "'-Infinity'"),
  log10: positiveOnly("log10", "'-Infinity'"),
  log2: positiveOnly("log2", "'-Infinity'"),
  max_of: extreme("greatest"),
  min_of: extreme("least"),
  new_guid: () => "CAST(uuid() AS VARCHAR)",
  pi: () => "pi()",
  pow: ({ args: [base, exponent] }) => `pow(${real(base!)}, ${real(exponent!)})`,
  radians: onReal("radians"),
  rand: ({ args: [below] }) => (below ? `CAST(floor(random() * ${real(below)}) AS DOUBLE)` : "random()"),
  round: rounded,
  sign,
  sin: onReal("sin"),
  sqrt: positiveOnly("sqrt", "0.0"),
  tan: onReal("tan"),
};
