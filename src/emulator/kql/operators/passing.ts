import { calledBody, relationOfCall } from "../calls.ts";
import { commonRelation } from "../context.ts";
import { notCarried } from "../language.ts";
import { childrenOf, elementsIn, nameOf, needPart, part, textOf } from "../tree.ts";
import { visualizationOf } from "../visualization.ts";
import { needInput, type Operator } from "./operator.ts";

/** `as`: the rows go on, and have a name from here. */
const as: Operator = (node, from, context) => {
  const name = nameOf(needPart(node, "Name"));
  const relation = { ...commonRelation(needInput(from), context), source: name };
  context.lets.set(name, relation);
  return relation;
};

/** `render`: the rows go on, and the answer says how they are to be drawn. */
const render: Operator = (node, from, context) => {
  const clause = part(node, "WithClause");
  const list = clause && part(clause, "Properties");
  // `render timechart title="x"` is the older form of `with (title="x")`.
  const bare = part(node, "Parameters");
  const given = [...(bare ? childrenOf(bare) : []), ...elementsIn(list)];
  const properties = given.map((each): [string, string] => {
    const value = needPart(each, "Expression");
    return [nameOf(needPart(each, "Name")), String(value.LiteralValue ?? textOf(value))];
  });
  context.shared.visualization = visualizationOf(textOf(needPart(node, "ChartType")), properties);
  return needInput(from);
};

/** `invoke f(...)`: the function over the rows. */
const invoke: Operator = (node, from, context) => {
  const call = needPart(node, "Function");
  const body = calledBody(call, context);
  if (!body) throw notCarried(`'${textOf(call)}'`, call, context.text);
  return relationOfCall(call, body, context, needInput(from));
};

export const passingOperators: Readonly<Record<string, Operator>> = {
  AsOperator: as,
  InvokeOperator: invoke,
  RenderOperator: render,
};
