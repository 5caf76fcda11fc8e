import { columnOperators } from "./columns.ts";
import { groupOperators } from "./groups.ts";
import type { Operator } from "./operator.ts";
import { rowOperators } from "./rows.ts";

/** Operators by the name of their node in the parser's tree. */
export const operators: Readonly<Record<string, Operator | undefined>> = {
  ...rowOperators,
  ...columnOperators,
  ...groupOperators,
};
