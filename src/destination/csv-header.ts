import type { Table } from "../schema/table.ts";

/** The CSV row of the columns' names, with its line end. */
export function csvHeader(table: Table): string {
  const names = table.list.map(({ name }) => (/[",]|^\s|\s$/.test(name) ? `"${name.replaceAll('"', '""')}"` : name));
  return `${names.join(",")}\n`;
}
