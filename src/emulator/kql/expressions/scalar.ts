import { sqlText } from "../../engine/physical.ts";
import { semanticError } from "../../kusto-error.ts";
import { calledBody, scalarOfCall } from "../calls.ts";
import { isLambda, isRelation } from "../context.ts";
import { kindOf, notCarried } from "../language.ts";
import type { Scalar } from "../relation.ts";
import type { ScalarContext } from "../row.ts";
import { tabular } from "../tabular.ts";
import {
  argumentsIn,
  isTabular,
  nameOf,
  needPart,
  part,
  positionText,
  type SyntaxNode,
  scalarType,
  sourceOf,
  textOf,
} from "../tree.ts";
import { aggregate, isAggregate } from "./aggregates.ts";
import { arithmetic, arithmeticSigns } from "./arithmetic.ts";
import { betweenSql, comparison, equalSql, isComparable } from "./comparisons.ts";
import { commonKind, converted, textSql } from "./convert.ts";
import { calledSql } from "./functions/call.ts";
import { scalarFunctions } from "./functions/functions.ts";
import { literal } from "./literals.ts";
import { among } from "./membership.ts";
import { once } from "./once.ts";
import { isNegated, textTests } from "./strings.ts";

/** Translates a scalar expression; its type is the one that Kusto's binder found. */
export function scalar(node: SyntaxNode, at: ScalarContext): Scalar {
  const kind = kindOf(node);
  const known = literal(kind, node, at.context.text);
  if (known) return known;
  switch (kind) {
    case "NameReference":
      return named(node, at);
    case "ParenthesizedExpression":
    case "SimpleNamedExpression":
    case "UnaryPlusExpression":
      return scalar(needPart(node, "Expression"), at);
    case "UnaryMinusExpression":
      return negated(node, at);
    case "AndExpression":
    case "OrExpression":
      return connected(kind, node, at);
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
      return member(node, at, { sql: sqlText(JSON.stringify(nameOf(needPart(node, "Selector")))), kind: "dynamic" });
    case "ElementExpression":
      return element(node, at);
    case "FunctionCallExpression":
      return called(node, at);
    case "ToScalarExpression":
      return firstValue(node, at);
    case "TypeOfLiteralExpression":
      return typeLiteral(node, at);
    case "StarExpression":
      // Where `*` has a meaning, whoever gives it that meaning has looked at it before.
      throw notCarried("'*' in this place", node, at.context.text);
  }
  return binary(kind, node, at);
}

const bool = (sql: string): Scalar => ({ sql, kind: "bool" });

/** A predicate as SQL. */
export function condition(node: SyntaxNode, at: ScalarContext): string {
  return converted(scalar(node, at), "bool");
}

function named(node: SyntaxNode, at: ScalarContext): Scalar {
  const { context, columns } = at;
  const name = nameOf(node);
  const column = columns(name);
  if (column) return { sql: column.sql, kind: column.kind };
  const defined = context.lets.get(name);
  if (defined && isLambda(defined)) return scalarOfCall(node, defined.body, at);
  if (defined && !isRelation(defined)) return defined;
  throw semanticError(
    `SEM0100: Failed to resolve scalar expression named '${name}' ${positionText(context.text, node.TextStart)}`,
  );
}

function negated(node: SyntaxNode, at: ScalarContext): Scalar {
  const value = scalar(needPart(node, "Expression"), at);
  if (value.kind === "decimal") return { sql: `k_decimal_subtract('0', ${value.sql})`, kind: "decimal" };
  if (value.kind === "dynamic") return { sql: calledSql("negate_dynamic", [value], "dynamic"), kind: "dynamic" };
  return { sql: `(-${value.sql})`, kind: value.kind };
}

/** A chain of `and` or of `or`, however long, is one list: neither we nor DuckDB go down a frame for each of its links. */
function connected(kind: string, node: SyntaxNode, at: ScalarContext): Scalar {
  const links: SyntaxNode[] = [];
  let rest = node;
  for (; kindOf(rest) === kind; rest = needPart(rest, "Left")) links.push(needPart(rest, "Right"));
  links.push(rest);
  const conditions = links.reverse().map((link) => condition(link, at));
  return bool(`(${conditions.join(kind === "AndExpression" ? " AND " : " OR ")})`);
}

