// Exactly once with a state backend of one's own (directory-state.mjs) and a source of one's own: kill it and start it again
// as often as you like, each number is in the table once.
//   npm run build && node examples/custom-state.mjs CLUSTER DATABASE FOLDER
import { k, open, table } from "millrace";
import { createMergeTableCommand, kusto, kustoAdmin } from "millrace/kusto";
import { directoryState } from "./directory-state.mjs";

const [cluster = "http://127.0.0.1:8080", database = "demo", folder = "state/numbers"] = process.argv.slice(2);
const numbers = table("StateNumbers", { n: k.long(), square: k.real() });
const total = 20_000;

const admin = await kustoAdmin({ cluster, database });
await admin.execute(createMergeTableCommand(numbers));
const sink = await open({
  table: numbers,
  to: kusto({ cluster, database }),
  deliveryGuarantee: "exactly-once",
  state: directoryState(folder), // one folder per job and table
  batchSize: 4_000,
});
sink.keepToCheckpoints(); // positions are told: `close()` must not commit what lies behind the newest checkpoint

// The source: it can be read again from a position, here a number. The state says where the newest checkpoint stands.
const start = Number(sink.restored?.positions.numbers ?? 0);
console.log(`from ${start}`);
for (let n = start; n < total; n++) {
  if (!sink.write({ n, square: n * n })) await sink.ready;
  if ((n + 1) % 4_000 > 0) continue;
  // Resolved: records and position are in the state, and will be committed together, by this process or the next.
  const { epoch } = await sink.checkpoint({ positions: { numbers: n + 1 } });
  console.log(`checkpoint ${epoch}`);
}
await sink.close(); // all checkpoints are committed

const { rows } = await admin.query("StateNumbers | summarize count(), dcount(n, 4)");
console.log(`${rows[0]?.[0]} rows`);
admin.close();
