import type { Kind } from "../../../../schema/kinds.ts";
import { notCarried } from "../../language.ts";
import type { Scalar } from "../../relation.ts";
import { converted } from "../convert.ts";
import { type Functions, literalText, type ScalarFunction, text } from "./call.ts";

const isNull: ScalarFunction = ({ args: [value] }) => (value!.kind === "string" ? "false" : `(${value!.sql} IS NULL)`);
const isNotNull: ScalarFunction = ({ args: [value] }) =>
  value!.kind === "string" ? "true" : `(${value!.sql} IS NOT NULL)`;
const isEmpty: ScalarFunction = ({ args }) => `(${text(args[0])} = '')`;
const isNotEmpty: ScalarFunction = ({ args }) => `(${text(args[0])} <> '')`;

const iff: ScalarFunction = ({ args: [test, yes, no], result }) =>
  `CASE WHEN ${converted(test!, "bool")} THEN ${converted(yes!, result)} ELSE ${converted(no!, result)} END`;

const choice: ScalarFunction = ({ args, result }) => {
  const arms: string[] = [];
  for (let index = 0; index + 1 < args.length; index += 2)
    arms.push(`WHEN ${converted(args[index]!, "bool")} THEN ${converted(args[index + 1]!, result)}`);
  return `CASE ${arms.join(" ")} ELSE ${converted(args.at(-1)!, result)} END`;
};

/** The first value that is there; of strings, the first that is not empty. */
function firstOf(args: readonly Scalar[], result: Kind): string {
  const values = args.map((value) => converted(value, result));
  if (result !== "string") return `coalesce(${values.join(", ")})`;
  return `coalesce(${values.map((value) => `nullif(${value}, '')`).join(", ")}, '')`;
}

/** `column_ifexists("c", default)`: the binder has chosen the type, we look for the column. */
const columnIfExists: ScalarFunction = ({ args, result, at, nodes }) => {
  const name = literalText(args[0]);
  if (name === undefined) throw notCarried("a column name that is no literal", nodes[0]!, at.context.text);
  const column = at.columns(name);
  return converted(column ?? args[1]!, result);
};

/** Conditions and what has to do with nulls. */
export const conditions: Functions = {
  case: choice,
  coalesce: ({ args, result }) => firstOf(args, result),
  column_ifexists: columnIfExists,
  columnifexists: columnIfExists,
  iff,
  iif: iff,
  isempty: isEmpty,
  isnotempty: isNotEmpty,
  isnotnull: isNotNull,
  isnull: isNull,
  not: ({ args }) => `(NOT ${converted(args[0]!, "bool")})`,
  notempty: isNotEmpty,
  notnull: isNotNull,
};
