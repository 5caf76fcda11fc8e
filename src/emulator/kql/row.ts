import { type QueryContext, type Scope, scopeOf } from "./context.ts";
import type { Relation, RelationColumn } from "./relation.ts";

/** Where a scalar expression stands: what it may name, and what it may do. */
export interface ScalarContext {
  readonly context: QueryContext;
  readonly columns: Scope;
  /** The row's columns, for what takes them all. */
  readonly row: readonly RelationColumn[];
  /** The table whose rows are looked at; functions of a window widen it by columns of their own. */
  readonly source: { relation: Relation } | undefined;
  /** Whether aggregate functions may be called: within `summarize`. */
  readonly isAggregating: boolean;
}

export function over(
  input: Relation,
  context: QueryContext,
): ScalarContext & { readonly source: { relation: Relation } } {
  return {
    context,
    columns: scopeOf(input.columns),
    row: input.columns,
    source: { relation: input },
    isAggregating: false,
  };
}

/** An expression outside of every table. */
export function noRow(context: QueryContext): ScalarContext {
  return { context, columns: () => undefined, row: [], source: undefined, isAggregating: false };
}
