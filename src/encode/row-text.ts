import { datetimeText, timespanText } from "../schema/datetime-text.ts";
import type { Kind } from "../schema/kinds.ts";
import type { OpenTape } from "./column-packers.ts";
import { layoutOf, nullsOffset, type Slot, type TableShape, textKinds } from "./layout.ts";
import { type NodeViews, nodeText, nodeUnits } from "./node-text.ts";
import type { RowFormat } from "./row-format.ts";
import type { SharedBytes } from "./shared-buffer.ts";

/**
 * The rows in plain JavaScript: what the fallback encoder sends, and what the WebAssembly encoder is checked against.
 *
 * CSV, as RFC 4180 and Kusto read it: comma, newline, and
 * - null is an empty field, which is also what an empty string looks like: Kusto has no null string.
 * - A text is quoted, its quotes doubled, when it holds `"`, `,`, CR or LF, or begins or ends with white space or a
 *   control character (readers trim them; U+FEFF, which counts as white space, would be eaten at a blob's start).
 * - bool is `true` / `false`; a real is what `String(x)` writes, with `-0`, `NaN`, `Infinity`, `-Infinity`; a dynamic is
 *   its JSON text; guid, datetime and timespan stand as Kusto writes them.
 * - A row that would be an empty line (one column, null or empty) is `""`, because readers skip empty lines.
 *
 * NDJSON, one object a line (Kusto's `multijson`), keys in column order:
 * - A null is left out; a row of nulls is `{}`.
 * - int and long are JSON numbers; decimal is a string, because a reader would take a number for a double; a real is a
 *   number, but `"NaN"`, `"Infinity"`, `"-Infinity"` strings, for which JSON has no numbers; bool is a JSON boolean.
 * - datetime, timespan, guid and string are strings; only what JSON demands is escaped, all else is raw UTF-8.
 * - A dynamic is its JSON as it stands.
 */
export interface RowWriter {
  /** The row at byte `row` with its newline; its texts begin at unit `textAt` of the chunk's text. */
  write(tape: TapeViews, row: number, text: string, textAt: number, nodes: NodeViews): string;
  /** How many units of the chunk's text the row has. */
  textUnits(tape: TapeViews, row: number, nodes: NodeViews): number;
}

export type TapeViews = Pick<OpenTape, "doubles" | "longs" | "words">;

export function viewsOf(tape: SharedBytes): TapeViews {
  return { doubles: new Float64Array(tape), longs: new BigInt64Array(tape), words: new Int32Array(tape) };
}

export function rowWriter(table: TableShape, format: RowFormat): RowWriter {
  const { slots } = layoutOf(table);
  const texts = slots.filter((slot) => textKinds.has(slot.kind));
  const writeValues = format === "csv" ? csvRow : ndjsonRow(slots.map((slot) => `${JSON.stringify(slot.name)}:`));
  return {
    write(tape, row, text, textAt, nodes) {
      let at = textAt;
      const values = slots.map((slot, index): Value => {
        if (isNull(tape, row, index)) return { kind: slot.kind, text: undefined };
        if (!textKinds.has(slot.kind)) return { kind: slot.kind, text: scalarText(tape, row, slot) };
        const start = at;
        const length = tape.words[(row + slot.offset) >> 2]!;
        at += unitsOf(length, nodes);
        return { kind: slot.kind, text: length < 0 ? nodeText(nodes, ~length, text, start) : text.slice(start, at) };
      });
      return `${writeValues(values)}\n`;
    },
    textUnits(tape, row, nodes) {
      return texts.reduce((sum, slot) => sum + unitsOf(tape.words[(row + slot.offset) >> 2]!, nodes), 0);
    },
  };
}

function unitsOf(length: number, nodes: NodeViews): number {
  return length < 0 ? nodeUnits(nodes, ~length) : length;
}

/** A value as text without any quotes; undefined for null. */
interface Value {
  readonly kind: Kind;
  readonly text: string | undefined;
}

function isNull(tape: TapeViews, row: number, index: number): boolean {
  return ((tape.words[((row + nullsOffset) >> 2) + (index >> 5)]! >> (index & 31)) & 1) === 1;
}

function scalarText(tape: TapeViews, row: number, { kind, offset }: Slot): string {
  const at = row + offset;
  switch (kind) {
    case "bool":
      return tape.words[at >> 2] === 1 ? "true" : "false";
    case "int":
      return String(tape.words[at >> 2]);
    case "real": {
      const value = tape.doubles[at >> 3]!;
      return Object.is(value, -0) ? "-0" : String(value);
    }
    case "datetime":
      return datetimeText(tape.longs[at >> 3]!);
    case "timespan":
      return timespanText(tape.longs[at >> 3]!);
    default:
      return String(tape.longs[at >> 3]);
  }
}

function csvRow(values: readonly Value[]): string {
  const line = values.map(({ kind, text = "" }) => (kind === "string" || kind === "dynamic" ? csvField(text) : text));
  return line.length === 1 && line[0] === "" ? '""' : line.join(",");
}

// \s has U+FEFF and every space of Unicode but U+0085, which other readers trim too.
const needsQuotes = /[",\r\n]|^[\s\u0000-\u0020\u0085]|[\s\u0000-\u0020\u0085]$/;

function csvField(text: string): string {
  return needsQuotes.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function ndjsonRow(keys: readonly string[]): (values: readonly Value[]) => string {
  return (values) => {
    const members = values.flatMap(({ kind, text }, i) =>
      text === undefined ? [] : [keys[i]! + jsonValue(kind, text)],
    );
    return `{${members.join(",")}}`;
  };
}

const unquotedInJson: ReadonlySet<Kind> = new Set(["bool", "int", "long", "dynamic"]);

function jsonValue(kind: Kind, text: string): string {
  if (kind === "string") return JSON.stringify(text);
  const isNumber = kind === "real" && text !== "NaN" && !text.endsWith("Infinity");
  return isNumber || unquotedInJson.has(kind) ? text : `"${text}"`;
}
