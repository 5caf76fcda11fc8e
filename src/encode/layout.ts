import { type Kind, kinds } from "../schema/kinds.ts";
import type { NamedColumn, Table } from "../schema/table.ts";
import type { RowFormat } from "./row-format.ts";

/** What the encoders need of a table: plain data, so that it can be posted to a worker. */
export type TableShape = Pick<Table, "name" | "list">;

/**
 * The tape: `rows` times `stride` bytes, little-endian as WebAssembly reads it. A row is
 *
 * | bytes               | what |
 * |---------------------|------|
 * | 4                   | the record's distance from the chunk's first record |
 * | 4 per 32 columns    | null bits, column 0 in bit 0 of the first word |
 * | 8 per wide column   | `real`: the double; `long`, `datetime`, `timespan`: 64-bit integer, the last two in ticks |
 * | 4 per other column  | `int`, `bool`: the value |
 * | 4 per text column   | length in UTF-16 units |
 *
 * Wide slots stand first, so nothing needs padding but the end; the lengths last, so that how large a row can become takes one look at what
 * stands side by side. Texts follow each other in the chunk's text buffer in
 * row order, within a row in column order; a null has length 0. A `dynamic` whose length is negative was taken apart: see `nodes.ts`. The length is in UTF-16 units because JavaScript knows
 * that number for nothing, and where the whole chunk is ASCII it is the number of bytes.
 */
export interface TapeLayout {
  readonly slots: readonly Slot[];
  readonly nullWords: number;
  /** Where the lengths of texts begin, and how many there are. */
  readonly textsOffset: number;
  readonly texts: number;
  readonly stride: number;
}

export interface Slot extends NamedColumn {
  /** Bytes from the row's start. */
  readonly offset: number;
}

/** The kinds whose value crosses as text. */
export const textKinds: ReadonlySet<Kind> = new Set(["string", "dynamic", "decimal", "guid"]);

export const wideKinds: ReadonlySet<Kind> = new Set(["real", "long", "datetime", "timespan"]);

export const nullsOffset = 4;

export function layoutOf(table: TableShape): TapeLayout {
  const nullWords = Math.ceil(table.list.length / 32);
  const next = { wide: roundUp8(nullsOffset + 4 * nullWords), narrow: 0, text: 0 };
  const counts = { wide: 0, narrow: 0, text: 0 };
  for (const { kind } of table.list) counts[slotSort(kind)]++;
  next.narrow = next.wide + 8 * counts.wide;
  next.text = next.narrow + 4 * counts.narrow;
  const textsOffset = next.text;
  const slots = table.list.map(({ name, kind, isOptional }) => {
    const sort = slotSort(kind);
    const offset = next[sort];
    next[sort] += sort === "wide" ? 8 : 4;
    return { name, kind, isOptional, offset };
  });
  return { slots, nullWords, textsOffset, texts: counts.text, stride: roundUp8(next.text) };
}

function slotSort(kind: Kind): "wide" | "narrow" | "text" {
  if (textKinds.has(kind)) return "text";
  return wideKinds.has(kind) ? "wide" : "narrow";
}

function roundUp8(bytes: number): number {
  return (bytes + 7) & ~7;
}

/** The most bytes a value of a kind takes in a row, without the text of text kinds: quotes, and the longest number. */
const widest: Readonly<Record<Kind, number>> = {
  bool: 5,
  datetime: 30,
  decimal: 2,
  dynamic: 2,
  guid: 2,
  int: 11,
  long: 20,
  real: 26,
  string: 2,
  timespan: 30,
};

/** What one UTF-16 unit of text can grow to: three bytes of UTF-8, or in JSON the six bytes of `\u0000`. */
export function bytesPerUnit(format: RowFormat): number {
  return format === "csv" ? 3 : 6;
}

/** The bytes of a row that do not depend on its texts, at most: with separators, keys, quotes and the newline. */
export function fixedBytes(table: TableShape, format: RowFormat): number {
  const keys = format === "csv" ? 0 : keysOf(table).reduce((sum, key) => sum + key.length, 0);
  return table.list.reduce((sum, column) => sum + widest[column.kind] + 3, 4) + keys;
}

/** The keys of an NDJSON row as they are written: `,"name":`. The encoder turns the first one's comma into `{`. */
export function keysOf(table: TableShape): Uint8Array[] {
  const utf8 = new TextEncoder();
  return table.list.map((column) => utf8.encode(`,${JSON.stringify(column.name)}:`));
}

const headerWords = 6;

/**
 * The layout as WebAssembly takes it, once per encoder: 32-bit words, then the bytes of the keys.
 * Words: format (0 CSV, 1 NDJSON), columns, stride, fixed bytes of a row, offset and number of the texts' lengths, and per column kind (index in `kinds`),
 * slot offset, key offset from the descriptor's start, key length.
 */
export function descriptorOf(table: TableShape, format: RowFormat): Uint8Array {
  const { slots, stride, textsOffset, texts } = layoutOf(table);
  const keys = format === "csv" ? [] : keysOf(table);
  const keysStart = 4 * (headerWords + 4 * slots.length);
  const bytes = new Uint8Array(keys.reduce((sum, key) => sum + key.length, keysStart));
  const words = new DataView(bytes.buffer);
  const header = [format === "csv" ? 0 : 1, slots.length, stride, fixedBytes(table, format), textsOffset, texts];
  header.forEach((word, i) => {
    words.setUint32(4 * i, word, true);
  });
  let keyAt = keysStart;
  slots.forEach((slot, i) => {
    const key = keys[i] ?? new Uint8Array(0);
    [kinds.indexOf(slot.kind), slot.offset, keyAt, key.length].forEach((word, j) => {
      words.setUint32(4 * (headerWords + 4 * i + j), word, true);
    });
    bytes.set(key, keyAt);
    keyAt += key.length;
  });
  return bytes;
}
