import { isSafeNumber } from "lossless-json";
import type { Kind } from "../../src/schema/kinds.ts";
import { type Difference, isTextForNull } from "./differences.ts";
import { type Bag, canonicalJson, JsonNumber, parseLossless } from "./json-values.ts";
import type { Oracle } from "./oracle.ts";
import type { Reading, SourceRow } from "./readings.ts";

export interface ComparedColumn {
  readonly name: string;
  readonly kind: Kind;
  /** The name in the file. */
  readonly field: string;
  /** CSV: which of the row's texts it is. */
  readonly index: number;
}

/** Texts whose worth the oracle tells, or what is settled already. */
type Cell = { readonly text: string } | { readonly settled: string };

export interface Comparison {
  readonly cells: number;
  readonly different: number;
  /** Rows of the file that no row of the table matches, less those that were paired with one that differs. */
  readonly missing: number;
  /** Rows of the table that no row of the file matches, less the same. */
  readonly surplus: number;
  readonly examples: readonly string[];
  readonly documented: ReadonlyMap<Difference, number>;
}

const nothing: Cell = { settled: "null" };

/** Compares rows in whatever order: what is left over on both sides is paired, and its cells are compared one by one. */
export async function compareRows(
  columns: readonly ComparedColumn[],
  { form }: Pick<Reading, "form">,
  sources: readonly SourceRow[],
  arrived: readonly (readonly unknown[])[],
  oracle: Oracle,
): Promise<Comparison> {
  const documented = new Map<Difference, number>();
  const note = (difference: Difference) => documented.set(difference, (documented.get(difference) ?? 0) + 1);
  const wanted = sources.map(({ value }) =>
    columns.map(({ kind, field, index }) =>
      form === "csv"
        ? csvCell(kind, (value as readonly string[])[index]!, note)
        : jsonCell(kind, value as Bag, field, note),
    ),
  );
  const got = arrived.map((row) => columns.map(({ kind }, i) => tableCell(kind, row[i])));
  const worth = await worths(columns, [...wanted, ...got], oracle);
  const texts = (row: readonly Cell[]) =>
    row.map((cell, i) => ("settled" in cell ? cell.settled : `= ${worth[i]!.get(cell.text)}`));

  const waiting = new Map<string, number[]>();
  for (const [index, row] of wanted.entries()) {
    const key = JSON.stringify(texts(row));
    const same = waiting.get(key);
    if (same) same.push(index);
    else waiting.set(key, [index]);
  }
  const surplus: number[] = [];
  for (const [index, row] of got.entries())
    if (waiting.get(JSON.stringify(texts(row)))?.pop() === undefined) surplus.push(index);
  const missing = [...waiting.values()].flat().sort((a, b) => a - b);
  const pairs = pairUp(
    missing.map((index) => texts(wanted[index]!)),
    surplus.map((index) => texts(got[index]!)),
  );
  const examples: string[] = [];
  let different = 0;
  for (const [m, s] of pairs) {
    const row = sources[missing[m]!]!;
    const [ours, theirs] = [texts(wanted[missing[m]!]!), texts(got[surplus[s]!]!)];
    for (const [i, text] of ours.entries()) {
      if (text === theirs[i]) continue;
      different++;
      const { name, kind, field, index } = columns[i]!;
      const source = Array.isArray(row.value) ? row.value[index] : (row.value as Bag)[field];
      const shown =
        source instanceof JsonNumber ? source.text : typeof source === "string" ? source : canonicalJson(source);
      if (examples.length < 3)
        examples.push(
          `line ${row.line ?? "?"}, ${name} (${kind}): file ${cut(shown)} (${cut(text)}), table ${cut(theirs[i]!)}`,
        );
    }
  }
  return {
    cells: arrived.length * columns.length,
    different,
    missing: missing.length - pairs.length,
    surplus: surplus.length - pairs.length,
    examples,
    documented,
  };
}

const cut = (text: string) => JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text);

/** Rows beyond this are paired in their order, for the search goes with the square of their number. */
const mostSearched = 300;

/** Pairs of indexes: each row of the shorter side with the row of the other that has most cells in common. */
function pairUp(left: readonly string[][], right: readonly string[][]): [number, number][] {
  const free = new Set(right.keys());
  const pairs: [number, number][] = [];
  for (const [i, row] of left.entries()) {
    let best = -1;
    let most = -1;
    let looked = 0;
    for (const j of free) {
      const same = row.filter((text, column) => text === right[j]![column]).length;
      if (same > most) [best, most] = [j, same];
      if (++looked === mostSearched) break;
    }
    // Where not one cell in two is the same, these are two rows.
    if (best < 0 || (most * 2 < row.length && left.length !== right.length)) continue;
    free.delete(best);
    pairs.push([i, best]);
  }
  return pairs;
}

async function worths(columns: readonly ComparedColumn[], rows: readonly (readonly Cell[])[], oracle: Oracle) {
  const all: ReadonlyMap<string, string>[] = [];
  for (const [i, { kind }] of columns.entries()) {
    const texts = new Set<string>();
    for (const row of rows) {
      const cell = row[i]!;
      if ("text" in cell) texts.add(cell.text);
    }
    all.push(texts.size === 0 ? new Map() : await oracle.worth(kind, texts));
  }
  return all;
}

const textCell = (text: string): Cell => ({ settled: `text ${text}` });
const jsonText = (value: unknown): Cell => (value === null ? nothing : { settled: `json ${canonicalJson(value)}` });

function csvCell(kind: Kind, text: string, note: (difference: Difference) => void): Cell {
  if (kind === "string") return textCell(text);
  if (text === "") {
    note("emptyCsv");
    return nothing;
  }
  if (isTextForNull(kind, text)) {
    note("nullText");
    return nothing;
  }
  if (kind !== "dynamic") return numberCell(kind, text, note);
  try {
    return jsonText(parseLossless(text));
  } catch {
    return jsonText(text);
  }
}

function jsonCell(kind: Kind, record: Bag, field: string, note: (difference: Difference) => void): Cell {
  const value = Object.hasOwn(record, field) ? record[field] : undefined;
  if (value === null || value === undefined) {
    if (kind !== "string") return nothing;
    note("nullInString");
    return textCell("");
  }
  if (kind === "dynamic") return jsonText(value);
  if (kind === "string") return textCell(textOf(value, note));
  return numberCell(kind, value instanceof JsonNumber ? value.text : String(value), note);
}

function numberCell(kind: Kind, text: string, note: (difference: Difference) => void): Cell {
  const digits = text.replace(/[eE].*$|\D/g, "").replace(/^0+/, "");
  if (kind === "real" && digits.length > 17) note("roundedReal");
  return { text };
}

function textOf(value: unknown, note: (difference: Difference) => void): string {
  if (!(value instanceof JsonNumber)) return String(value);
  const { text } = value;
  const written = /^-?\d+$/.test(text) && text !== "-0" ? text : isSafeNumber(text) ? String(Number(text)) : text;
  if (written !== text) note("numberInString");
  return written;
}

/** A cell of the answer, whose numbers are JsonNumbers. */
function tableCell(kind: Kind, value: unknown): Cell {
  if (kind === "dynamic") return jsonText(value);
  if (value === null || value === undefined) return nothing;
  if (kind === "string") return textCell(String(value));
  return { text: value instanceof JsonNumber ? value.text : String(value) };
}
