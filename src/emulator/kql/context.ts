import type { Catalogue, Database } from "../engine/catalogue.ts";
import type { Relation, Scalar } from "./relation.ts";

/** What a query stands on while it is translated. */
export interface QueryContext {
  readonly catalogue: Catalogue;
  readonly database: Database;
  readonly text: string;
  readonly lets: Map<string, Scalar | Relation>;
  /** The result of a command at the head of a pipe. */
  readonly command: Relation | undefined;
  /** Ticks; one moment for the whole query, as now() wants it. */
  readonly now: bigint;
}

/** Finds the columns that an expression may name. */
export type Scope = (name: string) => Scalar | undefined;

export function scopeOf(relation: Relation): Scope {
  return (name) => relation.columns.find((column) => column.name === name);
}
