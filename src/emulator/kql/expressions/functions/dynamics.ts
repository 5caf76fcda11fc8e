import { kindOf, notCarried } from "../../language.ts";
import { nameOf } from "../../tree.ts";
import { arraySql, converted, memberSql } from "../convert.ts";
import { stringLiteral } from "../literals.ts";
import { calledAs, calledSql, type Functions, type ScalarFunction } from "./call.ts";

const packArray: ScalarFunction = ({ args }) => arraySql(args.map(memberSql));

const packAll: ScalarFunction = ({ args, at, result }) => {
  const isLean = args[0] ?? { sql: "false", kind: "bool" };
  const pairs = at.row.flatMap((column) => [stringLiteral(column.name), column]);
  return calledSql("pack_all", [isLean, ...pairs], result);
};

/** `bag_pack_columns(a, b)`: each column under its own name. */
const packColumns: ScalarFunction = ({ args, at, nodes, result }) => {
  const pairs = args.flatMap((value, index) => {
    const node = nodes[index]!;
    if (kindOf(node) !== "NameReference") throw notCarried("what is not a column here", node, at.context.text);
    return [stringLiteral(nameOf(node)), value];
  });
  return calledSql("bag_pack", pairs, result);
};

const pack: ScalarFunction = ({ args, result }) => calledSql("bag_pack", args, result);

/** Sorts the first array and the others along with it: of one array one, of several a row of them. */
const sorted =
  (name: string): ScalarFunction =>
  (call) => {
    const sql = calledSql(name, call.args, "dynamic");
    return call.isTuple ? sql : `k_dynamic_get(${sql}, '0')`;
  };

/** Functions over arrays and property bags. */
export const dynamics: Functions = {
  ...calledAs(
    "array_concat",
    "array_iff",
    "array_iif",
    "array_index_of",
    "array_reverse",
    "array_rotate_left",
    "array_rotate_right",
    "array_shift_left",
    "array_shift_right",
    "array_slice",
    "array_split",
    "array_sum",
    "bag_has_key",
    "bag_keys",
    "bag_merge",
    "bag_pack",
    "bag_remove_keys",
    "bag_set_key",
    "bag_zip",
    "jaccard_index",
    "repeat",
    "set_difference",
    "set_equals",
    "set_has_element",
    "set_intersect",
    "set_union",
    "treepath",
    "zip",
  ),
  array_sort_asc: sorted("array_sort_asc"),
  array_sort_desc: sorted("array_sort_desc"),
  array_length: ({ args }) => `k_dynamic_length(${converted(args[0]!, "dynamic")})`,
  bag_pack_columns: packColumns,
  pack,
  range: ({ args, result }) => {
    const { kind } = args[0]!;
    return calledSql(kind === "datetime" || kind === "timespan" ? `range_${kind}` : "range", args, result);
  },
  pack_all: packAll,
  pack_array: packArray,
  pack_dictionary: pack,
};
