// One million generated records through pipeline() into the embedded emulator; prints rows landed and the peak memory.
//   npm run build && node examples/million.mjs [records]
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { k, open, table } from "millrace";
import { startEmulator } from "millrace/emulator";
import { createMergeTableCommand, kusto, kustoAdmin } from "millrace/kusto";

const count = Number(process.argv[2] ?? 1_000_000);
const readings = table("Readings", {
  ts: k.datetime(),
  device: k.string(),
  value: k.real().optional(),
  tags: k.dynamic().optional(),
});

function* generate() {
  for (let i = 0; i < count; i++)
    yield { ts: 1.7e12 + i, device: `device-${i % 1000}`, value: Math.sin(i), tags: i % 10 ? null : { batch: i } };
}

const emulator = await startEmulator({ databases: ["iot"] });
const connection = { cluster: emulator.url, database: "iot" };
const admin = await kustoAdmin(connection);
await admin.execute(createMergeTableCommand(readings));

const sink = await open({
  table: readings,
  to: kusto({ ...connection, pollForIngestionStatus: true }),
  preset: "bulk",
});
let peak = 0;
const watch = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 50);
await pipeline(Readable.from(generate()), sink.nodeWritable());
clearInterval(watch);

const { rows } = await admin.query("Readings | count");
console.log(`${rows[0][0]} rows landed, peak resident memory ${Math.round(peak / 2 ** 20)} MiB`);
admin.close();
await emulator.close();
