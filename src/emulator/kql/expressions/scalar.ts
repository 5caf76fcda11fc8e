import { sqlText } from "../../engine/physical.ts";
import { semanticError } from "../../kusto-error.ts";
import type { QueryContext, Scope } from "../context.ts";
import { kindOf, notCarried } from "../language.ts";
import type { Scalar } from "../relation.ts";
import {
  elementsIn,
  nameOf,
  needPart,
  part,
  positionText,
  type SyntaxNode,
  scalarType,
  sourceOf,
  textOf,
} from "../tree.ts";
import { arithmetic, arithmeticSigns } from "./arithmetic.ts";
import { betweenSql, comparison, equalSql } from "./comparisons.ts";
import { commonKind, converted, textSql } from "./convert.ts";
import { scalarFunctions } from "./functions.ts";
import { literal } from "./literals.ts";
import { equalAnyCase, hasTermAnyCase, textTests } from "./strings.ts";

export interface ScalarContext {
  readonly context: QueryContext;
  readonly columns: Scope;
  /** The hidden column with the extent of the row, where the row lies in one. */
  readonly extent?: string | undefined;
}

/** Translates a scalar expression; its type is the one that Kusto's binder found. */
export function scalar(node: SyntaxNode, at: ScalarContext): Scalar {
  const kind = kindOf(node);
  const { text } = at.context;
  const known = literal(kind, node, text);
  if (known) return known;
  switch (kind) {
    case "NameReference":
      return named(node, at);
    case "ParenthesizedExpression":
    case "SimpleNamedExpression":
      return scalar(needPart(node, "Expression"), at);
    case "UnaryPlusExpression":
      return scalar(needPart(node, "Expression"), at);
    case "UnaryMinusExpression":
      return negated(node, at);
    case "AndExpression":
      return bool(`(${condition(needPart(node, "Left"), at)} AND ${condition(needPart(node, "Right"), at)})`);
    case "OrExpression":
      return bool(`(${condition(needPart(node, "Left"), at)} OR ${condition(needPart(node, "Right"), at)})`);
    case "InExpression":
    case "NotInExpression":
    case "InCsExpression":
    case "NotInCsExpression":
    case "HasAnyExpression":
    case "HasAllExpression":
      return among(kind, node, at);
    case "BetweenExpression":
    case "NotBetweenExpression":
      return between(kind, node, at);
    case "PathExpression":
      return member(node, at, JSON.stringify(nameOf(needPart(node, "Selector"))));
    case "ElementExpression":
      return element(node, at);
    case "FunctionCallExpression":
      return called(node, at);
    case "ToScalarExpression":
      throw notCarried("toscalar()", node, text);
  }
  return binary(kind, node, at);
}

const bool = (sql: string): Scalar => ({ sql, kind: "bool" });

/** A predicate as SQL. */
export function condition(node: SyntaxNode, at: ScalarContext): string {
  return converted(scalar(node, at), "bool");
}

function named(node: SyntaxNode, { context, columns }: ScalarContext): Scalar {
  const name = nameOf(node);
  const column = columns(name);
  if (column) return { sql: column.sql, kind: column.kind };
  const defined = context.lets.get(name);
  if (defined && !("columns" in defined)) return defined;
  throw semanticError(
    `SEM0100: Failed to resolve scalar expression named '${name}' ${positionText(context.text, node.TextStart)}`,
  );
}

function negated(node: SyntaxNode, at: ScalarContext): Scalar {
  const value = scalar(needPart(node, "Expression"), at);
  if (value.kind === "decimal") return { sql: `k_decimal_subtract('0', ${value.sql})`, kind: "decimal" };
  return { sql: `(-${value.sql})`, kind: value.kind };
}

