import { encoder } from "../../src/encode/choose-encoder.ts";
import type { Encoder } from "../../src/encode/encoder.ts";
import { sealed } from "../../src/encode/gzip-member.ts";
import { compilePacker } from "../../src/encode/packer.ts";
import type { Payload } from "../../src/encode/payload.ts";
import type { RowFormat } from "../../src/encode/row-format.ts";
import type { PackedRows, Segment } from "../../src/encode/segment.ts";
import type { Output } from "../case.ts";
import type { Corpus } from "../corpora/corpora.ts";

export const limits = { maxRows: 1_000_000_000, maxBytes: 300 * 1024 * 1024 };

/** What a sink does to a batch, on one thread: packs the records, encodes the chunks, seals. */
export function batchOf(
  { table, records }: Corpus,
  format: RowFormat,
  wasm: Uint8Array | undefined,
  end: (rows: Encoder) => Pick<PackedRows, "rawBytes" | "parts"> = sealed,
  payload: Payload = "gzip",
): () => Output {
  const packer = compilePacker(table, { format, maxRecordBytes: limits.maxBytes });
  const rows = encoder(table, format, limits, wasm, { payload });
  function handOver(): void {
    const chunk = packer.take()!;
    for (let from = 0; from < chunk.rows; ) from += rows.append(chunk, from);
    packer.recycle(chunk);
  }
  return () => {
    for (const record of records) {
      packer.pack(record);
      if (packer.isFull) handOver();
    }
    if (packer.rows > 0) handOver();
    const { rawBytes, parts } = end(rows);
    return { bytesIn: rawBytes, out: parts };
  };
}

/** The rows without the frame of a gzip member: the module packs nothing. Their memory is used again, as that of a batch once it is delivered. */
export function bare(rows: Encoder): Segment {
  const segment = rows.cut(true);
  rows.recycle(segment.parts);
  return segment;
}
