import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import type { Chunk } from "../../src/encode/chunk.ts";
import type { Encoder } from "../../src/encode/encoder.ts";
import { sealed } from "../../src/encode/gzip-member.ts";
import type { TableShape } from "../../src/encode/layout.ts";
import { compilePacker } from "../../src/encode/packer.ts";
import type { RowFormat } from "../../src/encode/row-format.ts";
import type { PackedRows } from "../../src/encode/segment.ts";

export interface Sample {
  readonly table: TableShape;
  readonly records: readonly unknown[];
}

export function chunksOf({ table, records }: Sample, format: RowFormat, rowsPerChunk = 256): Chunk[] {
  const packer = compilePacker(table, { format, maxRecordBytes: 1e9, rowsPerChunk });
  const chunks: Chunk[] = [];
  for (const record of records) {
    packer.pack(record);
    if (packer.isFull) chunks.push(packer.take()!);
  }
  const last = packer.take();
  return last ? [...chunks, last] : chunks;
}

/** All batches that an encoder makes of the chunks, the last one perhaps empty. */
export function batchesOf(encoder: Encoder, chunks: readonly Chunk[]): PackedRows[] {
  const batches: PackedRows[] = [];
  for (const chunk of chunks)
    for (let from = 0; from < chunk.rows; ) {
      const taken = encoder.append(chunk, from);
      from += taken;
      if (from < chunk.rows) batches.push(sealed(encoder));
    }
  return [...batches, sealed(encoder)];
}

/** A batch unpacked by zlib, which also checks its CRC and length. */
export function textOf(batch: PackedRows): string {
  const packed = Buffer.concat(batch.parts);
  assert.equal(packed.length, batch.packedBytes);
  const raw = gunzipSync(packed);
  assert.equal(raw.length, batch.rawBytes);
  return raw.toString("utf8");
}

export function encodedText(encoder: Encoder, chunks: readonly Chunk[]): string {
  return batchesOf(encoder, chunks).map(textOf).join("");
}
