import { rowEndFinder } from "../../deliver/row-ranges.ts";
import type { RowFormat } from "../../encode/row-format.ts";

/** The rows of a batch out of its unpacked bytes, each with its line end. */
export async function* rowsIn(chunks: AsyncIterable<Uint8Array>, format: RowFormat): AsyncGenerator<Buffer> {
  const endsIn = rowEndFinder(format);
  /** Of a row that goes on in the next chunk. */
  let begun: Uint8Array[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (const end of endsIn(chunk)) {
      // Copied: the row may wait long for its file, and would keep all of the chunk in memory.
      yield Buffer.concat([...begun, chunk.subarray(start, end)]);
      begun = [];
      start = end;
    }
    if (start < chunk.length) begun.push(chunk.slice(start));
  }
  if (begun.length > 0) yield Buffer.concat(begun);
}
