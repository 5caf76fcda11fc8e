import type { Kind } from "../../../schema/kinds.ts";
import { KustoError } from "../../kusto-error.ts";
import { relationOfView, viewsIn } from "../calls.ts";
import type { QueryContext } from "../context.ts";
import { valueSql } from "../expressions/literals.ts";
import { kindOf } from "../language.ts";
import { columnNamed, type Relation } from "../relation.ts";
import { stored, tabular } from "../tabular.ts";
import { elementsIn, needPart, parameterOf, resultColumns, type SyntaxNode, textOf } from "../tree.ts";
import { columnParameter, type Operator } from "./operator.ts";

/** `union`: the rows of all, each column by its name and type; the binder has named those that differ in type. */
const union: Operator = (node, from, context) => {
  const fuzzy = parameterOf(node, "isfuzzy");
  const isFuzzy = fuzzy !== undefined && textOf(fuzzy).toLowerCase() === "true";
  const given = elementsIn(needPart(node, "Expressions")).flatMap((each) => tablesOf(each, context, isFuzzy));
  const tables = from ? [from, ...given] : given;
  const kind = parameterOf(node, "kind");
  const isInner = kind !== undefined && textOf(kind).toLowerCase() === "inner";
  const columns = resultColumns(node);
  const source = columnParameter(node, columns, context, "withsource", "with_source");
  // The binder does not see to `kind=inner`.
  const kept = isInner ? columns.filter((column) => tables.every((table) => has(table, column))) : columns;
  return united(tables, source && isInner ? [columns[0]!, ...kept] : kept, source);
};

const has = (table: Relation, { name, kind }: { name: string; kind: Kind }) =>
  columnNamed(table.columns, name)?.kind === kind;

/** The tables that an argument names: several for a name with a wildcard, none for what a fuzzy union cannot find. */
export function tablesOf(node: SyntaxNode, context: QueryContext, isFuzzy = false): Relation[] {
  const bare = kindOf(node) === "ParenthesizedExpression" ? needPart(node, "Expression") : node;
  if (isWildcard(bare)) return matching(bare, context);
  try {
    return [tabular(node, context)];
  } catch (error) {
    if (isFuzzy && error instanceof KustoError && error.message.includes("Failed to resolve table")) return [];
    throw error;
  }
}

const isWildcard = (node: SyntaxNode) => /\*/.test(textOf(node)) && !/[\s|(]/.test(textOf(node));

function matching(node: SyntaxNode, context: QueryContext): Relation[] {
  const pattern = new RegExp(
    `^${textOf(node)
      .replaceAll(/[^\w*]/g, "\\$&")
      .replaceAll("*", ".*")}$`,
  );
  return everyTable(context).flatMap(([name, make]) => (pattern.test(name) ? [make()] : []));
}

/** All tables and views by name. */
export function everyTable(context: QueryContext): [name: string, make: () => Relation][] {
  return [
    ...viewsIn(context).map(([name, view]): [string, () => Relation] => [
      name,
      () => relationOfView(name, view, context),
    ]),
    ...[...context.database.tables.values()].map((table): [string, () => Relation] => [
      table.name,
      () => stored(table, context),
    ]),
  ];
}

/** All rows under the given columns; what a table does not have is null there. */
export function united(
  tables: readonly Relation[],
  columns: readonly { readonly name: string; readonly kind: Kind }[],
  source: string | undefined,
): Relation {
  const keys = [...new Map(tables.flatMap(({ columns }) => columns.map((column) => [keyOf(column), column]))).values()];
  const shift = source === undefined ? 0 : 1;
  // One column for each name and type, in the order in which they come: so does the binder, whatever it calls them.
  const isByPlace = keys.length + shift === columns.length;
  const hasExtents = tables.some(({ extent }) => extent !== undefined);
  const sourceAt = source === undefined ? -1 : columns.findIndex((column) => column.name === source);
  const parts = tables.map((table, place) => {
    const sqlOf = new Map(table.columns.map((column) => [keyOf(column), column.sql]));
    const values = columns.map(({ name, kind }, index) => {
      const key = (isByPlace && keys[index - shift]) || { name, kind };
      const value =
        index === sourceAt
          ? valueSql(table.source ?? `union_arg${place}`, "string").sql
          : (sqlOf.get(keyOf(key)) ?? valueSql(null, key.kind).sql);
      return `${value} AS c${index}`;
    });
    if (hasExtents) values.push(`${table.extent ?? "CAST(NULL AS INTEGER)"} AS x`);
    const order = table.order ? ` ORDER BY ${table.order}` : "";
    return `(SELECT ${values.join(", ") || "0 AS nothing"} FROM (${table.sql})${order})`;
  });
  const nothing = `SELECT ${columns.map(({ kind }, index) => `${valueSql(null, kind).sql} AS c${index}`).join(", ") || "0"} WHERE false`;
  return {
    sql: parts.length > 0 ? parts.join(" UNION ALL ") : nothing,
    columns: columns.map((column, index) => ({ ...column, sql: `c${index}` })),
    order: undefined,
    extent: hasExtents ? "x" : undefined,
  };
}

/** Columns of one name and several types are several columns. */
const keyOf = ({ name, kind }: { readonly name: string; readonly kind: Kind }) => `${kind} ${name}`;

export const unionOperators: Readonly<Record<string, Operator>> = { UnionOperator: union };