function binary(kind: string, node: SyntaxNode, at: ScalarContext): Scalar {
  const { text } = at.context;
  const [leftNode, rightNode] = [part(node, "Left"), part(node, "Right")];
  if (!leftNode || !rightNode) throw notCarried(`the expression '${sourceOf(node, text)}'`, node, text);
  const [left, right] = [scalar(leftNode, at), scalar(rightNode, at)];
  const test = textTests[kind];
  if (test) return bool(test(textSql(left), textSql(right)));
  const compared = comparison(kind, left, right);
  if (compared) return bool(compared);
  const sign = arithmeticSigns[kind];
  const result = scalarType(node) ?? commonKind(left.kind, right.kind);
  const sql = sign && arithmetic(sign, left, right, result);
  if (!sql) throw notCarried(`the operator in '${sourceOf(node, text)}'`, node, text);
  return { sql, kind: result };
}

function among(kind: string, node: SyntaxNode, at: ScalarContext): Scalar {
  const left = scalar(needPart(node, "Left"), at);
  const list = elementsIn(part(needPart(node, "Right"), "Expressions"));
  if (list.some((item) => item.ResultType?.Columns || scalarType(item) === "dynamic"))
    throw notCarried("a table or an array on the right of 'in'", node, at.context.text);
  const tests = list.map((item) => {
    const right = scalar(item, at);
    if (kind.startsWith("Has")) return hasTermAnyCase(textSql(left), textSql(right));
    if (kind.includes("Cs")) return equalAnyCase(textSql(left), textSql(right));
    return `coalesce(${equalSql(left, right)}, false)`;
  });
  const joined = tests.length === 0 ? "false" : tests.join(kind === "HasAllExpression" ? " AND " : " OR ");
  return bool(kind.startsWith("Not") ? `(NOT (${joined}))` : `(${joined})`);
}

function between(kind: string, node: SyntaxNode, at: ScalarContext): Scalar {
  const value = scalar(needPart(node, "Left"), at);
  const range = needPart(node, "Right");
  const from = scalar(needPart(range, "First"), at);
  const second = scalar(needPart(range, "Second"), at);
  // `t between (start .. 1h)`: a span counts from the start.
  const isSpan = from.kind === "datetime" && second.kind === "timespan";
  const to: Scalar = isSpan ? { sql: `(${from.sql} + ${second.sql})`, kind: "datetime" } : second;
  const sql = betweenSql(value, from, to);
  return bool(kind === "NotBetweenExpression" ? `(NOT ${sql})` : sql);
}

function member(node: SyntaxNode, at: ScalarContext, step: string): Scalar {
  const from = scalar(needPart(node, "Expression"), at);
  return { sql: `k_dynamic_get(${converted(from, "dynamic")}, ${sqlText(step)})`, kind: "dynamic" };
}

function element(node: SyntaxNode, at: ScalarContext): Scalar {
  const selector = needPart(node, "Selector");
  const key = part(selector, "Expression") ?? part(selector, "Name");
  // `[-1]` is a sign and a number to the parser.
  if (key && /^-\d+$/.test(textOf(key))) return member(node, at, textOf(key));
  const known = key && literal(kindOf(key), key, at.context.text);
  if (!key || !known)
    throw notCarried(`the selector '${sourceOf(selector, at.context.text)}'`, selector, at.context.text);
  return member(
    node,
    at,
    known.kind === "string" ? JSON.stringify(String(key.LiteralValue)) : String(Number(textOf(key))),
  );
}

function called(node: SyntaxNode, at: ScalarContext): Scalar {
  const name = nameOf(needPart(node, "Name"));
  const build = scalarFunctions[name];
  const args = elementsIn(part(needPart(node, "ArgumentList"), "Expressions"));
  if (!build) throw notCarried(`the function '${name}()'`, node, at.context.text);
  const values = args.map((argument) => scalar(argument, at));
  const result = scalarType(node) ?? values[0]?.kind ?? "dynamic";
  const sql = build({ args: values, result, now: at.context.now, extent: at.extent });
  if (!sql) throw notCarried(`the function '${name}()' with these arguments`, node, at.context.text);
  return { sql, kind: result };
}
