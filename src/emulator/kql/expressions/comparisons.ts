import type { Kind } from "../../../schema/kinds.ts";
import type { Scalar } from "../relation.ts";
import { commonKind, converted, isNumber, orderSql } from "./convert.ts";
import { once } from "./once.ts";

/** Comparison operators by the name of their node. */
const signs: Readonly<Record<string, string>> = {
  EqualExpression: "=",
  NotEqualExpression: "<>",
  LessThanExpression: "<",
  LessThanOrEqualExpression: "<=",
  GreaterThanExpression: ">",
  GreaterThanOrEqualExpression: ">=",
};

export function comparison(nodeKind: string, left: Scalar, right: Scalar): string | undefined {
  const sign = signs[nodeKind];
  if (!sign) return undefined;
  return sign === "="
    ? equalSql(left, right)
    : sign === "<>"
      ? notEqualSql(left, right)
      : orderedSql(left, sign, right);
}

function sides(left: Scalar, right: Scalar): [string, string, Scalar["kind"]] {
  const kind = commonKind(left.kind, right.kind);
  return [converted(left, kind), converted(right, kind), kind];
}

/** A value beside null is not equal to it; two nulls are neither equal nor not (documentation, "Null values"). */
export function equalSql(left: Scalar, right: Scalar): string {
  return equality(left, right, "IS NOT DISTINCT FROM");
}

/** Whether a column of one type takes part in `* == value` of another: equal types, numbers, and whatever stands beside a dynamic. */
export function isComparable(a: Kind, b: Kind): boolean {
  return a === b || a === "dynamic" || b === "dynamic" || (isNumber(a) && isNumber(b));
}

function notEqualSql(left: Scalar, right: Scalar): string {
  return equality(left, right, "IS DISTINCT FROM");
}

function equality(left: Scalar, right: Scalar, sign: string): string {
  const [a, b] = sides(left, right);
  return once(
    a,
    (x) => once(b, (y) => `CASE WHEN ${x} IS NULL AND ${y} IS NULL THEN NULL ELSE ${x} ${sign} ${y} END`, "w"),
    "v",
  );
}

function orderedSql(left: Scalar, sign: string, right: Scalar): string {
  const [a, b, kind] = sides(left, right);
  return `(${orderSql({ sql: a, kind })} ${sign} ${orderSql({ sql: b, kind })})`;
}

export function betweenSql(value: Scalar, from: Scalar, to: Scalar): string {
  return `(${orderedSql(value, ">=", from)} AND ${orderedSql(value, "<=", to)})`;
}
