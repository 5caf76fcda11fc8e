import type { QueryContext } from "../context.ts";
import { scalar } from "../expressions/scalar.ts";
import { kindOf, notCarried } from "../language.ts";
import { columnNamed, hiddenOf, type Relation, type Scalar, selected } from "../relation.ts";
import { over, type ScalarContext } from "../row.ts";
import { elementsIn, isTabular, nameOf, needPart, resultColumns, type SyntaxNode, sourceOf } from "../tree.ts";
import { needInput, type Operator } from "./operator.ts";

/** One element of a list of columns: most give one column, `*` gives all. */
function valuesOf(node: SyntaxNode, at: ScalarContext): Scalar[] {
  if (kindOf(node) === "StarExpression") return [...at.row];
  if (isTabular(node)) return unpacked(node, at);
  return [scalar(node, at)];
}

/** `(a, b) = array_sort_asc(x, y)`: one column for each of the arrays. */
function unpacked(node: SyntaxNode, at: ScalarContext): Scalar[] {
  const value = scalar(kindOf(node) === "CompoundNamedExpression" ? needPart(node, "Expression") : node, at);
  return resultColumns(node).map((_, index) => ({
    sql: `k_dynamic_get(${value.sql}, '${index}')`,
    kind: "dynamic",
  }));
}

/** What is listed, in its order, named and typed as the binder says. */
export function listed(node: SyntaxNode, input: Relation, context: QueryContext): Relation {
  const at = over(input, context);
  const values = elementsIn(needPart(node, "Expressions")).flatMap((each) => valuesOf(each, at));
  const columns = resultColumns(node);
  if (columns.length !== values.length) throw notCarried(`'${sourceOf(node, context.text)}'`, node, context.text);
  return selected(
    at.source.relation,
    columns.map((column, index) => ({ ...column, value: values[index]!.sql })),
  );
}

/** `project` */
const project: Operator = (node, from, context) => listed(node, needInput(from), context);

/** `extend`, `serialize`: the input's columns, some of them replaced, and new ones; the binder knows the order. */
export const extend: Operator = (node, from, context) => {
  const input = needInput(from);
  const at = over(input, context);
  const columns = resultColumns(node);
  const values = new Map<string, string>();
  const fresh = columns.filter(({ name }) => !isIn(input, name));
  let unnamed = 0;
  for (const each of elementsIn(needPart(node, "Expressions"))) {
    const results = valuesOf(each, at);
    const names = namesOf(each);
    results.forEach((value, index) => {
      while (!names && unnamed < fresh.length && values.has(fresh[unnamed]!.name)) unnamed++;
      const name = names ? names[index] : fresh[unnamed]?.name;
      if (name === undefined) throw notCarried(`'${sourceOf(each, context.text)}'`, each, context.text);
      values.set(name, value.sql);
    });
  }
  return selected(
    at.source.relation,
    columns
      .filter(({ name }) => values.has(name) || isIn(input, name))
      .map((column) => ({ ...column, value: values.get(column.name) ?? columnSql(input, column.name) })),
  );
};

/** The names that an element gives its columns, if it gives any; a column alone keeps its own. */
function namesOf(node: SyntaxNode): string[] | undefined {
  switch (kindOf(node)) {
    case "SimpleNamedExpression":
      return [nameOf(needPart(node, "Name"))];
    case "CompoundNamedExpression":
      return elementsIn(needPart(needPart(node, "Names"), "Names")).map(nameOf);
    case "NameReference":
      return [nameOf(node)];
    default:
      return undefined;
  }
}

/** `project-away`, `project-keep`, `project-reorder`: the binder says which columns stay, and in which order. */
const chosen: Operator = (node, from) => {
  const input = needInput(from);
  return selected(
    input,
    resultColumns(node)
      .filter(({ name }) => isIn(input, name))
      .map((column) => ({ ...column, value: columnSql(input, column.name) })),
  );
};

/** `project-rename new = old` */
const rename: Operator = (node, from) => {
  const input = needInput(from);
  const names = new Map(
    elementsIn(needPart(node, "Expressions")).map((each) => [
      nameOf(needPart(each, "Expression")),
      nameOf(needPart(each, "Name")),
    ]),
  );
  return {
    ...input,
    columns: input.columns.map((column) => ({ ...column, name: names.get(column.name) ?? column.name })),
  };
};

/** After `union kind=inner` the binder sees columns that are not there: it does not see to the kind. */
const isIn = (input: Relation, name: string) => columnNamed(input.columns, name) !== undefined;

export function columnSql(input: Relation, name: string): string {
  const found = columnNamed(input.columns, name);
  if (!found) throw new Error(`The column '${name}' that the binder sees is not in the translation.`);
  return found.sql;
}

/** `serialize`: the rows keep an order from here on; it may add columns as `extend` does. */
const serialize: Operator = (node, from, context) => {
  const input = needInput(from);
  const names = [...input.columns.map(({ sql }) => sql), ...hiddenOf(input)].join(", ") || "0 AS nothing";
  const ordered: Relation = input.order
    ? input
    : { ...input, sql: `SELECT ${names}, row_number() OVER () AS o FROM (${input.sql})`, order: "o" };
  return elementsIn(needPart(node, "Expressions")).length === 0 ? ordered : extend(node, ordered, context);
};

export const columnOperators: Readonly<Record<string, Operator>> = {
  ExtendOperator: extend,
  ProjectAwayOperator: chosen,
  ProjectByNamesOperator: chosen,
  ProjectKeepOperator: chosen,
  ProjectOperator: project,
  ProjectRenameOperator: rename,
  ProjectReorderOperator: chosen,
  SerializeOperator: serialize,
};
