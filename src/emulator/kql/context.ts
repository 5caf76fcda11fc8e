import type { Catalogue, Database } from "../engine/catalogue.ts";
import type { Access } from "../security/access.ts";
import type { Relation, RelationColumn, Scalar } from "./relation.ts";
import type { SyntaxNode } from "./tree.ts";

/** What a query stands on while it is translated. */
export interface QueryContext {
  readonly catalogue: Catalogue;
  readonly database: Database;
  /** The text that positions refer to: of the query, or of the function's body that is being translated. */
  readonly text: string;
  readonly lets: Map<string, Definition>;
  /** The result of a command at the head of a pipe. */
  readonly command: Relation | undefined;
  /** Ticks; one moment for the whole query, as now() wants it. */
  readonly now: bigint;
  /** What the whole query shares, whatever function or subquery is being translated. */
  readonly shared: SharedParts;
  /** Whether the rows of an outer query can be seen, so that nothing here can be computed once for all. */
  readonly isCorrelated: boolean;
  /** How many calls of functions of the user's lie around this one. */
  readonly depth: number;
}

/** Common parts of the statement, and counters of made-up names. */
export interface SharedParts {
  readonly common: string[];
  aliases: number;
  /** How the result is to be drawn, if the query says so. */
  visualization: Readonly<Record<string, unknown>> | undefined;
  /** Texts of the request's parameters by name. */
  readonly parameters: ReadonlyMap<string, string>;
  /** What the caller may read; undefined where everybody may read everything. */
  readonly access: Access | undefined;
}

/** What a name of `let` or of a parameter stands for. */
export type Definition = Scalar | Relation | Lambda;

/** A function of the user's: its body as it is declared, and what that body can see. */
export interface Lambda {
  readonly body: SyntaxNode;
  /** Whether `union` and `search` find it by a wildcard, as if it were a table. */
  readonly isView: boolean;
  readonly closure: Map<string, Definition>;
}

export const isRelation = (definition: Definition): definition is Relation => "columns" in definition;
export const isLambda = (definition: Definition): definition is Lambda => "closure" in definition;

/** A name that nothing else in the statement has. */
export function newAlias(context: QueryContext, prefix: string): string {
  context.shared.aliases++;
  return `${prefix}${context.shared.aliases}`;
}

/** The relation under a name, so that it is written (and, where asked for, computed) once however often it is used. */
export function commonRelation(relation: Relation, context: QueryContext, isMaterialized = false): Relation {
  if (context.isCorrelated) return relation;
  const name = newAlias(context, "q");
  context.shared.common.push(`${name} AS ${isMaterialized ? "MATERIALIZED " : ""}(${relation.sql})`);
  return { ...relation, sql: `SELECT * FROM ${name}` };
}

/** Longer texts are worth a name. */
const longScalar = 200;

/** A long scalar under a name: a chain of `let`, each using the one before twice, would double the text each time. */
export function commonScalar(value: Scalar, context: QueryContext): Scalar {
  if (context.isCorrelated || value.sql.length <= longScalar) return value;
  const name = newAlias(context, "q");
  context.shared.common.push(`${name} AS (SELECT ${value.sql} AS s)`);
  return { ...value, sql: `(SELECT s FROM ${name})` };
}

/** Finds the columns that an expression may name. */
export type Scope = (name: string) => Scalar | undefined;

export function scopeOf(columns: readonly RelationColumn[]): Scope {
  return (name) => columns.find((column) => column.name === name);
}
