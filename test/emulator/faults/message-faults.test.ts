import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { after, before, beforeEach, test } from "node:test";
import { gzipSync } from "node:zlib";
import { ContainerClient } from "@azure/storage-blob";
import { QueueClient } from "@azure/storage-queue";
import { CompressionType, DataFormat, IngestionProperties, StreamDescriptor } from "azure-kusto-ingest";
import { type Emulator, startEmulator } from "../../../src/emulator/index.ts";
import { type Clients, clientsOf } from "../../conformance/sdk.ts";
import { ask, rowsOf, until } from "../ask.ts";

let emulator: Emulator;
let clients: Clients;

before(async () => {
  // One account, so that messages are taken in the order of their posting.
  emulator = await startEmulator({ storageAccounts: 1 });
  clients = clientsOf(emulator);
});
after(async () => {
  clients.close();
  await emulator.close();
});
beforeEach(() => emulator.faults.clear());

const into = (table: string) =>
  new IngestionProperties({ database: "demo", table, format: DataFormat.CSV, flushImmediately: true });

async function send(table: string, text: string): Promise<void> {
  await clients.queued.ingestFromStream(Readable.from(Buffer.from(text)), into(table));
}

const texts = async (table: string) => (await rowsOf(emulator, `${table} | sort by a asc`)).map(([a]) => String(a));
const allOf = (table: string, expected: readonly string[]) =>
  until(
    () => texts(table),
    (rows) => JSON.stringify(rows) === JSON.stringify(expected),
  );

test("a message delivered twice: its rows are there twice; other tables' messages and later ones are not struck", async () => {
  await ask(emulator, ".create table Twice (a:string)");
  await ask(emulator, ".create table Once (a:string)");
  emulator.faults.deliverTwice({ messages: 2, table: "Twice" });
  await send("Once", "x\n");
  for (const text of ["1\n", "2\n", "3\n"]) await send("Twice", text);
  await allOf("Twice", ["1", "1", "2", "2", "3"]);
  await allOf("Once", ["x"]);
  assert.equal((await rowsOf(emulator, ".show table Twice extents")).length, 5);
});

test("a message delivered again an hour after it was done, though the faults were cleared meanwhile", async () => {
  await ask(emulator, ".create table Late (a:string)");
  emulator.faults.deliverTwice({ delayMs: 3_600_000 });
  await send("Late", "1\n");
  await allOf("Late", ["1"]);
  emulator.faults.clear();
  await send("Late", "2\n");
  await allOf("Late", ["1", "2"]);
  emulator.clock.advance(3_600_000);
  await allOf("Late", ["1", "1", "2"]);
});

test("a second delivery finds its blob, though the client wants it gone at once, and then it goes", async () => {
  await ask(emulator, ".create table Gone (a:string)");
  const [, root] = (await rowsOf(emulator, ".get ingestion resources")).find(([type]) => type === "TempStorage")!;
  const blob = new ContainerClient(String(root)).getBlockBlobClient("gone.csv");
  await blob.uploadData(Buffer.from("1\n"));
  emulator.faults.deliverTwice();
  const message = {
    ...{ Id: crypto.randomUUID(), BlobPath: blob.url, DatabaseName: "demo", TableName: "Gone" },
    ...{ RetainBlobOnSuccess: false, AdditionalProperties: { format: "csv" } },
  };
  const [queue] = (await clients.queued.resourceManager.getIngestionQueues())!;
  await new QueueClient(queue!.uri).sendMessage(Buffer.from(JSON.stringify(message)).toString("base64"));
  await allOf("Gone", ["1", "1"]);
  await until(
    async () => rowsOf(emulator, `.list blobs ("${String(root).replace(/\?.*/, "")}/gone;managed_identity=system")`),
    (left) => left.length === 0,
  );
});

test("what is ingested once by its tag is skipped when it is delivered again", async () => {
  await ask(emulator, ".create table Tagged (a:string)");
  emulator.faults.deliverTwice();
  const tagged = into("Tagged");
  tagged.ingestByTags = ["t"];
  tagged.ingestIfNotExists = '["t"]';
  await clients.queued.ingestFromStream(Readable.from(Buffer.from("1\n")), tagged);
  const failures = await until(
    () => rowsOf(emulator, ".show ingestion failures | where Table == 'Tagged' | project ErrorCode"),
    (rows) => rows.length > 0,
  );
  assert.deepEqual(failures, [["Skipped_IngestByTagAlreadyExists"]]);
  assert.deepEqual(await texts("Tagged"), ["1"]);
});

test("a lost message is never worked on, and the next one is", async () => {
  await ask(emulator, ".create table Lost (a:string)");
  emulator.faults.loseMessages({ messages: 2, table: "Lost" });
  for (const text of ["1\n", "2\n", "3\n"]) await send("Lost", text);
  await allOf("Lost", ["3"]);
  assert.deepEqual(await rowsOf(emulator, ".show ingestion failures | where Table == 'Lost'"), []);
});

test("a blob that holds a text fails for good and as a whole, packed or not, until the faults are cleared", async () => {
  await ask(emulator, ".create table Refused (a:string)");
  await ask(emulator, ".create table Accepted (a:string)");
  emulator.faults.refuseRows({ containing: "poison", table: "Refused" });
  // The text lies across the pieces in which the blob is unpacked.
  const long = `${"x".repeat(262_140)}poison\n`;
  await clients.queued.ingestFromStream(
    new StreamDescriptor(Readable.from(gzipSync(long)), undefined, CompressionType.GZIP),
    into("Refused"),
  );
  await send("Refused", "good\npoisoned\n");
  await send("Refused", "good\n");
  await send("Accepted", "poison\n");
  const failures = await until(
    () =>
      rowsOf(emulator, ".show ingestion failures | where Table == 'Refused' | project ErrorCode, FailureKind, Details"),
    (rows) => rows.length >= 2,
  );
  const failure = ["Stream_ClosingQuoteMissing", "Permanent", "Invalid CSV format. Closing quote is missing."];
  assert.deepEqual(failures, [failure, failure]);
  await allOf("Refused", ["good"]);
  await allOf("Accepted", ["poison"]);
  emulator.faults.clear();
  await send("Refused", "poison\n");
  await allOf("Refused", ["good", "poison"]);
});
