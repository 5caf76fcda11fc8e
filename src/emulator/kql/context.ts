import type { Catalogue } from "../engine/catalogue.ts";
import type { Database } from "../engine/entities.ts";
import type { Access } from "../security/access.ts";
import { passStop } from "./parse-deadline.ts";
import { columnNamed, type Relation, type RelationColumn, type Scalar } from "./relation.ts";
import { tooComplex } from "./text-bounds.ts";
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
  /** How many calls of functions of the user's have been taken apart. */
  calls: number;
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
  // Materialized, or DuckDB would plan the common part before it twice over, and so on along the chain: 40 of them never end.
  context.shared.common.push(`${name} AS MATERIALIZED (SELECT ${value.sql} AS s)`);
  return { ...value, sql: `(SELECT s FROM ${name})` };
}

/** Finds the columns that an expression may name. */
export type Scope = (name: string) => Scalar | undefined;

export function scopeOf(columns: readonly RelationColumn[]): Scope {
  return (name) => columnNamed(columns, name);
}

/** What a query may become; see {@link checkSql}. */
const longestSql = 8 * 1_048_576;
const mostCalls = 5_000;
const mostParts = 20_000;

/**
 * Arguments and functions that are used twice in a thing that is used twice double what comes out, a text of 2 KB a
 * thousand times and more. Neither the translation nor DuckDB's planning of it can be interrupted.
 */
export function checkSql<T extends { readonly sql: string }>(translated: T): T {
  passStop();
  if (translated.sql.length > longestSql)
    throw tooComplex(
      `it becomes more than ${longestSql / 1_048_576} MiB of SQL, which happens where parts of it are used many times over`,
    );
  return translated;
}

/** One more call of a function of the user's: each is taken apart by itself. */
export function countCall({ shared }: QueryContext): void {
  if (++shared.calls > mostCalls)
    throw tooComplex(`it calls functions more than ${mostCalls} times, those within functions included`);
}

/** DuckDB plans a common part as often as it is named, with the parts that it names itself. */
export function checkCommonParts(common: readonly string[]): void {
  const weights = new Map<string, number>();
  for (const text of common) {
    const name = /^\w+/.exec(text)![0];
    const isMaterialized = text.startsWith(`${name} AS MATERIALIZED `);
    let weight = 1;
    for (const [used] of text.matchAll(/\bq\d+\b/g)) if (used !== name) weight += weights.get(used) ?? 0;
    if (weight > mostParts)
      throw tooComplex(`its tables are made of each other more than ${mostParts} times over; use materialize()`);
    weights.set(name, isMaterialized ? 1 : weight);
  }
}
