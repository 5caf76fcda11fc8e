import { newAlias } from "../context.ts";
import type { Scalar } from "../relation.ts";
import type { ScalarContext } from "../row.ts";
import { tabular } from "../tabular.ts";
import { elementsIn, isTabular, needPart, part, type SyntaxNode, scalarType } from "../tree.ts";
import { equalSql } from "./comparisons.ts";
import { converted, textSql } from "./convert.ts";
import { once } from "./once.ts";
import { scalar } from "./scalar.ts";
import { equalAnyCase, hasTermAnyCase } from "./strings.ts";

/** `in`, `in~`, `!in`, `!in~`, `has_any`, `has_all`: against a list of values, an array, or a table's first column. */
export function among(kind: string, node: SyntaxNode, at: ScalarContext): Scalar {
  const left = scalar(needPart(node, "Left"), at);
  const list = elementsIn(part(needPart(node, "Right"), "Expressions"));
  const test = testOf(kind, left);
  const isAll = kind === "HasAllExpression";
  const tests = list.map((item) => {
    if (isTabular(item)) return inTable(item, at, test, isAll);
    if (scalarType(item) === "dynamic") return inArray(scalar(item, at), kind, left, isAll);
    return `coalesce(${test(scalar(item, at))}, false)`;
  });
  const joined = tests.length === 0 ? String(isAll) : tests.join(isAll ? " AND " : " OR ");
  return { sql: kind.startsWith("Not") ? `(NOT (${joined}))` : `(${joined})`, kind: "bool" };
}

type Test = (right: Scalar) => string;

/** The names of the nodes are crossed: `InCs` is `in~`. */
function testOf(kind: string, left: Scalar): Test {
  if (kind.startsWith("Has")) return (right) => hasTermAnyCase(textSql(left), textSql(right));
  if (kind.includes("Cs")) return (right) => equalAnyCase(textSql(left), textSql(right));
  return (right) => equalSql(left, right);
}

function inTable(node: SyntaxNode, at: ScalarContext, test: Test, isAll: boolean): string {
  const relation = tabular(node, at.context);
  const column = relation.columns[0]!;
  // A name of its own: the outer table's columns have the same names as the inner one's.
  const name = newAlias(at.context, "m");
  const rows = `(SELECT ${column.sql} AS ${name} FROM (${relation.sql}))`;
  const holds = test({ sql: name, kind: column.kind });
  if (isAll) return `(SELECT coalesce(bool_and(${holds}), true) FROM ${rows})`;
  return `coalesce(EXISTS (SELECT 1 FROM ${rows} WHERE ${holds}), false)`;
}

function inArray(array: Scalar, kind: string, left: Scalar, isAll: boolean): string {
  const items = `coalesce(string_split(k_items(${array.sql}), chr(1)), [])`;
  return once(
    left.sql,
    (value) => {
      const test = testOf(kind, { sql: value, kind: left.kind });
      const right: Scalar = { sql: converted({ sql: "i", kind: "dynamic" }, left.kind), kind: left.kind };
      const hits = `list_transform(${items}, lambda i: coalesce(${test(right)}, false))`;
      return isAll ? `(NOT list_contains(${hits}, false))` : `list_contains(${hits}, true)`;
    },
    "w",
  );
}
