import type { Kind } from "../../../schema/kinds.ts";
import { newAlias, type QueryContext } from "../context.ts";
import { converted } from "../expressions/convert.ts";
import { scalar } from "../expressions/scalar.ts";
import { kindOf, notCarried } from "../language.ts";
import { columnNamed, type Relation } from "../relation.ts";
import { noRow, over } from "../row.ts";
import { operate } from "../tabular.ts";
import {
  elementsIn,
  findPart,
  kindNamed,
  nameOf,
  needPart,
  parameterOf,
  part,
  resultColumns,
  type SyntaxNode,
  sourceOf,
  textOf,
} from "../tree.ts";
import { columnParameter, needInput, type Operator } from "./operator.ts";

/** One array or bag that is taken apart. */
interface Expanded {
  readonly name: string;
  readonly kind: Kind;
  /** The hidden column that holds the items' JSON texts as a list. */
  readonly list: string;
}

/** The input with its lists as hidden columns, and how many rows each of its rows becomes. */
interface Prepared {
  readonly relation: Relation;
  readonly expanded: readonly Expanded[];
  readonly rows: string;
}

function prepared(node: SyntaxNode, input: Relation, context: QueryContext): Prepared {
  const mode = parameterOf(node, "kind", "bagexpansion");
  const split = mode && textOf(mode).toLowerCase() === "array" ? "k_key_values" : "k_items";
  const at = over(input, context);
  const expanded: Expanded[] = [];
  const lists: string[] = [];
  for (const each of elementsIn(needPart(node, "Expressions"))) {
    const value = scalar(needPart(each, "Expression"), at);
    const list = newAlias(context, "m");
    expanded.push({ name: nameFor(needPart(each, "Expression"), node, input, expanded), kind: typeFor(each), list });
    const items = `${split}(coalesce(${converted(value, "dynamic")}, 'null'))`;
    lists.push(`coalesce(string_split(${items}, chr(1)), []) AS ${list}`);
  }
  const { relation } = at.source;
  const longest = `greatest(${expanded.map(({ list }) => `len(${list})`).join(", ")})`;
  const clause = part(node, "RowLimitClause");
  const limit = clause && scalar(needPart(clause, "RowLimit"), noRow(context));
  return {
    relation: { ...relation, sql: `SELECT *, ${lists.join(", ")} FROM (${relation.sql})` },
    expanded,
    rows: limit ? `least(${longest}, ${limit.sql})` : longest,
  };
}

/** The name of an expanded column: its own, its column's, or the one that the binder made up. */
function nameFor(node: SyntaxNode, operator: SyntaxNode, input: Relation, before: readonly Expanded[]): string {
  if (kindOf(node) === "SimpleNamedExpression") return nameOf(needPart(node, "Name"));
  if (kindOf(node) === "NameReference") return nameOf(node);
  const taken = new Set([...input.columns, ...before].map(({ name }) => name));
  return resultColumns(operator).find(({ name }) => !taken.has(name))?.name ?? "";
}

function typeFor(node: SyntaxNode): Kind {
  const clause = part(node, "ToTypeOf");
  const name = clause && findPart(clause, "TypeOf")?.ReferencedSymbol?.Name;
  return (name && kindNamed({ Name: name })) || "dynamic";
}

/** An item as the type that is asked for: a cast, so a text is no number. */
function itemSql({ list, kind }: Expanded, alias: string, index: string): string {
  const item = `nullif(${alias}${list}[${index} + 1], 'null')`;
  if (kind === "dynamic") return item;
  const value = converted({ sql: item, kind: "dynamic" }, kind);
  const isNumber = kind === "int" || kind === "long" || kind === "real" || kind === "bool";
  return isNumber ? `CASE WHEN NOT starts_with(${item}, '"') THEN ${value} END` : value;
}

