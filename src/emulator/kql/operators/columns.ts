import { converted } from "../expressions/convert.ts";
import { valueSql } from "../expressions/literals.ts";
import { scalar } from "../expressions/scalar.ts";
import { kindOf, notCarried } from "../language.ts";
import { type Relation, selected } from "../relation.ts";
import { elementsIn, nameOf, needPart, resultColumns, type SyntaxNode, sourceOf } from "../tree.ts";
import { needInput, type Operator } from "./operator.ts";
import { over } from "./rows.ts";

/** `project`: what is listed, in its order, named and typed as the binder says. */
const project: Operator = (node, from, context) => {
  const input = needInput(from);
  const listed = elementsIn(needPart(node, "Expressions"));
  const columns = resultColumns(node);
  if (columns.length !== listed.length) throw notCarried(`'${sourceOf(node, context.text)}'`, node, context.text);
  return selected(
    input,
    columns.map((column, index) => ({ ...column, value: scalar(listed[index]!, over(input, context)).sql })),
  );
};

/** `extend`: the input's columns, some of them replaced, and new ones; the binder knows the order. */
const extend: Operator = (node, from, context) => {
  const input = needInput(from);
  const columns = resultColumns(node);
  const values = new Map<string, string>();
  const fresh = columns.filter(({ name }) => !input.columns.some((column) => column.name === name));
  for (const each of elementsIn(needPart(node, "Expressions"))) {
    if (kindOf(each) === "CompoundNamedExpression")
      throw notCarried(`'${sourceOf(each, context.text)}'`, each, context.text);
    const name = kindOf(each) === "SimpleNamedExpression" ? nameOf(needPart(each, "Name")) : undefined;
    const target = name ?? fresh.find((column) => !values.has(column.name))?.name;
    if (target === undefined) throw notCarried(`'${sourceOf(each, context.text)}'`, each, context.text);
    values.set(target, scalar(each, over(input, context)).sql);
  }
  return selected(
    input,
    columns.map((column) => ({ ...column, value: values.get(column.name) ?? columnSql(input, column.name) })),
  );
};

/** `project-away`, `project-keep`, `project-reorder`: the binder says which columns stay, and in which order. */
const chosen: Operator = (node, from) => {
  const input = needInput(from);
  return selected(
    input,
    resultColumns(node).map((column) => ({ ...column, value: columnSql(input, column.name) })),
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

function columnSql(input: Relation, name: string): string {
  const found = input.columns.find((column) => column.name === name);
  if (!found) throw new Error(`The column '${name}' that the binder sees is not in the translation.`);
  return found.sql;
}

/** `print`: one row out of nothing. */
const print: Operator = (node, _from, context) => {
  const nothing: Relation = { sql: "SELECT 0 AS nothing", columns: [], order: undefined };
  const columns = resultColumns(node);
  const listed = elementsIn(needPart(node, "Expressions"));
  if (columns.length !== listed.length) throw notCarried(`'${sourceOf(node, context.text)}'`, node, context.text);
  return selected(
    nothing,
    columns.map((column, index) => ({ ...column, value: scalar(listed[index]!, over(nothing, context)).sql })),
  );
};

/** `datatable (a:string) ["x", "y"]` */
const datatable: Operator = (node, _from, context) => {
  const columns = resultColumns(node);
  const values = elementsIn(needPart(node, "Values")).map((each: SyntaxNode) =>
    scalar(each, { context, columns: () => undefined }),
  );
  const rows: string[] = [];
  for (let from = 0; from < values.length; from += columns.length)
    rows.push(
      `SELECT ${columns.map(({ kind }, index) => `${converted(values[from + index]!, kind)} AS c${index}`).join(", ")}, ${rows.length} AS o`,
    );
  const nothing = `SELECT ${columns.map(({ kind }, index) => `${valueSql(null, kind).sql} AS c${index}`).join(", ")}, 0 AS o WHERE false`;
  return {
    sql: rows.length === 0 ? nothing : rows.join(" UNION ALL "),
    columns: columns.map((column, index) => ({ ...column, sql: `c${index}` })),
    order: "o",
  };
};

export const columnOperators: Readonly<Record<string, Operator>> = {
  DataTableExpression: datatable,
  ExtendOperator: extend,
  PrintOperator: print,
  ProjectAwayOperator: chosen,
  ProjectKeepOperator: chosen,
  ProjectOperator: project,
  ProjectRenameOperator: rename,
  ProjectReorderOperator: chosen,
};
