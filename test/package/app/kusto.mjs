// A user's program: records into the cluster that MILLRACE_CLUSTER names, and a query for them. It uses every runtime dependency
// but the login's and the command line's.
import assert from "node:assert/strict";
import { k, open, table } from "millrace";
import { createMergeTableCommand, kusto, kustoAdmin } from "millrace/kusto";

const connection = { cluster: process.env.MILLRACE_CLUSTER, database: "demo" };
const events = table(process.env.MILLRACE_TABLE, { at: k.datetime(), text: k.string() });
const admin = await kustoAdmin(connection);
await admin.execute(createMergeTableCommand(events));

const quickly = { flushImmediately: true, pollForIngestionStatus: true, pollIntervalMs: 100 };
const sink = await open({ table: events, to: kusto({ ...connection, ...quickly }) });
for (let i = 0; i < 1_000; i++) if (!sink.write({ at: new Date(i), text: `event ${i}` })) await sink.ready;
await sink.close();

const { rows } = await admin.query(`${events.name} | summarize n = count(), texts = dcount(text)`);
assert.equal(Number(rows[0][0]), 1_000);
admin.close();
console.log(JSON.stringify({ rows: Number(rows[0][0]) }));
// Idle connections keep Node's process for some seconds, and nothing is left to do.
process.exit();
