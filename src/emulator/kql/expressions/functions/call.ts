import type { Kind } from "../../../../schema/kinds.ts";
import { calledFunctions } from "../../../engine/called/called.ts";
import type { CalledFunction } from "../../../engine/called/called-function.ts";
import type { Scalar } from "../../relation.ts";
import type { ScalarContext } from "../../row.ts";
import type { SyntaxNode } from "../../tree.ts";
import { arraySql, converted, isTicks, memberSql, textSql } from "../convert.ts";

/** What a function is translated with. */
export interface Call {
  readonly args: readonly Scalar[];
  /** The type that the binder gave it. */
  readonly result: Kind;
  /** The query's moment. */
  readonly now: bigint;
  readonly at: ScalarContext;
  readonly nodes: readonly SyntaxNode[];
  /** Whether the call yields several values, as one array here. */
  readonly isTuple: boolean;
}

/** SQL of a call, or undefined where these arguments are not carried. */
export type ScalarFunction = (call: Call) => string | undefined;
export type Functions = Readonly<Record<string, ScalarFunction>>;

export const text = (value: Scalar | undefined): string => (value ? textSql(value) : "''");
export const long = (value: Scalar): string => converted(value, "long");
export const real = (value: Scalar): string => converted(value, "real");

const sqlFunctions: Readonly<Record<CalledFunction["gives"], { name: string; kind: Kind }>> = {
  json: { name: "k_json", kind: "dynamic" },
  text: { name: "k_text", kind: "string" },
  long: { name: "k_long", kind: "long" },
  real: { name: "k_real", kind: "real" },
  bool: { name: "k_bool", kind: "bool" },
};

/** A call of a function that is written in JavaScript: see CalledFunction. */
export function calledSql(name: string, args: readonly Scalar[], result: Kind): string {
  const { gives, takesTicks } = calledFunctions[name]!;
  const { name: sqlName, kind } = sqlFunctions[gives];
  const packed = arraySql(
    args.map((value) => (takesTicks && isTicks(value.kind) ? ticksSql(value) : memberSql(value))),
  );
  const sql = `${sqlName}('${name}', ${packed})`;
  // Ticks are longs already, and so are decimals texts.
  if (kind === "long" && isTicks(result)) return sql;
  if (kind === "string" && (result === "decimal" || result === "guid")) return sql;
  return converted({ sql, kind }, result);
}

const ticksSql = ({ sql }: Scalar) => `coalesce(CAST(${sql} AS VARCHAR), 'null')`;

/** The functions of these names as they are written in JavaScript. */
export function calledAs(...names: string[]): Functions {
  return Object.fromEntries(
    names.map((name): [string, ScalarFunction] => [name, ({ args, result }) => calledSql(name, args, result)]),
  );
}

/** A text literal's value, where an argument is one. */
export function literalText(value: Scalar | undefined): string | undefined {
  return typeof value?.literal === "string" ? value.literal : undefined;
}
