import type { QueryContext, Scope } from "../context.ts";
import { kindOf, notCarried } from "../language.ts";
import type { Scalar } from "../relation.ts";
import { type SyntaxNode, textOf } from "../tree.ts";

export interface ScalarContext {
  readonly context: QueryContext;
  readonly columns: Scope;
}

/** Translates a scalar expression. */
export function scalar(node: SyntaxNode, { context }: ScalarContext): Scalar {
  if (kindOf(node) === "LongLiteralExpression") return { sql: `CAST(${BigInt(textOf(node))} AS BIGINT)`, kind: "long" };
  throw notCarried(`the expression '${textOf(node)}'`, node, context.text);
}
