// Node streams: a packed file is unpacked, parsed and mended on its way, and back-pressure reaches from the sink to the disk.
//   npm run build && node examples/pipeline.mjs CLUSTER DATABASE FILE.ndjson.gz
// (For files as they are there is `run({ from: files(...) })`, and `millrace ingest`.)
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { fileDeadLetter, k, open, table } from "millrace";
import { createMergeTableCommand, kusto, kustoAdmin } from "millrace/kusto";

const [cluster = "http://127.0.0.1:8080", database = "demo", file = "orders.ndjson.gz"] = process.argv.slice(2);
const orders = table("PipelineOrders", { id: k.long(), at: k.datetime(), total: k.decimal(), items: k.dynamic() });
const admin = await kustoAdmin({ cluster, database });
await admin.execute(createMergeTableCommand(orders));

const sink = await open({
  table: orders,
  to: kusto({ cluster, database, pollForIngestionStatus: true }),
  preset: "bulk", // few large blobs, as Kusto likes them
  deadLetter: fileDeadLetter(`${file}.refused`), // without it the first record that does not fit ends the pipeline
});

/** @param {AsyncIterable<Buffer>} bytes */
async function* parsed(bytes) {
  for await (const line of createInterface({ input: /** @type {any} */ (bytes), crlfDelay: Infinity }))
    if (line !== "") yield JSON.parse(line);
}

/** @param {AsyncIterable<any>} records */
async function* summed(records) {
  for await (const { id, at, items } of records) {
    const cents = items.reduce((sum, item) => sum + item.cents, 0);
    yield { id, at, items, total: (cents / 100).toFixed(2) }; // a decimal as text keeps its digits
  }
}

// The end of the pipeline closes the sink, which flushes; an error anywhere aborts it.
await pipeline(createReadStream(file), createGunzip(), parsed, summed, sink.nodeWritable());

const { accepted, rejected } = sink.stats;
const { rows } = await admin.query("PipelineOrders | summarize count(), sum(total)");
console.log(`${accepted} taken, ${rejected} refused; in the table: ${rows[0]?.[0]} rows, ${rows[0]?.[1]} in total`);
admin.close();
