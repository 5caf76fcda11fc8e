import type { QueryContext } from "../context.ts";
import { notCarried } from "../language.ts";
import type { Relation } from "../relation.ts";
import { childrenOf, nameOf, needPart, part, type SyntaxNode, sourceOf } from "../tree.ts";

/** Translates one operator; `from` is what comes through the pipe, if anything does. */
export type Operator = (node: SyntaxNode, from: Relation | undefined, context: QueryContext) => Relation;

export function needInput(from: Relation | undefined): Relation {
  if (!from) throw new Error("An operator stands where a table must come first.");
  return from;
}

/** Refuses `operator kind=...` and the like, whose meaning would be lost; hints change no result. */
export function withoutParameters(node: SyntaxNode, context: QueryContext): void {
  onlyParameters(node, context);
}

/** Refuses every parameter but these and hints. */
export function onlyParameters(node: SyntaxNode, context: QueryContext, ...known: string[]): void {
  const list = part(node, "Parameters");
  for (const each of list ? childrenOf(list) : []) {
    const parameter = part(each, "Name") ? each : (each.GetChild(0) ?? each);
    const name = nameOf(needPart(parameter, "Name")).toLowerCase();
    if (name.startsWith("hint.") || known.includes(name)) continue;
    throw notCarried(`the parameter '${sourceOf(parameter, context.text)}'`, parameter, context.text);
  }
}
