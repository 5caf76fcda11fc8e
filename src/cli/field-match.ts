import { MillraceError } from "../errors.ts";
import { listed, matchFields, whyNoneMatches } from "../schema/match-fields.ts";
import type { Rename } from "../schema/names.ts";
import type { Table } from "../schema/table.ts";
import { positionalName } from "../source/csv-header.ts";
import type { FieldSample } from "./field-names.ts";

/** How the fields of all files go into the table. */
export interface MatchedFields {
  readonly renames: readonly Rename[];
  /** Fields that no column takes, and so are left out. */
  readonly unknown: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Where the fields go, of every file before the first record of any is sent.
 *
 * @param given From a schema or an inference.
 * @throws MillraceError BAD_SOURCE for a file of which no field has a column; with `isStrict`, for one of which some have none.
 */
export function matchSamples(
  samples: readonly FieldSample[],
  table: Table,
  given: readonly Rename[],
  { isCsv, hasHeader, isStrict }: { isCsv: boolean; hasHeader: boolean; isStrict: boolean },
): MatchedFields {
  const unknown: string[] = [];
  const warnings: string[] = [];
  const isPositional = !hasHeader && given.length === 0;
  let renames = isPositional ? byPosition(table) : given;
  for (const { path, fields } of samples) {
    const match = matchFields(fields, table, renames);
    renames = match.renames;
    const lacking = table.list.length - fields.length;
    if (isPositional && fields.length > 0 && lacking > 0)
      warnings.push(
        `${path}: its rows have ${fields.length} fields, and the last ${lacking} columns of ${table.name} stay empty`,
      );
    if (match.unknown.length === 0) continue;
    const columns = table.list.map(({ name }) => name);
    if (match.known.length === 0) {
      const why = whyNoneMatches(fields, table, isCsv && hasHeader);
      throw new MillraceError(
        "BAD_SOURCE",
        `${path}: none of its fields (${listed(match.unknown)}) has a column in table ${table.name} (${listed(columns)})${why === undefined ? "" : `: ${why}`}. No record was read.`,
        { context: { file: path, table: table.name } },
      );
    }
    const some = `${path}: table ${table.name} has no column for ${match.unknown.length === 1 ? "field" : "the fields"} ${listed(match.unknown)}`;
    if (isStrict)
      throw new MillraceError("BAD_SOURCE", `${some}. With --strict no record is read then.`, {
        context: { file: path, table: table.name },
      });
    warnings.push(`${some}: left out`);
    unknown.push(...match.unknown);
  }
  return { renames, unknown, warnings };
}

/** The columns in their order for fields without names; a table that was made for them has their names already. */
function byPosition(table: Table): Rename[] {
  if (table.list.every(({ name }, i) => name === positionalName(i))) return [];
  return table.list.map(({ name }, i) => ({ field: positionalName(i), column: name }));
}
