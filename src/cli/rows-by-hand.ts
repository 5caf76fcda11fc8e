import type { NamedColumn, Table } from "../schema/table.ts";

/** What a program writes without a sink: the rival of every measurement. */

/**
 * CSV as one would write it by hand for this very table: one template string per record, no loop over columns, quotes
 * only round text. Made from the table's columns, so that the rival is as good on any table as on one known beforehand.
 *
 * @param sample Records whose values tell whether dates are `Date` or text.
 */
export function csvByHand<R>(table: Table, sample: readonly R[]): (records: readonly R[]) => string {
  const fields = table.list.map((column) => `\${${field(column, sample as readonly Record<string, unknown>[])}}`);
  const make = new Function(
    "quoted",
    `return (records) => {
      let text = "";
      for (const r of records) text += \`${fields.join(",")}\\n\`;
      return text;
    };`,
  );
  return make(quoted);
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function field({ name, kind, isOptional }: NamedColumn, sample: readonly Record<string, unknown>[]): string {
  const value = `r[${JSON.stringify(name)}]`;
  const text = textOf(value, kind, sample.find((record) => record[name] != null)?.[name]);
  if (!isOptional) return text;
  return text === value ? `${value} ?? ""` : `${value} == null ? "" : ${text}`;
}

function textOf(value: string, kind: NamedColumn["kind"], example: unknown): string {
  if (kind === "string") return `quoted(${value})`;
  if (kind === "dynamic") return `quoted(JSON.stringify(${value}))`;
  if (kind !== "datetime" || typeof example === "string") return value;
  return example instanceof Date ? `${value}.toISOString()` : `new Date(${value}).toISOString()`;
}

/** NDJSON as one would write it by hand. */
export function ndjsonByHand(records: readonly object[]): string {
  let text = "";
  for (const record of records) text += `${JSON.stringify(record)}\n`;
  return text;
}