/** `mv-expand`: a row for each item of the longest of the arrays. */
const expand: Operator = (node, from, context) => {
  const input = needInput(from);
  const { relation, expanded, rows } = prepared(node, input, context);
  const columns = resultColumns(node);
  const index = columnParameter(node, columns, context, "with_itemindex");
  const values = columns.map(({ name, kind }) => {
    const found = expanded.find((each) => each.name === name);
    if (found) return itemSql({ ...found, kind }, "", "i");
    if (index === name) return "i";
    return columnNamed(input.columns, name)?.sql;
  });
  if (values.includes(undefined)) throw notCarried(`'${sourceOf(node, context.text)}'`, node, context.text);
  const list = values.map((value, place) => `${value} AS c${place}`);
  if (relation.order) list.push(`row_number() OVER (ORDER BY ${relation.order}, i) AS o`);
  if (relation.extent) list.push(relation.extent);
  return {
    sql: `SELECT ${list.join(", ")} FROM (SELECT *, unnest(range(0, ${rows})) AS i FROM (${relation.sql}))`,
    columns: columns.map((column, place) => ({ ...column, sql: `c${place}` })),
    order: relation.order && "o",
    extent: relation.extent,
  };
};

/** `mv-apply`: a subquery over the items of each row. */
const apply: Operator = (node, from, context) => {
  const id = part(node, "ContextIdClause");
  if (id) throw notCarried(`'${sourceOf(id, context.text)}' of mv-apply`, id, context.text);
  const input = needInput(from);
  const { relation, expanded, rows } = prepared(node, input, context);
  const l = newAlias(context, "l");
  const s = newAlias(context, "s");
  const index = parameterOf(node, "with_itemindex");
  const outer = input.columns.filter(({ name }) => !expanded.some((each) => each.name === name));
  const columns = [
    ...outer.map(({ name, kind, sql }) => ({ name, kind, value: `${l}.${sql}` })),
    ...expanded.map((each) => ({ name: each.name, kind: each.kind, value: itemSql(each, `${l}.`, "i") })),
    ...(index ? [{ name: nameOf(index), kind: "long" as const, value: "i" }] : []),
  ];
  const list = columns.map(({ value }, place) => `${value} AS c${place}`);
  const items: Relation = {
    sql: `SELECT ${[...list, "i AS o"].join(", ")} FROM (SELECT unnest(range(0, ${rowsOf(rows, l, expanded)})) AS i)`,
    columns: columns.map(({ name, kind }, place) => ({ name, kind, sql: `c${place}` })),
    order: "o",
  };
  const result = applied(needPart(needPart(node, "Subquery"), "Expression"), items, { ...context, isCorrelated: true });
  const values = resultColumns(node).map(({ name }) => {
    const inner = columnNamed(result.columns, name);
    const own = columnNamed(outer, name);
    return inner ? `${s}.${inner.sql}` : own && `${l}.${own.sql}`;
  });
  if (values.includes(undefined)) throw notCarried(`'${sourceOf(node, context.text)}'`, node, context.text);
  const named = values.map((value, place) => `${value} AS c${place}`);
  const places = [
    ...(relation.order ? [`${l}.${relation.order}`] : []),
    ...(result.order ? [`${s}.${result.order}`] : []),
  ].join(", ");
  if (relation.order) named.push(`row_number() OVER (ORDER BY ${places}) AS o`);
  return {
    sql: `SELECT ${named.join(", ")} FROM (${relation.sql}) ${l}, LATERAL (${result.sql}) ${s}`,
    columns: resultColumns(node).map((column, place) => ({ ...column, sql: `c${place}` })),
    order: relation.order && "o",
  };
};

const rowsOf = (rows: string, alias: string, expanded: readonly Expanded[]): string =>
  expanded.reduce((sql, { list }) => sql.replaceAll(`len(${list})`, `len(${alias}.${list})`), rows);

/** The subquery begins with an operator over what the outer one gives. */
function applied(node: SyntaxNode, items: Relation, context: QueryContext): Relation {
  if (kindOf(node) === "PipeExpression")
    return operate(needPart(node, "Operator"), applied(needPart(node, "Expression"), items, context), context);
  if (kindOf(node) === "ParenthesizedExpression") return applied(needPart(node, "Expression"), items, context);
  return operate(node, items, context);
}

export const expansionOperators: Readonly<Record<string, Operator>> = {
  MvApplyOperator: apply,
  MvExpandOperator: expand,
};
