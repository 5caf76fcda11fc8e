import type { RowFormat } from "../../encode/row-format.ts";

const newline = 10;
const quote = 34;

/**
 * The rows of a batch out of its unpacked bytes, each with its line end. They are our own encoder's, or raw rows whose framing was checked: every
 * row ends in a newline, and CSV quotes balance.
 */
export async function* rowsIn(chunks: AsyncIterable<Uint8Array>, format: RowFormat): AsyncGenerator<Buffer> {
  const hasQuotes = format === "csv";
  let isQuoted = false;
  /** Of a row that goes on in the next chunk. */
  let begun: Uint8Array[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i];
      // A doubled quote closes and opens at once, so counting is enough.
      if (byte === quote && hasQuotes) isQuoted = !isQuoted;
      if (byte !== newline || isQuoted) continue;
      // Copied: the row may wait long for its file, and would keep all of the chunk in memory.
      yield Buffer.concat([...begun, chunk.subarray(start, i + 1)]);
      begun = [];
      start = i + 1;
    }
    if (start < chunk.length) begun.push(chunk.slice(start));
  }
  if (begun.length > 0) yield Buffer.concat(begun);
}
