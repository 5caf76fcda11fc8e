import { MillraceError } from "../errors.ts";
import { stringifyExactly } from "../schema/exact-number.ts";
import { textHint } from "../schema/text-hints.ts";
import type { Misfit } from "./misfit.ts";

const longestShown = 80;

/** A value as an error may quote it: on one line, cut, and never throwing whatever the value is. */
export function shown(value: unknown): string {
  const text = textOf(value).replace(/[\u0000-\u001f\u007f]/g, " ");
  const whole = text.toWellFormed();
  return whole.length > longestShown ? `${whole.slice(0, longestShown - 3).toWellFormed()}...` : whole;
}

function textOf(value: unknown): string {
  try {
    if (typeof value === "string") return JSON.stringify(value.slice(0, longestShown));
    if (typeof value === "bigint") return `${value}n`;
    if (Object.is(value, -0)) return "-0";
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
    if (typeof value === "object" && value !== null) return stringifyExactly(value) ?? typeof value;
    return String(value);
  } catch {
    // Cycles, a toJSON() that throws and the like. Of a proxy even the name of its class may throw.
    return `[${typeof value}]`;
  }
}

/** Which record: its number among the `pack()` calls, and its place in the source where the caller gave one. */
export interface RecordName {
  readonly table: string;
  readonly record: number;
  readonly place: string | undefined;
}

/** One record that does not fit its table. */
export function recordRefused(name: RecordName, misfit: Misfit): MillraceError {
  const { table, record, place } = name;
  const { column, reason } = misfit;
  const hint = column && typeof misfit.value === "string" ? textHint(column.kind, misfit.value) : undefined;
  const value = shown(misfit.value);
  const where = `Record ${record}${place === undefined ? "" : ` (${place})`} does not fit table ${table}`;
  const what =
    column === undefined
      ? `${reason}: ${value}`
      : `column ${column.name} (${column.kind}) got ${value}: ${reason}${hint === undefined ? "" : ` (${hint})`}`;
  return new MillraceError("RECORD_REFUSED", `${where}: ${what}.`, {
    cause: misfit.cause,
    context: { table, column: column?.name, kind: column?.kind, value, reason, record, place },
  });
}
