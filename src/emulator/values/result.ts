import type { Kind } from "../../schema/kinds.ts";
import { realText } from "./real-text.ts";
import type { Stored } from "./stored.ts";
import { datetimeText, timespanText } from "./ticks.ts";

export interface ResultColumn {
  readonly name: string;
  readonly kind: Kind;
}

/** A table of an answer. A row is the JSON text of an array already, so that every digit of a long stays as it is. */
export interface ResultTable {
  readonly columns: readonly ResultColumn[];
  readonly rows: readonly string[];
  /** How `render` asks for it to be drawn, by the properties' names in the answer. */
  readonly visualization?: Readonly<Record<string, unknown>>;
}

/** The JSON text of one stored value, as Kusto writes it. */
export function jsonOf(kind: Kind, value: Stored): string {
  if (value === null) return kind === "string" ? '""' : "null";
  switch (kind) {
    case "bool":
      return value ? "true" : "false";
    case "datetime":
      return `"${datetimeText(BigInt(value))}"`;
    case "timespan":
      return `"${timespanText(BigInt(value))}"`;
    case "dynamic":
      return String(value);
    case "int":
    case "long":
      return String(value);
    case "real":
      // JSON has no number for NaN and the infinities; they go as text.
      return Number.isFinite(value) ? realText(value as number) : `"${realText(value as number)}"`;
    default:
      return JSON.stringify(value);
  }
}

export function rowOf(columns: readonly ResultColumn[], values: readonly Stored[]): string {
  return `[${columns.map(({ kind }, index) => jsonOf(kind, values[index]!)).join(",")}]`;
}

export function resultTable(columns: readonly ResultColumn[], rows: readonly (readonly Stored[])[]): ResultTable {
  return { columns, rows: rows.map((values) => rowOf(columns, values)) };
}
