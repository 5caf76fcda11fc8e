// Lands a thousand records from Bun:
//   bun run examples/bun.ts CLUSTER [DATABASE]
// CLUSTER is the URL of a cluster, or of an emulator (`bunx millrace emulator` prints its own). Here "millrace" is this
// package; a program elsewhere says `bun add millrace` first.
import { k, open, table } from "millrace";
import { createMergeTableCommand, kusto, kustoAdmin } from "millrace/kusto";

const [cluster = process.env.MILLRACE_CLUSTER ?? "http://127.0.0.1:8080", database = "demo"] = process.argv.slice(2);
const visits = table("BunVisits", { at: k.datetime(), path: k.string(), ms: k.real().optional() });

const admin = await kustoAdmin({ cluster, database });
await admin.execute(createMergeTableCommand(visits));

const sink = await open({
  table: visits,
  to: kusto({ cluster, database, pollForIngestionStatus: true }),
  preset: "realtime",
});
for (let i = 0; i < 1_000; i++)
  if (!sink.write({ at: new Date(), path: `/page/${i % 10}`, ms: i / 7 })) await sink.ready;
await sink.close();

const { rows } = await admin.query("BunVisits | summarize count() by path | order by path asc");
for (const [path, count] of rows) console.log(path, count);
console.log(`${sink.stats.delivered} rows have landed in ${database}`);
admin.close();
