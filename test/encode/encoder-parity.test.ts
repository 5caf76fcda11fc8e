import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { encoder } from "../../src/encode/choose-encoder.ts";
import type { Chunk } from "../../src/encode/chunk.ts";
import type { Encoder, PackedRows, RowFormat } from "../../src/encode/encoder.ts";
import { compilePacker } from "../../src/encode/packer.ts";
import { embeddedWasm } from "../../src/encode/wasm-embedded.ts";
import { type TableAndRecords, tableAndRecords } from "./arbitraries.ts";

const noLimits = { maxRows: 1e9, maxBytes: 1e9 };
const formats: readonly RowFormat[] = ["csv", "ndjson"];

function chunksOf({ table, records }: TableAndRecords, format: RowFormat, rowsPerChunk: number): Chunk[] {
  const packer = compilePacker(table, { format, maxRecordBytes: 1e9, rowsPerChunk });
  const chunks: Chunk[] = [];
  for (const record of records) {
    packer.pack(record);
    if (packer.isFull) chunks.push(packer.take()!);
  }
  const last = packer.take();
  return last ? [...chunks, last] : chunks;
}

/** All batches of the chunks; those of one encoder are compared with another's, so nothing is looked at here. */
function batchesOf(encoder: Encoder, chunks: readonly Chunk[]): PackedRows[] {
  const batches: PackedRows[] = [];
  for (const chunk of chunks)
    for (let from = 0; from < chunk.rows; ) {
      const taken = encoder.append(chunk, from);
      from += taken;
      if (taken === 0) batches.push(encoder.seal());
    }
  return [...batches, encoder.seal()];
}

function rowsOf(batch: PackedRows): string {
  const packed = Buffer.concat(batch.parts);
  assert.equal(packed.length, batch.packedBytes);
  const raw = gunzipSync(packed);
  assert.equal(raw.length, batch.rawBytes);
  return raw.toString("utf8");
}

for (const format of formats)
  test(`${format}: WebAssembly writes the rows of the JavaScript oracle`, () => {
    fc.assert(
      fc.property(tableAndRecords, fc.integer({ min: 1, max: 40 }), (sample, rowsPerChunk) => {
        const chunks = chunksOf(sample, format, rowsPerChunk);
        const [wasm] = batchesOf(encoder(sample.table, format, noLimits, embeddedWasm()), chunks);
        const [js] = batchesOf(encoder(sample.table, format, noLimits, undefined), chunks);
        assert.equal(rowsOf(wasm!), rowsOf(js!));
        assert.equal(wasm!.rows, sample.records.length);
      }),
      { numRuns: 300 },
    );
  });
