import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { after, before, beforeEach, test } from "node:test";
import { gzipSync } from "node:zlib";
import { ContainerClient } from "@azure/storage-blob";
import { QueueClient } from "@azure/storage-queue";
import {
  BlobDescriptor,
  CompressionType,
  DataFormat,
  IngestionProperties,
  ReportLevel,
  StreamDescriptor,
} from "azure-kusto-ingest";
import { kusto } from "../../../src/connectors/kusto/index.ts";
import { type Emulator, type FaultScenario, startEmulator } from "../../../src/emulator/index.ts";
import { open } from "../../../src/open.ts";
import { k, table } from "../../../src/schema/table.ts";
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

const play = (...faults: FaultScenario["faults"]) => emulator.faults.play({ faults });

/** Uploads a blob by name and posts its message, through the SDK. */
async function post(target: IngestionProperties, name: string, text: string): Promise<void> {
  const [container] = (await clients.queued.resourceManager.getContainers())!;
  const blob = new ContainerClient(container!.uri).getBlockBlobClient(name);
  await blob.uploadData(Buffer.from(text));
  await clients.queued.ingestFromBlob(new BlobDescriptor(blob.url, text.length), target);
}

const failuresOf = async (name: string) =>
  (
    await rowsOf(
      emulator,
      `.show ingestion failures | where Table == '${name}' | project ErrorCode, FailureKind, IngestionSourcePath`,
    )
  ).map(([code, kind, path]) => `${code} ${kind} ${String(path).split("/").at(-1)}`);

test("deliver-late: a message overtaken by the one after it, and there when its time has come", async () => {
  await ask(emulator, ".create table Overtaken (a:string)");
  const played = play({ do: "deliver-late", delayMs: 3_600_000, database: "DEMO", table: "Overtaken" });
  await send("Overtaken", "1\n");
  await send("Overtaken", "2\n");
  await allOf("Overtaken", ["2"]);
  assert.deepEqual(played.struck, [1]);
  emulator.clock.advance(3_600_000);
  await allOf("Overtaken", ["1", "2"]);
});

test("many messages held, and many answers slow at once: Node warns of no leak", async () => {
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on("warning", note);
  try {
    await ask(emulator, ".create table Held (a:string)");
    const played = play(
      { do: "deliver-late", delayMs: 3_600_000, table: "Held", times: 12 },
      { do: "slow", at: "query", ms: 300, times: 12 },
    );
    const many = Array.from({ length: 12 }, (_, n) => `${n}`);
    await Promise.all(many.map(() => ask(emulator, "print 1")));
    for (const text of many) await send("Held", `${text}\n`);
    await until(
      async () => played.struck,
      (struck) => struck.every((times) => times === 12),
    );
    emulator.clock.advance(3_600_000);
    await allOf("Held", many.toSorted());
    assert.deepEqual(
      warnings.filter(({ name }) => name === "MaxListenersExceededWarning"),
      [],
    );
  } finally {
    process.off("warning", note);
  }
});

/** Rows in the order in which they were loaded. */
const inOrder = async (name: string) => (await rowsOf(emulator, name)).map(([a]) => Number(a));

test("deliver-out-of-order: the messages of a group change places, the same way for the same seed", async () => {
  const orderOf = async (name: string, seed: number) => {
    await ask(emulator, `.create table ${name} (a:long)`);
    emulator.faults.play({ seed, faults: [{ do: "deliver-out-of-order", messages: 5, table: name }] });
    for (let n = 1; n <= 6; n++) await send(name, `${n}\n`);
    return until(
      () => inOrder(name),
      (rows) => rows.length === 6,
    );
  };
  const first = await orderOf("ShuffledA", 3);
  const grouped = first.filter((n) => n !== 6);
  assert.notDeepEqual(grouped, [1, 2, 3, 4, 5]);
  assert.deepEqual(grouped.toSorted(), [1, 2, 3, 4, 5]);
  assert.deepEqual(
    (await orderOf("ShuffledB", 3)).filter((n) => n !== 6),
    grouped,
  );
});

