import { KustoError } from "../kusto-error.ts";
import { countCall, type Definition, isLambda, type Lambda, type QueryContext } from "./context.ts";
import { converted } from "./expressions/convert.ts";
import { scalar } from "./expressions/scalar.ts";
import { kindOf, notCarried } from "./language.ts";
import { state } from "./query.ts";
import type { Relation, Scalar } from "./relation.ts";
import { noRow, type ScalarContext } from "./row.ts";
import { tabular } from "./tabular.ts";
import {
  argumentsIn,
  elementsIn,
  isTabular,
  itemsOf,
  kindNamed,
  nameOf,
  needPart,
  type ParameterSymbol,
  part,
  type SyntaxNode,
  textOf,
} from "./tree.ts";

/**
 * The body of the user's function that a node calls, bound by the parser to the types of this very call; undefined for a
 * function of Kusto's own.
 */
export function calledBody(node: SyntaxNode, context: QueryContext): SyntaxNode | undefined {
  const bound = node.GetCalledFunctionBody?.();
  if (bound) return bound;
  // A function without parameters may be named without a call, which binds no body of its own.
  const defined = kindOf(node) === "NameReference" ? context.lets.get(nameOf(node)) : undefined;
  return defined && isLambda(defined) ? defined.body : undefined;
}

/** Calls deeper than this are a mistake; Kusto knows no recursion. */
const deepest = 50;

/** The rows of a function that yields a table. */
export function relationOfCall(node: SyntaxNode, body: SyntaxNode, context: QueryContext, piped?: Relation): Relation {
  const inner = bodyContext(node, body, noRow(context), piped);
  const result = part(body, "Expression");
  if (!result || !isTabular(result)) throw notCarried(`the table '${textOf(node)}'`, node, context.text);
  return tabular(result, inner);
}

/** The rows of a view: a function without parameters that may be named like a table. */
export function relationOfView(name: string, { body, closure }: Lambda, context: QueryContext): Relation {
  const inner = { ...context, lets: new Map(closure), depth: context.depth + 1 };
  for (const statement of elementsIn(part(body, "Statements"))) state(statement, inner);
  return { ...tabular(needPart(body, "Expression"), inner), source: name };
}

/** The views that a query has declared so far, by name. */
export function viewsIn(context: QueryContext): [string, Lambda][] {
  return [...context.lets].flatMap(([name, defined]): [string, Lambda][] =>
    isLambda(defined) && defined.isView ? [[name, defined]] : [],
  );
}

/** The value of a function that yields a scalar. */
export function scalarOfCall(node: SyntaxNode, body: SyntaxNode, at: ScalarContext): Scalar {
  const inner = bodyContext(node, body, at);
  const result = part(body, "Expression");
  if (!result || isTabular(result)) throw notCarried(`the scalar '${textOf(node)}'`, node, at.context.text);
  return scalar(result, noRow(inner));
}

function bodyContext(node: SyntaxNode, body: SyntaxNode, at: ScalarContext, piped?: Relation): QueryContext {
  const { context } = at;
  countCall(context);
  if (context.depth >= deepest)
    throw new KustoError(`Semantic error: SEM0099: Functions call each other more than ${deepest} deep.`, {
      type: "Kusto.Data.Exceptions.SemanticException",
    });
  const name = nameOf(kindOf(node) === "FunctionCallExpression" ? needPart(node, "Name") : node);
  const defined = context.lets.get(name);
  const lets = new Map(defined && isLambda(defined) ? defined.closure : []);
  const inner: QueryContext = {
    ...context,
    lets,
    text: body.Root?.ToString() ?? body.ToString(),
    depth: context.depth + 1,
    isCorrelated: context.isCorrelated || at.row.length > 0,
  };
  for (const [parameter, value] of argumentsOf(node, at, piped)) lets.set(parameter, value);
  for (const statement of elementsIn(part(body, "Statements"))) state(statement, inner);
  return inner;
}

/** What each parameter stands for: its argument by place or by name, or else its default. */
function argumentsOf(node: SyntaxNode, at: ScalarContext, piped?: Relation): Map<string, Definition> {
  const parameters = parametersOf(node);
  const values = new Map<string, Definition>();
  // `T | invoke f(x)`: the table is the first argument.
  const first = piped ? 1 : 0;
  if (piped && parameters[0]) values.set(parameters[0].Name, piped);
  argumentsIn(node).forEach((argument, index) => {
    const isNamed = kindOf(argument) === "SimpleNamedExpression";
    const name = isNamed ? nameOf(needPart(argument, "Name")) : parameters[index + first]?.Name;
    const parameter = parameters.find(({ Name }) => Name === name);
    if (!parameter) return;
    const value = isNamed ? needPart(argument, "Expression") : argument;
    values.set(parameter.Name, isTabular(value) ? tabular(value, at.context) : typed(scalar(value, at), parameter));
  });
  for (const parameter of parameters) {
    if (values.has(parameter.Name)) continue;
    if (!parameter.DefaultValue)
      throw notCarried(`the parameter '${parameter.Name}' without a value`, node, at.context.text);
    values.set(parameter.Name, typed(scalar(parameter.DefaultValue, noRow(at.context)), parameter));
  }
  return values;
}

function parametersOf(node: SyntaxNode): ParameterSymbol[] {
  return itemsOf(itemsOf(node.ReferencedSymbol?.Signatures)[0]?.Parameters);
}

/** The value as the type that the parameter declares. */
function typed(value: Scalar, { DeclaredTypes }: ParameterSymbol): Scalar {
  const declared = kindNamed(itemsOf(DeclaredTypes)[0]);
  return declared && declared !== value.kind ? { sql: converted(value, declared), kind: declared } : value;
}
