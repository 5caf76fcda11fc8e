import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encoder } from "../../src/encode/choose-encoder.ts";
import type { RowFormat } from "../../src/encode/row-format.ts";
import { embeddedWasm } from "../../src/encode/wasm-embedded.ts";
import { tableAndRecords } from "./arbitraries.ts";
import { batchesOf, chunksOf, textOf } from "./rows.ts";

const formats: readonly RowFormat[] = ["csv", "ndjson"];
const noLimits = { maxRows: 1e9, maxBytes: 1e9 };

for (const format of formats) {
  test(`${format}: WebAssembly writes the rows of the JavaScript oracle`, () => {
    fc.assert(
      fc.property(tableAndRecords, fc.integer({ min: 1, max: 40 }), (sample, rowsPerChunk) => {
        const chunks = chunksOf(sample, format, rowsPerChunk);
        const [wasm] = batchesOf(encoder(sample.table, format, noLimits, embeddedWasm()), chunks);
        const [js] = batchesOf(encoder(sample.table, format, noLimits, undefined), chunks);
        assert.equal(textOf(wasm!), textOf(js!));
        assert.equal(wasm!.rows, sample.records.length);
      }),
      { numRuns: 300 },
    );
  });

  test(`${format}: WebAssembly ends its batches where the JavaScript oracle does, whatever the limits`, () => {
    const limits = fc.record({ maxRows: fc.integer({ min: 1, max: 20 }), maxBytes: fc.integer({ min: 1, max: 3000 }) });
    fc.assert(
      fc.property(
        tableAndRecords,
        limits,
        fc.integer({ min: 1, max: 40 }),
        (sample, { maxRows, maxBytes }, rowsPerChunk) => {
          const chunks = chunksOf(sample, format, rowsPerChunk);
          const alone = batchesOf(encoder(sample.table, format, { ...noLimits, maxRows: 1 }, undefined), chunks);
          const largest = Math.max(...alone.map((batch) => batch.rawBytes));
          const fair = { maxRows, maxBytes: Math.max(maxBytes, largest) };
          const wasm = batchesOf(encoder(sample.table, format, fair, embeddedWasm()), chunks);
          const js = batchesOf(encoder(sample.table, format, fair, undefined), chunks);
          assert.deepEqual(wasm.map(textOf), js.map(textOf));
          for (const batch of wasm) assert.ok(batch.rows <= fair.maxRows && batch.rawBytes <= fair.maxBytes);
        },
      ),
      { numRuns: 200 },
    );
  });
}
