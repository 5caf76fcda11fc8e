import type { Kind } from "../../../schema/kinds.ts";
import type { Scalar } from "../relation.ts";
import { converted, isTicks } from "./convert.ts";

type Sign = "+" | "-" | "*" | "/" | "%";

export const arithmeticSigns: Readonly<Record<string, Sign | undefined>> = {
  AddExpression: "+",
  SubtractExpression: "-",
  MultiplyExpression: "*",
  DivideExpression: "/",
  ModuloExpression: "%",
};

const decimalFunctions: Readonly<Partial<Record<Sign, string>>> = {
  "+": "k_decimal_add",
  "-": "k_decimal_subtract",
  "*": "k_decimal_multiply",
  "/": "k_decimal_divide",
};

/** Arithmetic whose result has the type that the binder found; undefined for what is not carried. */
export function arithmetic(sign: Sign, left: Scalar, right: Scalar, result: Kind): string | undefined {
  if (isTicks(left.kind) || isTicks(right.kind)) return ticksArithmetic(sign, left, right, result);
  const [a, b] = [converted(left, result), converted(right, result)];
  if (result === "decimal") {
    const name = decimalFunctions[sign];
    return name && `${name}(${a}, ${b})`;
  }
  if (result !== "real" && sign === "/") return `(${a} // ${b})`;
  // Never negative, whatever the signs (documentation, "Numerical operators").
  if (sign === "%") return `(((${a} % ${b}) + abs(${b})) % abs(${b}))`;
  return `(${a} ${sign} ${b})`;
}

/** Datetimes and timespans are both counts of ticks; only a factor or a ratio is something else. */
function ticksArithmetic(sign: Sign, left: Scalar, right: Scalar, result: Kind): string | undefined {
  const bothTicks = isTicks(left.kind) && isTicks(right.kind);
  if (bothTicks && sign === "/") return `(CAST(${left.sql} AS DOUBLE) / CAST(${right.sql} AS DOUBLE))`;
  if (bothTicks && sign !== "*") return `(${left.sql} ${sign} ${right.sql})`;
  if (result !== "timespan" || (sign !== "*" && sign !== "/")) return undefined;
  const factor = (value: Scalar) =>
    isTicks(value.kind)
      ? value.sql
      : converted(value, value.kind === "real" || value.kind === "decimal" ? "real" : "long");
  const isWhole = [left, right].every(({ kind }) => kind !== "real" && kind !== "decimal");
  if (isWhole) return `(${factor(left)} ${sign === "/" ? "//" : "*"} ${factor(right)})`;
  return `CAST(round(${factor(left)} ${sign} ${factor(right)}) AS BIGINT)`;
}
