import { columnOperators } from "./columns.ts";
import { expansionOperators } from "./expansions.ts";
import { groupOperators } from "./groups.ts";
import { joinOperators } from "./joins.ts";
import type { Operator } from "./operator.ts";
import { passingOperators } from "./passing.ts";
import { patternOperators } from "./patterns.ts";
import { rowOperators } from "./rows.ts";
import { schemaOperators } from "./schemas.ts";
import { searchOperators } from "./searches.ts";
import { sourceOperators } from "./sources.ts";
import { unionOperators } from "./unions.ts";

/** Operators by the name of their node in the parser's tree. */
export const operators: Readonly<Record<string, Operator | undefined>> = {
  ...columnOperators,
  ...expansionOperators,
  ...groupOperators,
  ...joinOperators,
  ...passingOperators,
  ...patternOperators,
  ...rowOperators,
  ...schemaOperators,
  ...searchOperators,
  ...sourceOperators,
  ...unionOperators,
};
