import type { Kind } from "../../../schema/kinds.ts";
import { itemsIn, textIn } from "../../engine/called/json-values.ts";
import { textReaders } from "../../values/text-values.ts";
import { newAlias } from "../context.ts";
import type { Scalar } from "../relation.ts";
import type { ScalarContext } from "../row.ts";
import { tabular } from "../tabular.ts";
import { elementsIn, isTabular, needPart, part, type SyntaxNode } from "../tree.ts";
import { equalSql } from "./comparisons.ts";
import { commonKind, converted, textSql } from "./convert.ts";
import { valueSql } from "./literals.ts";
import { once } from "./once.ts";
import { scalar } from "./scalar.ts";
import { equalAnyCase, hasTermAnyCase } from "./strings.ts";

/** `in`, `in~`, `!in`, `!in~`, `has_any`, `has_all`: against a list of values, an array, or a table's first column. */
export function among(kind: string, node: SyntaxNode, at: ScalarContext): Scalar {
  const left = scalar(needPart(node, "Left"), at);
  const items = elementsIn(part(needPart(node, "Right"), "Expressions"));
  const list = items.flatMap((item): readonly Item[] => itemsOf(item, left, at));
  const test = testOf(kind, left);
  const isAll = kind === "HasAllExpression";
  const literals = kind.startsWith("Has") ? undefined : literalSql(kind, left, list);
  const tests = literals
    ? [literals]
    : list.map((item) => {
        if ("table" in item) return inTable(item.table, at, test, isAll);
        if ("array" in item) return inArray(item.array, kind, left, isAll);
        return `coalesce(${test(item)}, false)`;
      });
  const joined = tests.length === 0 ? String(isAll) : tests.join(isAll ? " AND " : " OR ");
  return { sql: kind.startsWith("Not") ? `(NOT (${joined}))` : `(${joined})`, kind: "bool" };
}

type Item = Scalar | { readonly table: SyntaxNode } | { readonly array: Scalar };

/** What is looked among: a table, an array of the row's, or values, which an array that is written out gives too. */
function itemsOf(node: SyntaxNode, left: Scalar, at: ScalarContext): readonly Item[] {
  if (isTabular(node)) return [{ table: node }];
  const item = scalar(node, at);
  if (item.kind !== "dynamic") return [item];
  return writtenItems(item, left.kind) ?? [{ array: item }];
}

/**
 * The items of an array that the query writes out, as the type that they are compared as: `has_any (dynamic([...]))` over 4 000 rows took
 * more than a minute with the array taken apart for each row, and takes 0.05 s.
 */
function writtenItems({ literal: json }: Scalar, kind: Kind): Scalar[] | undefined {
  if (typeof json !== "string" || (kind !== "string" && kind !== "long" && kind !== "int" && kind !== "real"))
    return undefined;
  const items = itemsIn(json) ?? [json];
  if (items.some((item) => /^\s*[[{]/.test(item))) return undefined;
  return items.flatMap((item) => {
    const value = item === "null" ? null : textReaders[kind](textIn(item));
    return value === null ? [] : [valueSql(value, kind)];
  });
}

/** Literals alone are one list of SQL's own: 5 000 of them as tests of their own took DuckDB 5.7 s to plan. */
function literalSql(kind: string, left: Scalar, list: readonly Item[]): string | undefined {
  const values = list.map((item) => ("sql" in item && item.literal !== undefined ? item : undefined));
  const isAnyCase = kind.includes("Cs");
  const common = isAnyCase ? "string" : commonKindOf(left, values);
  if (values.length === 0 || !common || values.some((value) => !value || value.literal === null)) return undefined;
  if (isAnyCase && values.some((value) => value!.kind === "dynamic")) return undefined;
  const written = values.map((value) => {
    const sql = converted(value!, common);
    return isAnyCase ? `lower(${sql})` : sql;
  });
  const value = converted(left, common);
  return `coalesce(${isAnyCase ? `lower(${value})` : value} IN (${written.join(", ")}), false)`;
}

/** What all can be compared as; undefined where they differ, or one is null. */
function commonKindOf(left: Scalar, values: readonly (Scalar | undefined)[]): Kind | undefined {
  const first = values[0];
  if (!first || values.some((value) => value?.kind !== first.kind || value.literal === null)) return undefined;
  return first.kind === "dynamic" ? undefined : commonKind(left.kind, first.kind);
}

type Test = (right: Scalar) => string;

/** The names of the nodes are crossed: `InCs` is `in~`. */
function testOf(kind: string, left: Scalar): Test {
  if (kind.startsWith("Has"))
    return (right) => hasTermAnyCase(textSql(left), textSql(right), right.literal !== undefined);
  if (kind.includes("Cs")) return (right) => equalAnyCase(textSql(left), textSql(right), right.literal !== undefined);
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
