import type { Scalar } from "../relation.ts";
import { textSql } from "./convert.ts";
import { textTests } from "./strings.ts";

/** Stands between the texts of a row's columns: no letter and no digit, so that no term goes across. */
const between = "\u0001";

/** Tests that hold for texts put one behind the other if, and only if, they hold for one of them. */
const canJoin = /^(Has|HasPrefix|HasSuffix|Contains)(Cs)?Expression$/;

/**
 * Whether a test of texts, by the name of its node, holds for any of the columns. One test over all texts of a row where that is the same:
 * DuckDB compiles each expression while it plans, and `search 'x'` over 94 tables of 8 columns took 3 s to plan.
 */
export function anyTextSql(columns: readonly Scalar[], kind: string, wanted: Scalar): string {
  const test = textTests[kind]!;
  const { literal } = wanted;
  const isFixed = literal !== undefined;
  if (columns.length === 0) return "false";
  if (
    columns.length > 1 &&
    canJoin.test(kind) &&
    typeof literal === "string" &&
    literal !== "" &&
    !literal.includes(between)
  )
    return test(`concat_ws(chr(1), ${columns.map(textSql).join(", ")})`, wanted.sql, isFixed);
  return `(${columns.map((column) => test(textSql(column), wanted.sql, isFixed)).join(" OR ")})`;
}
