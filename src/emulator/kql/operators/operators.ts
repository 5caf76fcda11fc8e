import type { QueryContext } from "../context.ts";
import type { Relation } from "../relation.ts";
import type { SyntaxNode } from "../tree.ts";
import { rowOperators } from "./rows.ts";

/** Translates one operator; `from` is what comes through the pipe, if anything does. */
export type Operator = (node: SyntaxNode, from: Relation | undefined, context: QueryContext) => Relation;

/** Operators by the name of their node in the parser's tree. */
export const operators: Readonly<Record<string, Operator | undefined>> = { ...rowOperators };
