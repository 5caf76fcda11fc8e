import type { Kind } from "../../../../schema/kinds.ts";
import type { Scalar } from "../../relation.ts";
import { converted } from "../convert.ts";
import { calledSql, type Functions, type ScalarFunction } from "./call.ts";

const as =
  (kind: Kind): ScalarFunction =>
  ({ args }) =>
    converted(args[0]!, kind);

const parsed = (value: Scalar) =>
  value.kind === "string" ? `k_to_dynamic(encode(${value.sql}))` : converted(value, "dynamic");

/** What `gettype()` says: of a dynamic, what it holds. */
const typeName: ScalarFunction = ({ args: [value], result }) => {
  if (value!.kind === "dynamic") return calledSql("gettype", [value!], result);
  const name = `'${value!.kind}'`;
  return value!.kind === "string" ? name : `CASE WHEN ${value!.sql} IS NULL THEN 'null' ELSE ${name} END`;
};

/** Conversions, and what looks at a type. */
export const conversions: Functions = {
  gettype: typeName,
  parse_json: ({ args }) => parsed(args[0]!),
  parsejson: ({ args }) => parsed(args[0]!),
  tobool: as("bool"),
  toboolean: as("bool"),
  todatetime: as("datetime"),
  todecimal: as("decimal"),
  todouble: as("real"),
  todynamic: ({ args }) => parsed(args[0]!),
  toguid: as("guid"),
  toint: as("int"),
  tolong: as("long"),
  toreal: as("real"),
  tostring: as("string"),
  totimespan: as("timespan"),
  totime: as("timespan"),
};
