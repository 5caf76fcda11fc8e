import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ContainerClient } from "@azure/storage-blob";
import { BlobDescriptor, DataFormat } from "azure-kusto-ingest";
import { type Emulator, startEmulator } from "../../../src/emulator/index.ts";
import { type Clients, clientsOf } from "../../conformance/sdk.ts";
import { ask, refusal, rowsOf, until } from "../ask.ts";

type Properties = NonNullable<Parameters<Clients["queued"]["ingestFromBlob"]>[1]>;

let emulator: Emulator;
let clients: Clients;

before(async () => {
  // Messages are read again after a second unless the reader prolongs its hold on them.
  emulator = await startEmulator({ batchingTimeMs: 1_500, visibilityTimeoutMs: 1_000 });
  clients = clientsOf(emulator);
});
after(async () => {
  clients.close();
  await emulator.close();
});

async function resource(type: string): Promise<string> {
  const rows = await rowsOf(emulator, ".get ingestion resources");
  return String(rows.find(([each]) => each === type)![1]);
}

async function upload(name: string, text: string): Promise<string> {
  const blob = new ContainerClient(await resource("TempStorage")).getBlockBlobClient(name);
  await blob.uploadData(Buffer.from(text));
  return blob.url;
}

async function post(table: string, url: string, more: Partial<Properties> = {}): Promise<void> {
  await clients.queued.ingestFromBlob(new BlobDescriptor(url, 10), {
    database: "demo",
    table,
    format: DataFormat.CSV,
    ...more,
  });
}

const extents = async (table: string) =>
  (await rowsOf(emulator, `.show table ${table} extents | project RowCount, Tags | sort by RowCount asc`)).map((row) =>
    row.join(" ").trim(),
  );
const allLanded = (table: string, rows: number) =>
  until(
    async () => (await rowsOf(emulator, `${table} | count`))[0]![0],
    (count) => Number(count) >= rows,
  );

test("the policy of a table is set, merged, shown and taken away; the database's is under it", async () => {
  await ask(emulator, ".create table P (a:string)");
  const shown = async (of: string) => (await rowsOf(emulator, `.show ${of} policy ingestionbatching`))[0]!;
  assert.deepEqual(await shown("table P"), ["IngestionBatchingPolicy", "[demo].[P]", "null", "", "Table"]);
  const [altered] = await rowsOf(
    emulator,
    '.alter table P policy ingestionbatching @\'{"MaximumBatchingTimeSpan":"00:00:30","MaximumNumberOfItems":20}\'',
  );
  const text = '{"MaximumBatchingTimeSpan":"00:00:30","MaximumNumberOfItems":20,"MaximumRawDataSizeMB":1024}';
  assert.equal(altered![2], text);
  await ask(emulator, ".alter-merge table P policy ingestionbatching @'{\"MaximumRawDataSizeMB\":300}'");
  assert.equal((await shown("table P"))[2], text.replace("1024", "300"));
  await ask(emulator, ".alter database demo policy ingestionbatching @'{\"MaximumNumberOfItems\":7}'");
  assert.match(String((await shown("database demo"))[2]), /"MaximumNumberOfItems":7/);
  assert.equal((await rowsOf(emulator, ".show table * policy ingestionbatching")).length, 1);
  await ask(emulator, ".delete table P policy ingestionbatching");
  await ask(emulator, ".delete database demo policy ingestionbatching");
  assert.equal((await shown("table P"))[2], "null");
  assert.equal((await shown("database demo"))[2], "null");
  assert.match(
    (await refusal(emulator, ".alter table P policy ingestionbatching @'{\"MaximumNumberOfItems\":0}'")).message,
    /MaximumNumberOfItems must be/,
  );
});

test("blobs of one kind become one extent when the time is over; other tags, ingest-by and a flush are apart", async () => {
  await ask(emulator, ".create table B (a:string)");
  await post("B", await upload("b1", "1\n"));
  await post("B", await upload("b2", "2\n2\n"));
  await post("B", await upload("b3", "3\n3\n3\n3\n"), { additionalTags: ["x"] });
  const tagged = { ingestByTags: ["i"] };
  await post("B", await upload("b4", "4\n".repeat(8)), tagged);
  await post("B", await upload("b5", "5\n".repeat(16)), tagged);
  await post("B", await upload("b6", "6\n".repeat(32)), { flushImmediately: true });
  await allLanded("B", 63);
  assert.deepEqual(await extents("B"), ["3", "4 x", "8 ingest-by:i", "16 ingest-by:i", "32"]);
});

test("the number of items of a table's policy seals a batch long before its time", async () => {
  await ask(emulator, ".create table N (a:string)");
  await ask(emulator, ".alter table N policy ingestionbatching @'{\"MaximumNumberOfItems\":2}'");
  for (const name of ["n1", "n2", "n3", "n4"]) await post("N", await upload(name, "x\n"));
  await allLanded("N", 4);
  assert.deepEqual(await extents("N"), ["2", "2"]);
});

test("a broken blob fails by itself, and its batch is one extent without it", async () => {
  await ask(emulator, ".create table F (a:string, b:long)");
  await post("F", await upload("f1", "x,1\n"));
  await post("F", await upload("f2", "x,1\nbroken\n"));
  await post("F", await upload("f3", "x,1\n"));
  await post("F", await upload("f4", '"x,1\n'));
  await allLanded("F", 2);
  assert.deepEqual(await extents("F"), ["2"]);
  const failures = await until(
    () => rowsOf(emulator, ".show ingestion failures | where Table == 'F' | project ErrorCode, FailureKind"),
    (rows) => rows.length >= 2,
  );
  assert.deepEqual(failures.sort(), [
    ["Stream_ClosingQuoteMissing", "Permanent"],
    ["Stream_WrongNumberOfFields", "Permanent"],
  ]);
});

test("the same blob twice in a batch is loaded once, and told; held messages are not read a second time", async () => {
  await ask(emulator, ".create table D (a:string)");
  const url = await upload("d1", "x\n");
  await post("D", url);
  await post("D", url);
  await allLanded("D", 1);
  const failed = await rowsOf(emulator, ".show ingestion failures | where Table == 'D' | project ErrorCode");
  assert.deepEqual(failed, [["BlobAlreadyReceived_BlobAlreadyFoundInBatch"]]);
  assert.deepEqual(await extents("D"), ["1"]);
});

test("a table that is dropped while a blob of it waits for its batch: told", async () => {
  await ask(emulator, ".create table Gone (a:string)");
  await post("Gone", await upload("g1", "x\n"));
  await ask(emulator, ".drop table Gone");
  const failures = await until(
    () => rowsOf(emulator, ".show ingestion failures | where Table == 'Gone' | project ErrorCode"),
    (rows) => rows.length > 0,
  );
  assert.deepEqual(failures, [["BadRequest_TableNotExist"]]);
});
