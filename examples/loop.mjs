// The plain loop: records from anywhere, written one by one.
//   npm run build && node examples/loop.mjs CLUSTER [DATABASE]
// CLUSTER is the URL of a cluster, or of an emulator (`npx millrace emulator` prints its own).
import { k, open, table } from "millrace";
import { createMergeTableCommand, kusto, kustoAdmin } from "millrace/kusto";

const [cluster = "http://127.0.0.1:8080", database = "demo"] = process.argv.slice(2);
const connection = { cluster, database }; // beyond loopback: a credential too, such as managedIdentityAppId: "system"

// The table's columns, in the order of the table in Kusto. `optional()`: the value may be null or absent.
const readings = table("LoopReadings", { at: k.datetime(), device: k.string(), celsius: k.real().optional() });
const admin = await kustoAdmin(connection);
await admin.execute(createMergeTableCommand(readings)); // makes the table, or adds the columns that it lacks

const sink = await open({ table: readings, to: kusto({ ...connection, pollForIngestionStatus: true }) });
for (let i = 0; i < 10_000; i++) {
  const record = { at: new Date(), device: `device-${i % 100}`, celsius: i % 7 ? 20 + Math.sin(i) : null };
  // False means: this one was taken, and now wait for room. No promise is made per record.
  if (!sink.write(record)) await sink.ready;
}

try {
  sink.write({ at: new Date(), device: "device-1", celsius: /** @type {any} */ ("warm") });
} catch (error) {
  // Kusto would have stored null. The sink names the column and the value, and goes on with the next record.
  console.log(`refused: ${/** @type {Error} */ (error).message}`);
}

await sink.checkpoint(); // everything so far is in the table; without pollForIngestionStatus: has been taken by the service
await sink.close();

const { rows } = await admin.query("LoopReadings | count");
console.log(`${rows[0]?.[0]} rows landed`);
admin.close();
