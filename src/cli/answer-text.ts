import type { Answer } from "../connectors/kusto/answer.ts";
import { plainLine } from "./terminal.ts";

const numeric = new Set(["int", "long", "real", "decimal"]);
const widestCell = 60;

export interface TableStyle {
  /** Cells are not cut at 60 characters. */
  readonly isWhole?: boolean;
  /** Columns of text that there is room for. What does not fit is named below the table. */
  readonly width?: number | undefined;
}

/** A result as columns of text. */
export function answerTable({ columns, rows }: Answer, { isWhole = false, width: room }: TableStyle = {}): string {
  const cells = rows.map((row) => row.map((value) => cell(value, isWhole)));
  const heads = columns.map((c) => cut(plainLine(c.name), isWhole));
  const widths = heads.map((head, i) => Math.max(width(head), ...cells.map((row) => width(row[i]!))));
  const fitting = room === undefined ? widths.length : howManyFit(widths, room);
  const isRight = columns.map((c) => numeric.has(c.type));
  const line = (texts: readonly string[]) =>
    texts
      .slice(0, fitting)
      .map((text, i) => {
        const gap = " ".repeat(widths[i]! - width(text));
        return isRight[i] ? gap + text : text + gap;
      })
      .join("  ")
      .trimEnd();
  const hidden = heads.slice(fitting);
  const note = hidden.length > 0 ? [`(and ${hidden.join(", ")})`] : [];
  return [line(heads), line(widths.map((n) => "-".repeat(n))), ...cells.map(line), ...note].join("\n");
}

function howManyFit(widths: readonly number[], room: number): number {
  let used = -2;
  const fitting = widths.findIndex((w) => {
    used += w + 2;
    return used > room;
  });
  return fitting < 0 ? widths.length : Math.max(1, fitting);
}

function cell(value: unknown, isWhole: boolean): string {
  if (value === null || value === undefined) return "";
  return cut(plainLine(textOf(value)), isWhole);
}

function cut(text: string, isWhole: boolean): string {
  return isWhole || text.length <= widestCell ? text : `${text.slice(0, widestCell - 3).toWellFormed()}...`;
}

/** Columns of a terminal that a text takes, near enough: East Asian wide characters and emoji take two. */
function width(text: string): number {
  let n = 0;
  for (const c of text) {
    if (/\p{M}/u.test(c)) continue;
    n +=
      /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
        c,
      )
        ? 2
        : 1;
  }
  return n;
}

function textOf(value: unknown): string {
  if (Object.is(value, -0)) return "-0";
  return typeof value === "object" && value !== null ? toJson(value) : String(value);
}

/** Long integers as their digits: a consumer that reads them as doubles rounds them itself. */
export function toJson(value: unknown): string {
  if (typeof value === "bigint") return String(value);
  // JSON.stringify drops the sign.
  if (Object.is(value, -0)) return "-0";
  if (Array.isArray(value)) return `[${value.map(toJson).join(",")}]`;
  if (typeof value === "object" && value !== null)
    return `{${Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([key, member]) => `${JSON.stringify(key)}:${toJson(member)}`)
      .join(",")}}`;
  // NaN and infinities have no JSON; null would claim that there was no value.
  if (typeof value === "number" && !Number.isFinite(value)) return JSON.stringify(String(value));
  return JSON.stringify(value) ?? "null";
}

/** One line: `{"columns":[{"name","type"}],"rows":[{...}]}`. */
export function answerJson({ columns, rows }: Answer): string {
  const objects = rows.map(
    (row) => `{${columns.map((c, i) => `${JSON.stringify(c.name)}:${toJson(row[i])}`).join(",")}}`,
  );
  return `{"columns":${toJson(columns)},"rows":[${objects.join(",")}]}`;
}

export function answerCsv({ columns, rows }: Answer): string {
  // Readers skip empty lines, and with them a row of one empty field.
  const line = (texts: readonly string[]) => texts.map(csvField).join(",") || '""';
  return [
    line(columns.map((c) => c.name)),
    ...rows.map((row) => line(row.map((v) => (v === null ? "" : textOf(v))))),
  ].join("\n");
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
