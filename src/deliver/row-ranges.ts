import type { RowFormat } from "../encode/row-format.ts";

export interface RowRange {
  readonly start: number;
  /** Behind the row's newline. */
  readonly end: number;
}

const newline = 10;
const quote = 34;

/** Where the rows of a batch lie. They are our own encoder's: every row ends in a newline, and CSV quotes balance. */
export function rowRanges(raw: Uint8Array, format: RowFormat): RowRange[] {
  const ranges: RowRange[] = [];
  let start = 0;
  let isQuoted = false;
  for (let i = 0; i < raw.length; i++) {
    const byte = raw[i];
    // A doubled quote opens and closes at once, so counting is enough.
    if (byte === quote && format === "csv") isQuoted = !isQuoted;
    if (byte !== newline || isQuoted) continue;
    ranges.push({ start, end: i + 1 });
    start = i + 1;
  }
  if (start < raw.length) ranges.push({ start, end: raw.length });
  return ranges;
}
