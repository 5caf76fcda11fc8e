import type { Kind } from "../../../schema/kinds.ts";
import { isLambda, isRelation, type QueryContext } from "../context.ts";
import { valueSql } from "../expressions/literals.ts";
import { kindOf } from "../language.ts";
import type { Relation } from "../relation.ts";
import { stored, tabular } from "../tabular.ts";
import { elementsIn, itemsOf, nameOf, needPart, parameterOf, resultColumns, type SyntaxNode, textOf } from "../tree.ts";
import { type Operator, onlyParameters } from "./operator.ts";

/** `union`: the rows of all, each column by its name and type; the binder has named those that differ in type. */
const union: Operator = (node, from, context) => {
  onlyParameters(node, context, "kind", "withsource", "with_source", "isfuzzy");
  const fuzzy = parameterOf(node, "isfuzzy");
  const isFuzzy = fuzzy !== undefined && textOf(fuzzy).toLowerCase() === "true";
  const given = elementsIn(needPart(node, "Expressions")).flatMap((each) => tablesOf(each, context, isFuzzy));
  const source = parameterOf(node, "withsource", "with_source");
  return united(from ? [from, ...given] : given, resultColumns(node), source && nameOf(source));
};

/** The tables that an argument names: several for a name with a wildcard. */
export function tablesOf(node: SyntaxNode, context: QueryContext, isFuzzy = false): Relation[] {
  if (isWildcard(node)) return matching(node, context);
  if (kindOf(node) === "ParenthesizedExpression" && isWildcard(needPart(node, "Expression")))
    return matching(needPart(node, "Expression"), context);
  if (isFuzzy && kindOf(node) === "NameReference" && !isKnown(nameOf(node), context)) return [];
  return [tabular(node, context)];
}

const isWildcard = (node: SyntaxNode) => /\*/.test(textOf(node)) && !/[\s|(]/.test(textOf(node));

const isKnown = (name: string, context: QueryContext) => context.lets.has(name) || context.database.tables.has(name);

function matching(node: SyntaxNode, context: QueryContext): Relation[] {
  const listed = itemsOf(node.ReferencedSymbol?.Members).map(({ Name }) => Name);
  const pattern = new RegExp(
    `^${textOf(node)
      .replaceAll(/[^\w*]/g, "\\$&")
      .replaceAll("*", ".*")}$`,
  );
  const names = listed.length > 0 ? listed : [...context.database.tables.keys()].filter((name) => pattern.test(name));
  return names.flatMap((name) => {
    const defined = context.lets.get(name);
    if (defined && isRelation(defined)) return [defined];
    if (defined && isLambda(defined)) return [];
    const table = context.database.tables.get(name);
    return table ? [stored(table)] : [];
  });
}

/** All rows under the given columns; what a table does not have is null there. */
export function united(
  tables: readonly Relation[],
  columns: readonly { readonly name: string; readonly kind: Kind }[],
  source: string | undefined,
): Relation {
  const hasExtents = tables.some(({ extent }) => extent !== undefined);
  const parts = tables.map((table, place) => {
    const values = columns.map(({ name, kind }, index) => {
      const isSource = source !== undefined && index === columns.findIndex((column) => column.name === source);
      const value = isSource ? valueSql(table.source ?? `union_arg${place}`, "string").sql : valueIn(table, name, kind);
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

/** `a`, or the `a` of type long for `a_long` where the tables disagree. */
function valueIn(table: Relation, name: string, kind: Kind): string {
  const found =
    table.columns.find((column) => column.name === name && column.kind === kind) ??
    table.columns.find((column) => `${column.name}_${column.kind}` === name && column.kind === kind);
  return found?.sql ?? valueSql(null, kind).sql;
}

export const unionOperators: Readonly<Record<string, Operator>> = { UnionOperator: union };
