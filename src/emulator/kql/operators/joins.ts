import { newAlias, type QueryContext, scopeOf } from "../context.ts";
import { commonKind, converted } from "../expressions/convert.ts";
import { kindOf, notCarried } from "../language.ts";
import type { Relation, RelationColumn, Scalar } from "../relation.ts";
import { tabular } from "../tabular.ts";
import {
  elementsIn,
  nameOf,
  needPart,
  parameterOf,
  resultColumns,
  type SyntaxNode,
  sourceOf,
  textOf,
} from "../tree.ts";
import { needInput, type Operator } from "./operator.ts";

/** What both sides must have equal. */
interface JoinKey {
  readonly left: Scalar;
  readonly right: Scalar;
  /** The right side's column, where the key is one. */
  readonly rightName: string | undefined;
}

type Kind = "inner" | "innerunique" | "left" | "right" | "full" | "leftsemi" | "rightsemi" | "leftanti" | "rightanti";

/** Join kinds by the words for them. */
const kinds: Readonly<Record<string, Kind | undefined>> = {
  inner: "inner",
  innerunique: "innerunique",
  leftouter: "left",
  rightouter: "right",
  fullouter: "full",
  leftsemi: "leftsemi",
  rightsemi: "rightsemi",
  anti: "leftanti",
  leftanti: "leftanti",
  leftantisemi: "leftanti",
  rightanti: "rightanti",
  rightantisemi: "rightanti",
};

/** `join`: both tables' columns; the kind that nobody asks for keeps one row of the left side for each key. */
const join: Operator = (node, from, context) => {
  const left = needInput(from);
  const right = tabular(needPart(node, "Expression"), context);
  const kind = kindIn(node, "innerunique", context);
  const keys = keysOf(needPart(node, "ConditionClause"), left, right, context);
  const [l, r] = [newAlias(context, "l"), newAlias(context, "r")];
  const columns = resultColumns(node);
  const on = conditionOf(keys, l, r);
  if (kind === "leftsemi" || kind === "leftanti")
    return kept(left, `${kind === "leftanti" ? "NOT " : ""}EXISTS (SELECT 1 FROM (${right.sql}) ${r} WHERE ${on})`, l);
  if (kind === "rightsemi" || kind === "rightanti")
    return kept(right, `${kind === "rightanti" ? "NOT " : ""}EXISTS (SELECT 1 FROM (${left.sql}) ${l} WHERE ${on})`, r);
  const values = [
    ...left.columns.map((column) => sideColumn(column, l, kind === "right" || kind === "full")),
    ...right.columns.map((column) => sideColumn(column, r, kind === "left" || kind === "full")),
  ];
  if (columns.length !== values.length) throw notCarried(`'${sourceOf(node, context.text)}'`, node, context.text);
  const leftSql = kind === "innerunique" ? onePerKey(left, keys) : left.sql;
  const word = { inner: "JOIN", innerunique: "JOIN", left: "LEFT JOIN", right: "RIGHT JOIN", full: "FULL JOIN" }[kind];
  return joined(`(${leftSql}) ${l} ${word} (${right.sql}) ${r} ON ${on}`, values, columns);
};

/** `lookup`: the right side's columns but its keys, beside the left side's. */
const lookup: Operator = (node, from, context) => {
  const left = needInput(from);
  const right = tabular(needPart(node, "Expression"), context);
  const kind = kindIn(node, "leftouter", context);
  const keys = keysOf(needPart(node, "LookupClause"), left, right, context);
  const [l, r] = [newAlias(context, "l"), newAlias(context, "r")];
  const columns = resultColumns(node);
  const keyNames = new Set(keys.map(({ rightName }) => rightName));
  const values = [
    ...left.columns.map((column) => sideColumn(column, l, false)),
    ...right.columns.filter(({ name }) => !keyNames.has(name)).map((column) => sideColumn(column, r, kind === "left")),
  ];
  if (columns.length !== values.length || (kind !== "left" && kind !== "inner"))
    throw notCarried(`'${sourceOf(node, context.text)}'`, node, context.text);
  const word = kind === "left" ? "LEFT JOIN" : "JOIN";
  return joined(`(${left.sql}) ${l} ${word} (${right.sql}) ${r} ON ${conditionOf(keys, l, r)}`, values, columns);
};

