import type { QueryContext } from "../context.ts";
import { notCarried } from "../language.ts";
import type { Relation } from "../relation.ts";
import { elementsIn, part, type SyntaxNode, sourceOf } from "../tree.ts";

/** Translates one operator; `from` is what comes through the pipe, if anything does. */
export type Operator = (node: SyntaxNode, from: Relation | undefined, context: QueryContext) => Relation;

export function needInput(from: Relation | undefined): Relation {
  if (!from) throw new Error("An operator stands where a table must come first.");
  return from;
}

/** Refuses `operator kind=...` and the like, whose meaning would be lost. */
export function withoutParameters(node: SyntaxNode, context: QueryContext): void {
  const parameter = elementsIn(part(node, "Parameters"))[0];
  if (parameter) throw notCarried(`the parameter '${sourceOf(parameter, context.text)}'`, parameter, context.text);
}