function binary(kind: string, node: SyntaxNode, at: ScalarContext): Scalar {
  const { text } = at.context;
  const [leftNode, rightNode] = [part(node, "Left"), part(node, "Right")];
  if (!leftNode || !rightNode) throw notCarried(`the expression '${sourceOf(node, text)}'`, node, text);
  if (kindOf(leftNode) === "StarExpression") return anyColumn(kind, node, rightNode, at);
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

/** `* has "x"`, `* == 1`: whether the test holds for any column of the row. */
function anyColumn(kind: string, node: SyntaxNode, rightNode: SyntaxNode, at: ScalarContext): Scalar {
  const { text } = at.context;
  const right = scalar(rightNode, at);
  const test = textTests[kind];
  if (test && !isNegated(kind)) {
    const tests = (wanted: string) => at.row.map((column) => test(textSql(column), wanted));
    return bool(once(textSql(right), (wanted) => anyOf(tests(wanted))));
  }
  if (kind === "EqualExpression") {
    const fitting = at.row.filter((column) => isComparable(column.kind, right.kind));
    const tests = (wanted: string) =>
      fitting.map((column) => `coalesce(${equalSql(column, { ...right, sql: wanted })}, false)`);
    return bool(once(right.sql, (wanted) => anyOf(tests(wanted))));
  }
  // The documentation does not say whether one column or all of them must pass a negated test.
  const advice = isNegated(kind) ? "; write not(* ...) with the positive operator" : "";
  throw notCarried(`'*' before this operator in '${sourceOf(node, text)}'${advice}`, node, text);
}

const anyOf = (tests: readonly string[]) => (tests.length === 0 ? "false" : `(${tests.join(" OR ")})`);

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

/** A member by a JSON text: a name or an index. */
function member(node: SyntaxNode, at: ScalarContext, step: Scalar): Scalar {
  const from = scalar(needPart(node, "Expression"), at);
  return { sql: `k_dynamic_get(${converted(from, "dynamic")}, ${converted(step, "dynamic")})`, kind: "dynamic" };
}

function element(node: SyntaxNode, at: ScalarContext): Scalar {
  const selector = needPart(node, "Selector");
  const key = part(selector, "Expression") ?? part(selector, "Name");
  if (!key) throw notCarried(`the selector '${sourceOf(selector, at.context.text)}'`, selector, at.context.text);
  // `[-1]` is a sign and a number to the parser.
  if (/^-\d+$/.test(textOf(key))) return member(node, at, { sql: sqlText(textOf(key)), kind: "dynamic" });
  return member(node, at, scalar(key, at));
}

/** `toscalar(T)`: the first value of the first row. */
function firstValue(node: SyntaxNode, at: ScalarContext): Scalar {
  const expression = needPart(node, "Expression");
  if (!expression.ResultType?.Columns) return scalar(expression, at);
  const relation = tabular(expression, at.context);
  const column = relation.columns[0];
  if (!column) throw notCarried("toscalar() of a table without columns", node, at.context.text);
  const order = relation.order ? ` ORDER BY ${relation.order}` : "";
  return { sql: `(SELECT ${column.sql} FROM (${relation.sql})${order} LIMIT 1)`, kind: column.kind };
}

/** `typeof(long)` as an argument: its name. */
function typeLiteral(node: SyntaxNode, at: ScalarContext): Scalar {
  const name = node.ReferencedSymbol?.Name;
  if (!name) throw notCarried(`'${sourceOf(node, at.context.text)}'`, node, at.context.text);
  return { sql: sqlText(name), kind: "string", literal: name };
}

function called(node: SyntaxNode, at: ScalarContext): Scalar {
  const body = calledBody(node, at.context);
  if (body) return scalarOfCall(node, body, at);
  const name = nameOf(needPart(node, "Name"));
  if (at.isAggregating && isAggregate(name)) return aggregate(node, at);
  const build = scalarFunctions[name];
  const nodes = argumentsIn(node);
  if (!build) throw notCarried(`the function '${name}()'`, node, at.context.text);
  const args = nodes.flatMap((argument): readonly Scalar[] =>
    kindOf(argument) === "StarExpression" ? at.row : [scalar(argument, at)],
  );
  const result = scalarType(node) ?? args[0]?.kind ?? "dynamic";
  const sql = build({ args, result, now: at.context.now, at, nodes, isTuple: isTabular(node) });
  if (!sql) throw notCarried(`the function '${name}()' with these arguments`, node, at.context.text);
  return { sql, kind: result };
}
