import type { RowFormat } from "../encode/row-format.ts";

export interface RowRange {
  readonly start: number;
  /** Behind the row's newline. */
  readonly end: number;
}

const newline = 10;
const quote = 34;

/**
 * Finds where rows end, behind their newlines, in the unpacked bytes of a batch, chunk by chunk. They are our own encoder's, or raw rows
 * whose framing was checked: every row ends in a newline, and CSV quotes balance.
 */
export function rowEndFinder(format: RowFormat): (chunk: Uint8Array) => Generator<number> {
  const hasQuotes = format === "csv";
  let isQuoted = false;
  return function* (chunk) {
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i];
      // A doubled quote closes and opens at once, so counting is enough.
      if (byte === quote && hasQuotes) isQuoted = !isQuoted;
      if (byte === newline && !isQuoted) yield i + 1;
    }
  };
}

/** Where the rows of a whole batch lie. */
export function rowRanges(raw: Uint8Array, format: RowFormat): RowRange[] {
  const ranges: RowRange[] = [];
  let start = 0;
  for (const end of rowEndFinder(format)(raw)) {
    ranges.push({ start, end });
    start = end;
  }
  if (start < raw.length) ranges.push({ start, end: raw.length });
  return ranges;
}
