// A user's program: records through a worker thread into memory, and back out of the gzip. It holds what it says against
// node:zlib and JSON.parse, and prints one line of JSON.
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { k, memory, open, table, version } from "millrace";

const readings = table("Readings", {
  at: k.datetime(),
  device: k.string(),
  value: k.real().optional(),
  tags: k.dynamic().optional(),
});

const many = 20_000;

function reading(i) {
  const tags = i % 3 === 0 ? { floor: i % 7, room: `räum "${i}"` } : null;
  return { at: new Date(1_700_000_000_000 + i), device: `d${i % 100}`, value: i / 8, tags };
}

/** The blobs that a sink makes of so many records. */
async function packed(count, parallelism) {
  const to = memory();
  const sink = await open({ table: readings, to, format: "ndjson", batchSize: many, batchIntervalMs: 0, parallelism });
  for (let i = 0; i < count; i++) if (!sink.write(reading(i)) && count > 1_000) await sink.ready;
  await sink.close();
  assert.equal(sink.stats.delivered, count);
  assert.equal(sink.stats.restarts, 0);
  return Buffer.concat(to.batches.flatMap(({ parts }) => parts));
}

const blob = await packed(many, 1);
const rows = gunzipSync(blob).toString().trimEnd().split("\n");
assert.equal(rows.length, many);
for (const [i, row] of rows.entries()) {
  const { at, device, value, tags = null } = JSON.parse(row);
  assert.deepEqual({ at: new Date(at), device, value, tags }, reading(i));
}

// The same few records by WebAssembly in a worker, by WebAssembly here, and by JavaScript alone: it is the module that
// works in the worker, not the encoder that stands in for it.
const few = 500;
const inWorker = await packed(few, 1);
const here = await packed(few, 0);
const wasm = globalThis.WebAssembly;
globalThis.WebAssembly = undefined;
const withoutWasm = await packed(few, 0);
globalThis.WebAssembly = wasm;
assert.ok(inWorker.equals(here), "the worker packs other bytes than this thread");
assert.ok(!withoutWasm.equals(here), "WebAssembly packs the bytes that the stand-in packs");
assert.deepEqual(gunzipSync(withoutWasm), gunzipSync(here));

console.log(JSON.stringify({ version, rows: rows.length, packedBytes: blob.length }));
