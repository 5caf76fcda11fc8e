import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type KustoAdmin, kustoAdmin } from "../../src/connectors/kusto/admin.ts";
import { type Emulator, startEmulator } from "../../src/emulator/index.ts";
import { createMergeTableCommand, createOrAlterMappingCommand } from "../../src/schema/kql.ts";
import { k, table } from "../../src/schema/table.ts";
import { KustoConnectionOptions, KustoWriteOptions, KustoWriteSink } from "../../src/write-sink.ts";

// The connector's own words, from a source to rows in a table.

let emulator: Emulator;
let admin: KustoAdmin;
let connectionOptions: KustoConnectionOptions;

before(async () => {
  emulator = await startEmulator({ databases: ["iot"] });
  admin = await kustoAdmin({ cluster: emulator.url, database: "iot" });
  connectionOptions = KustoConnectionOptions.builder().setClusterUrl(emulator.url).build();
});

after(async () => {
  admin?.close();
  await emulator?.close();
});

function* readings(count: number) {
  for (let n = 0; n < count; n++) yield { n, name: `reading ${n}` };
}

function optionsFor(target: Parameters<ReturnType<typeof KustoWriteOptions.builder>["withTable"]>[0]) {
  return KustoWriteOptions.builder()
    .withDatabase("iot")
    .withTable(target)
    .withFlushImmediately(true)
    .withPollForIngestionStatus(true);
}

test("a declared table, two subtasks, tags and a mapping", async () => {
  const target = table("Declared", { name: k.string(), n: k.int() });
  // In the cluster the columns stand the other way round: only the mapping makes CSV fit.
  await admin.execute(createMergeTableCommand(table("Declared", { n: k.int(), name: k.string() })));
  await admin.execute(createOrAlterMappingCommand(target, "csv", "by_name"));
  const writeOptions = optionsFor(target)
    .withIngestionMappingRef("by_name")
    .withIngestByTags(["once"])
    .withAdditionalTags(["nightly"])
    .build();
  const summary = await KustoWriteSink.builder()
    .setConnectionOptions(connectionOptions)
    .setWriteOptions(writeOptions)
    .build(readings(3_500), 2)
    .execute();
  assert.equal(summary.stats.delivered, 3_500);
  const sums = await admin.query(
    "Declared | where name == strcat('reading ', tostring(n)) | summarize count(), sum(n)",
  );
  assert.deepEqual(sums.rows[0]!.map(Number), [3_500, (3_500 * 3_499) / 2]);
  const extents = await admin.execute(".show table Declared extents");
  assert.match(JSON.stringify(extents.rows), /nightly.*ingest-by:once|ingest-by:once.*nightly/);
});

test("a table by its name takes the columns that the cluster has", async () => {
  await admin.execute(".create table Named (n: long, name: string, extra: datetime)");
  const summary = await KustoWriteSink.builder()
    .setConnectionOptions(connectionOptions)
    .setWriteOptions(optionsFor("Named").build())
    .build([...readings(10)])
    .execute();
  assert.equal(summary.stats.delivered, 10);
  const { rows } = await admin.query("Named | where isnull(extra) | count");
  assert.equal(Number(rows[0]![0]), 10);
});

test("a table that the cluster does not have is named", async () => {
  const job = KustoWriteSink.builder()
    .setConnectionOptions(connectionOptions)
    .setWriteOptions(optionsFor("Nowhere").build())
    .build([{ n: 1 }]);
  await assert.rejects(job.execute(), /Nowhere does not exist in database iot/);
});