test("deliver-out-of-order: those that are there go on when the others do not come in time", async () => {
  await ask(emulator, ".create table Waiting (a:long)");
  const played = play({ do: "deliver-out-of-order", messages: 9, withinMs: 600_000, table: "Waiting" });
  for (let n = 1; n <= 2; n++) await send("Waiting", `${n}\n`);
  await until(
    async () => played.struck,
    ([struck]) => struck === 2,
  );
  assert.deepEqual(await inOrder("Waiting"), []);
  emulator.clock.advance(600_000);
  assert.deepEqual(
    await until(
      () => inOrder("Waiting"),
      (rows) => rows.length === 2,
    ),
    [2, 1],
  );
});

test("load-twice: two extents of one blob under one tag, though it was to be ingested only once", async () => {
  await ask(emulator, ".create table Doubled (a:string)");
  play({ do: "load-twice", table: "Doubled" });
  const tagged = into("Doubled");
  tagged.ingestByTags = ["t"];
  tagged.ingestIfNotExists = '["t"]';
  await clients.queued.ingestFromStream(Readable.from(Buffer.from("1\n2\n")), tagged);
  await allOf("Doubled", ["1", "1", "2", "2"]);
  assert.deepEqual(await rowsOf(emulator, ".show table Doubled extents | project RowCount, Tags"), [
    [2, "ingest-by:t"],
    [2, "ingest-by:t"],
  ]);
  assert.deepEqual(await failuresOf("Doubled"), []);
});

test("lose-report: the rows are there and no status is; for a failure, only .show ingestion failures knows", async () => {
  await ask(emulator, ".create table Silent (a:string)");
  play({ do: "lose-report", table: "Silent", times: 2 }, { do: "fail", blob: "silent-bad" });
  const reported = into("Silent");
  reported.reportLevel = ReportLevel.FailuresAndSuccesses;
  await post(reported, "silent-good.csv", "1\n");
  await post(reported, "silent-bad.csv", "2\n");
  await post(reported, "silent-last.csv", "3\n");
  await allOf("Silent", ["1", "3"]);
  const paths = async (type: "SuccessfulIngestionsQueue" | "FailedIngestionsQueue") => {
    const [, url] = (await rowsOf(emulator, ".get ingestion resources")).find(([each]) => each === type)!;
    const { peekedMessageItems } = await new QueueClient(String(url)).peekMessages({ numberOfMessages: 32 });
    return peekedMessageItems
      .map(({ messageText }) => JSON.parse(Buffer.from(messageText, "base64").toString()))
      .filter(({ Table }) => Table === "Silent")
      .map(({ IngestionSourcePath }) => String(IngestionSourcePath).split("/").at(-1));
  };
  assert.deepEqual(
    await until(
      () => paths("SuccessfulIngestionsQueue"),
      (all) => all.length > 0,
    ),
    ["silent-last.csv"],
  );
  assert.deepEqual(await paths("FailedIngestionsQueue"), []);
  assert.deepEqual(await failuresOf("Silent"), ["Stream_ClosingQuoteMissing Permanent silent-bad.csv"]);
});

const quickly = () => ({
  ...{ cluster: emulator.url, database: "demo" },
  ...{ flushImmediately: true, pollForIngestionStatus: true, pollIntervalMs: 20 },
});

test("lose-report: what the sink makes of it", async () => {
  await ask(emulator, ".create table Unheard (a:long)");
  play({ do: "lose-report", table: "Unheard" });
  const sink = await open({
    table: table("Unheard", { a: k.long() }),
    to: kusto({ ...quickly(), pollTimeoutMs: 500 }),
    parallelism: 0,
  });
  sink.write({ a: 1 });
  await assert.rejects(sink.close(), { code: "STATUS_TIMEOUT" });
  await allOf("Unheard", ["1"]);
});

