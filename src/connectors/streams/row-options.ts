import { badArgument } from "../../arguments.ts";
import { csvHeader } from "../../destination/csv-header.ts";
import type { RowFormat } from "../../encode/row-format.ts";
import type { Table } from "../../schema/table.ts";

/** How rows stand in a stream. */
export interface RowStreamOptions {
  /** "ndjson" (default): a JSON object a line. "csv": RFC 4180; a row with a newline in a text takes several lines. */
  format?: RowFormat;
  /** CSV begins with a row of the columns' names. Default false. */
  header?: boolean;
}

export type ResolvedRowOptions = Required<RowStreamOptions>;

export const rowOptionNames: readonly string[] = ["format", "header"];

/** @throws MillraceError BAD_OPTION naming the option and what it takes. */
export function resolveRowOptions(
  what: string,
  { format = "ndjson", header = false }: RowStreamOptions,
): ResolvedRowOptions {
  if (format !== "csv" && format !== "ndjson") throw badArgument(what, "format", format, '"csv" or "ndjson"');
  if (typeof header !== "boolean") throw badArgument(what, "header", header, "true or false");
  if (header && format !== "csv") throw badArgument(what, "header", header, 'false, but with format: "csv"');
  return { format, header };
}

/** What a stream begins with. */
export function streamHead(table: Table, { header }: ResolvedRowOptions): readonly Uint8Array[] {
  return header ? [new TextEncoder().encode(csvHeader(table))] : [];
}
