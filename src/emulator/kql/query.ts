import { semanticError } from "../kusto-error.ts";
import { commonRelation, commonScalar, type QueryContext } from "./context.ts";
import { scalar } from "./expressions/scalar.ts";
import { kindOf, notCarried } from "./language.ts";
import { declareParameters } from "./parameters.ts";
import type { Relation } from "./relation.ts";
import { refuseOption } from "./request-options.ts";
import { noRow } from "./row.ts";
import { tabular } from "./tabular.ts";
import { childrenOf, elementsIn, isTabular, nameOf, needPart, part, type SyntaxNode, textOf } from "./tree.ts";

/** Translates a parsed query to SQL: its statements first, then the one tabular expression. */
export function translate(root: SyntaxNode, context: QueryContext): Relation {
  let result: Relation | undefined;
  const directives = part(root, "Directives");
  const directive = directives && childrenOf(directives)[0];
  if (directive) throw notCarried(`the directive '${textOf(directive)}'`, directive, context.text);
  for (const statement of elementsIn(needPart(root, "Statements"))) {
    if (kindOf(statement) !== "ExpressionStatement") {
      state(statement, context);
      continue;
    }
    if (result) throw notCarried("a second tabular statement", statement, context.text);
    result = tabular(needPart(statement, "Expression"), context);
  }
  if (!result) throw semanticError("SEM0003: The query has no tabular expression.");
  return result;
}

/** Takes note of a statement that is not the result: of a query, or of a function's body. */
export function state(statement: SyntaxNode, context: QueryContext): void {
  switch (kindOf(statement)) {
    case "LetStatement":
      define(statement, context);
      return;
    case "QueryParametersStatement":
      declareParameters(statement, context);
      return;
    case "SetOptionStatement":
      refuseOption(nameOf(needPart(statement, "Name")));
      return;
    default:
      throw notCarried(`the statement '${kindOf(statement)}'`, statement, context.text);
  }
}

function define(statement: SyntaxNode, context: QueryContext): void {
  const name = nameOf(needPart(statement, "Name"));
  const value = needPart(statement, "Expression");
  if (kindOf(value) === "FunctionDeclaration") {
    const isView = part(value, "ViewKeyword") !== undefined;
    context.lets.set(name, { body: needPart(value, "Body"), isView, closure: new Map(context.lets) });
    return;
  }
  if (!isTabular(value)) {
    context.lets.set(name, commonScalar(scalar(value, noRow(context)), context));
    return;
  }
  context.lets.set(name, { ...commonRelation(tabular(value, context), context), source: name });
}
