import type { RowFormat } from "../../encode/row-format.ts";
import type { Table } from "../../schema/table.ts";
import type { ResolvedFilesOptions } from "./options.ts";
import { partitioning } from "./partition.ts";
import type { Layout } from "./parts.ts";

/** @throws MillraceError BAD_OPTION where `partitionBy` does not fit the table. */
export function layoutOf(table: Table, format: RowFormat, options: ResolvedFilesOptions): Layout {
  return {
    table: table.name,
    format,
    options,
    header: format === "csv" && options.header ? Buffer.from(headerOf(table)) : undefined,
    folderOf: partitioning(table, format, options.partitionBy),
  };
}

function headerOf(table: Table): string {
  const names = table.list.map(({ name }) => (/[",]|^\s|\s$/.test(name) ? `"${name.replaceAll('"', '""')}"` : name));
  return `${names.join(",")}\n`;
}

/** `.csv.gz`, `.csv`, `.ndjson.gz` or `.ndjson`. */
export function extensionOf({ format, options }: Pick<Layout, "format" | "options">): string {
  return `.${format}${options.compression === "gzip" ? ".gz" : ""}`;
}
