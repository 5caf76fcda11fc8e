// Lands a thousand records from Deno:
//   deno run -A examples/deno.ts CLUSTER [DATABASE]
// CLUSTER is the URL of a cluster, or of an emulator (`npx millrace emulator` prints its own). Here "millrace" is this
// package; a program elsewhere writes `from "npm:millrace"`, or `deno add npm:millrace` and the same as here.
import process from "node:process";
import { k, open, table } from "millrace";
import { createMergeTableCommand, kusto, kustoAdmin } from "millrace/kusto";

const [cluster = process.env.MILLRACE_CLUSTER ?? "http://127.0.0.1:8080", database = "demo"] = process.argv.slice(2);
const visits = table("DenoVisits", { at: k.datetime(), path: k.string(), ms: k.real().optional() });

const admin = await kustoAdmin({ cluster, database });
await admin.execute(createMergeTableCommand(visits));

const sink = await open({
  table: visits,
  to: kusto({ cluster, database, pollForIngestionStatus: true }),
  preset: "realtime",
});
const records = new ReadableStream({
  start(stream) {
    for (let i = 0; i < 1_000; i++) stream.enqueue({ at: new Date(), path: `/page/${i % 10}`, ms: i / 7 });
    stream.close();
  },
});
await records.pipeTo(sink.writable());

const { rows } = await admin.query("DenoVisits | summarize count() by path | order by path asc");
for (const [path, count] of rows) console.log(path, count);
console.log(`${sink.stats.delivered} rows have landed in ${database}`);
admin.close();
