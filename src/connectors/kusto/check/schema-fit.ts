import { columnList, createOrAlterMappingCommand, quoteName } from "../../../schema/kql.ts";
import { type NamedColumn, tableOf } from "../../../schema/table.ts";
import type { ActualColumn } from "../preflight.ts";
import { type Finding, failed, listed, ok, warning } from "./finding.ts";
import type { KustoCheck } from "./kusto-check.ts";

type Declared = Pick<KustoCheck, "table" | "columns" | "format"> & { readonly isMapped: boolean };

/**
 * Our columns against the table's, each kind of misfit by itself: another type, missing, another place (CSV without a mapping),
 * and columns of the table's that we do not fill. The worst is told, with all of its columns.
 */
export function schemaFit({ table, columns, format, isMapped }: Declared, actual: readonly ActualColumn[]): Finding {
  if (columns === undefined)
    return ok(`No columns are declared; those of the table are used: ${listed(actual.map(shown))}.`);
  if (isMapped) return ok("The mapping says which column a value goes to.");
  const there = new Map(actual.map((column) => [column.name, column]));
  const otherType = columns.filter(({ name, kind }) => (there.get(name)?.type ?? kind) !== kind);
  if (otherType.length > 0)
    return failed(
      "BAD_SCHEMA",
      `${listed(otherType.map(({ name, kind }) => `${name} is declared as ${kind} and is ${there.get(name)!.type} in the table`))}; Kusto would store null for what does not fit.`,
      `Declare ${listed(otherType.map(({ name }) => `${name} as ${there.get(name)!.type}`))}; to change the table's column instead makes what it holds null.`,
    );
  const missing = columns.filter(({ name }) => !there.has(name));
  if (missing.length > 0)
    return failed(
      "BAD_SCHEMA",
      `The table has no column ${listed(missing.map(({ name }) => name))}.`,
      `A Table Admin adds ${missing.length === 1 ? "it" : "them"} at the table's end: .alter-merge table ${quoteName(table)} ${columnList(missing)}`,
    );
  if (format === "csv") {
    const at = columns.findIndex(({ name }, i) => actual[i]?.name !== name);
    if (at >= 0) return otherOrder(table, columns, actual, at);
  }
  const declared = new Set(columns.map(({ name }) => name));
  const extra = actual.filter(({ name }) => !declared.has(name));
  if (extra.length === 0) return ok(`Its ${columns.length} columns are those of the table.`);
  return warning(
    `The table has more columns than are declared, which stay empty: ${listed(extra.map(shown))}.`,
    "Nothing, if that is meant; else declare them.",
  );
}

function otherOrder(
  table: string,
  columns: readonly NamedColumn[],
  actual: readonly ActualColumn[],
  at: number,
): Finding {
  const mapping = createOrAlterMappingCommand(tableOf(table, columns), "csv", "millrace_csv");
  return failed(
    "BAD_SCHEMA",
    `Column ${at + 1} is declared as ${columns[at]!.name} and is ${actual[at]!.name} in the table; CSV goes by order.`,
    `Declare the columns in the table's order (${listed(actual.map(({ name }) => name))}), use format "ndjson", or set ingestionMappingRef to "millrace_csv" once a Table Ingestor has run: ${mapping}`,
  );
}

function shown({ name, type }: ActualColumn): string {
  return `${name}:${type}`;
}