function kindIn(node: SyntaxNode, byDefault: string, context: QueryContext): Kind {
  const asked = parameterOf(node, "kind");
  const kind = kinds[asked ? textOf(asked).toLowerCase() : byDefault];
  if (!kind) throw notCarried(`the join kind '${textOf(asked!)}'`, asked!, context.text);
  return kind;
}

function joined(
  from: string,
  values: readonly string[],
  columns: readonly { readonly name: string; readonly kind: RelationColumn["kind"] }[],
): Relation {
  return {
    sql: `SELECT ${values.map((value, index) => `${value} AS c${index}`).join(", ")} FROM ${from}`,
    columns: columns.map((column, index) => ({ ...column, sql: `c${index}` })),
    order: undefined,
  };
}

/** The rows of one side alone. */
function kept(relation: Relation, condition: string, alias: string): Relation {
  return { ...relation, sql: `SELECT * FROM (${relation.sql}) ${alias} WHERE ${condition}` };
}

/** A string that is missing is empty. */
function sideColumn({ sql, kind }: RelationColumn, alias: string, mayMiss: boolean): string {
  return mayMiss && kind === "string" ? `coalesce(${alias}.${sql}, '')` : `${alias}.${sql}`;
}

function onePerKey(left: Relation, keys: readonly JoinKey[]): string {
  const by = keys.map((key) => key.left.sql).join(", ");
  const order = left.order ? ` ORDER BY ${left.order}` : "";
  return `SELECT * FROM (${left.sql}) QUALIFY row_number() OVER (PARTITION BY ${by}${order}) = 1`;
}

function keysOf(clause: SyntaxNode, left: Relation, right: Relation, context: QueryContext): readonly JoinKey[] {
  if (kindOf(clause) !== "JoinOnClause") throw notCarried(`'${textOf(clause)}'`, clause, context.text);
  return elementsIn(needPart(clause, "Expressions")).flatMap((each) => keysIn(each, left, right, context));
}

function keysIn(node: SyntaxNode, left: Relation, right: Relation, context: QueryContext): JoinKey[] {
  switch (kindOf(node)) {
    case "ParenthesizedExpression":
      return keysIn(needPart(node, "Expression"), left, right, context);
    case "AndExpression":
      return [
        ...keysIn(needPart(node, "Left"), left, right, context),
        ...keysIn(needPart(node, "Right"), left, right, context),
      ];
    case "NameReference": {
      const name = nameOf(node);
      const [a, b] = [scopeOf(left.columns)(name), scopeOf(right.columns)(name)];
      if (a && b) return [{ left: a, right: b, rightName: name }];
      break;
    }
    case "EqualExpression": {
      const sides = [
        sideOf(needPart(node, "Left"), left, right, context),
        sideOf(needPart(node, "Right"), left, right, context),
      ];
      const [a, b] = [sides.find(({ side }) => side === "$left"), sides.find(({ side }) => side === "$right")];
      if (a && b) return [{ left: a.value, right: b.value, rightName: b.name }];
    }
  }
  throw notCarried(`the condition '${sourceOf(node, context.text)}'`, node, context.text);
}

/** `$left.a`: an expression over the columns of one side. */
function sideOf(
  node: SyntaxNode,
  left: Relation,
  right: Relation,
  context: QueryContext,
): { side: string; value: Scalar; name: string | undefined } {
  const side = /\$(left|right)\b/.exec(node.ToString())?.[0];
  if (!side) throw notCarried(`the condition '${sourceOf(node, context.text)}'`, node, context.text);
  const columns = scopeOf((side === "$left" ? left : right).columns);
  const isColumn = kindOf(node) === "PathExpression" && textOf(needPart(node, "Expression")) === side;
  const name = isColumn ? nameOf(needPart(node, "Selector")) : undefined;
  const value = name === undefined ? undefined : columns(name);
  if (!value) throw notCarried(`the condition '${sourceOf(node, context.text)}'`, node, context.text);
  return { side, value, name };
}

/** A null equals nothing. */
function conditionOf(keys: readonly JoinKey[], l: string, r: string): string {
  return keys
    .map(({ left, right }) => {
      const kind = commonKind(left.kind, right.kind);
      return `${converted(aliased(left, l), kind)} = ${converted(aliased(right, r), kind)}`;
    })
    .join(" AND ");
}

/** A column of one side, by the side's alias. */
function aliased(value: Scalar, alias: string): Scalar {
  return { ...value, sql: `${alias}.${value.sql}` };
}

export const joinOperators: Readonly<Record<string, Operator>> = { JoinOperator: join, LookupOperator: lookup };