test("fail: a blob by its name, by its place among the others, by its text, with a code of one's own", async () => {
  await ask(emulator, ".create table Chosen (a:string)");
  const played = play(
    { do: "fail", blob: "chosen-2", table: "Chosen", code: "BadRequest_InvalidBlob", message: "No." },
    { do: "fail", table: "Chosen", every: 3, times: 1 },
    { do: "fail", table: "Chosen", containing: "five" },
  );
  for (const [index, text] of ["one", "two", "three", "four", "five", "six"].entries())
    await post(into("Chosen"), `chosen-${index + 1}`, `${text}\n`);
  await allOf("Chosen", ["one", "six", "three"]);
  // The second never reaches the fault that counts, so that the fourth is its third.
  assert.deepEqual((await failuresOf("Chosen")).toSorted(), [
    "BadRequest_InvalidBlob Permanent chosen-2",
    "Stream_ClosingQuoteMissing Permanent chosen-4",
    "Stream_ClosingQuoteMissing Permanent chosen-5",
  ]);
  assert.deepEqual(played.struck, [1, 1, 1]);
});

test("fail: a transient failure is tried again, and is Exhausted when it will not end", async () => {
  await ask(emulator, ".create table Passing (a:string)");
  play(
    { do: "fail", permanent: false, attempts: 1, blob: "passing-1" },
    { do: "fail", permanent: false, code: "Download_UnknownError", blob: "passing-2" },
  );
  await Promise.all(["1", "2"].map((n) => post(into("Passing"), `passing-${n}`, `${n}\n`)));
  const [failure] = await until(
    () => failuresOf("Passing"),
    (failures) => failures.length > 0,
  );
  assert.match(failure!, /^General_RetryAttemptsExceeded .* passing-2$/);
  await allOf("Passing", ["1"]);
});

test("partial success: some blobs of one batch fail, the others are one extent", async () => {
  await ask(emulator, ".create table Partial (a:string)");
  const policy = '{"MaximumBatchingTimeSpan":"00:10:00","MaximumNumberOfItems":4}';
  await ask(emulator, `.alter table Partial policy ingestionbatching @'${policy}'`);
  play({ do: "fail", table: "Partial", every: 2, code: "Download_Forbidden" });
  const batched = new IngestionProperties({ database: "demo", table: "Partial", format: DataFormat.CSV });
  for (let n = 1; n <= 4; n++) await post(batched, `partial-${n}`, `${n}\n`);
  await allOf("Partial", ["1", "3"]);
  assert.deepEqual(await rowsOf(emulator, ".show table Partial extents | project RowCount"), [[2]]);
  assert.deepEqual((await failuresOf("Partial")).toSorted(), [
    "Download_Forbidden Permanent partial-2",
    "Download_Forbidden Permanent partial-4",
  ]);
});

test("fail: what the sink makes of it", async () => {
  await ask(emulator, ".create table Heard (a:long)");
  play({ do: "fail", table: "Heard" });
  const sink = await open({
    table: table("Heard", { a: k.long() }),
    to: kusto(quickly()),
    parallelism: 0,
  });
  sink.write({ a: 1 });
  await assert.rejects(sink.close(), { code: "INGESTION_FAILED", message: /Stream_ClosingQuoteMissing/ });
});

test("by chance, the same seed strikes the same messages", async () => {
  const lost = async (name: string) => {
    await ask(emulator, `.create table ${name} (a:long)`);
    const played = emulator.faults.play({ seed: 5, faults: [{ do: "lose", table: name, chance: 0.5 }] });
    for (let n = 0; n < 8; n++) await send(name, `${n}\n`);
    const kept = await until(
      () => inOrder(name),
      (rows) => rows.length + played.struck[0]! === 8,
    );
    return kept.toSorted().join(" ");
  };
  const kept = await lost("ByChanceA");
  assert.ok(kept.length > 0 && kept.length < 15, kept);
  assert.equal(await lost("ByChanceB"), kept);
});
