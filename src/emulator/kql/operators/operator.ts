import type { QueryContext } from "../context.ts";
import { kindOf, notCarried } from "../language.ts";
import { columnNamed, type Relation } from "../relation.ts";
import { childrenOf, nameOf, needPart, parameterOf, part, type SyntaxNode, sourceOf } from "../tree.ts";

/** Translates one operator; `from` is what comes through the pipe, if anything does. */
export type Operator = (node: SyntaxNode, from: Relation | undefined, context: QueryContext) => Relation;

export function needInput(from: Relation | undefined): Relation {
  if (!from) throw new Error("An operator stands where a table must come first.");
  return from;
}

/** The parameters that operators read, by the name of their node; hints change no result. */
const known: Readonly<Record<string, readonly string[] | undefined>> = {
  JoinOperator: ["kind"],
  LookupOperator: ["kind"],
  MvApplyOperator: ["with_itemindex"],
  MvExpandOperator: ["kind", "bagexpansion", "with_itemindex"],
  ParseOperator: ["kind", "flags"],
  ParseWhereOperator: ["kind", "flags"],
  RenderOperator: ["kind", "title", "accumulate"],
  SearchOperator: ["kind"],
  UnionOperator: ["kind", "withsource", "with_source", "isfuzzy"],
};

/** Refuses every parameter whose meaning would be lost. Kusto's parser lets any name pass behind most operators. */
export function checkParameters(node: SyntaxNode, context: QueryContext): void {
  const list = part(node, "Parameters");
  if (!list || kindOf(list) !== "List") return;
  const names = known[kindOf(node)] ?? [];
  for (const each of childrenOf(list)) {
    const parameter = part(each, "Name") ? each : (each.GetChild(0) ?? each);
    const name = nameOf(needPart(parameter, "Name")).toLowerCase();
    if (name.startsWith("hint.") || names.includes(name)) continue;
    throw notCarried(`the parameter '${sourceOf(parameter, context.text)}'`, parameter, context.text);
  }
}

/** A parameter that names a new column, as `withsource` does; refused where the binder sees no such column. */
export function columnParameter(
  node: SyntaxNode,
  columns: readonly { readonly name: string }[],
  context: QueryContext,
  ...names: string[]
): string | undefined {
  const value = parameterOf(node, ...names);
  if (!value) return undefined;
  const name = nameOf(value);
  if (columnNamed(columns, name) !== undefined) return name;
  throw notCarried(`'${sourceOf(value, context.text)}' as the name of a column`, value, context.text);
}
