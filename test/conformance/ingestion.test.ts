import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { ContainerClient } from "@azure/storage-blob";
import {
  BlobDescriptor,
  CsvColumnMapping,
  DataFormat,
  FileDescriptor,
  IngestStatusQueues,
  JsonColumnMapping,
  ReportLevel,
  ReportMethod,
  StreamDescriptor,
} from "azure-kusto-ingest";
import { type Emulator, startEmulator } from "../../src/emulator/index.ts";
import { ask, rowsOf, until } from "../emulator/ask.ts";
import { type Clients, clientsOf, countOf } from "./sdk.ts";

type Properties = NonNullable<Parameters<Clients["queued"]["ingestFromFile"]>[1]>;

let emulator: Emulator;
let clients: Clients;
const folder = mkdtempSync(join(tmpdir(), "millrace-conformance-"));

before(async () => {
  emulator = await startEmulator();
  clients = clientsOf(emulator);
});
after(async () => {
  clients.close();
  await emulator.close();
  rmSync(folder, { recursive: true });
});

async function freshTable(name: string, columns = "a:string, b:long"): Promise<void> {
  await ask(emulator, `.create table ${name} (${columns})`);
}

const properties = (table: string, more: Partial<Properties> = {}): Properties => ({
  database: "demo",
  table,
  format: DataFormat.CSV,
  ...more,
});

const landed = (table: string, rows: number) =>
  until(
    () => countOf(clients.data, table),
    (count) => count >= rows,
  );

/** Uploads into one of the emulator's own containers and gives the URL with its SAS. */
async function upload(name: string, bytes: Uint8Array): Promise<string> {
  const resources = await rowsOf(emulator, ".get ingestion resources");
  const container = new ContainerClient(String(resources.find(([type]) => type === "TempStorage")![1]));
  const blob = container.getBlockBlobClient(name);
  await blob.uploadData(bytes);
  return blob.url;
}

test("resources: two accounts, each with a container and a queue, so that clients can rank them", async () => {
  const rows = await rowsOf(emulator, ".get ingestion resources");
  const count = (type: string) => rows.filter(([each]) => each === type).length;
  assert.equal(count("TempStorage"), 2);
  assert.equal(count("SecuredReadyForAggregationQueue"), 2);
  const accounts = new Set(rows.map(([, url]) => new URL(String(url)).pathname.split("/")[1]));
  assert.equal(accounts.size, 2);
});

test("queued: from a stream, a gzipped stream, a file, a gzipped file, a blob", async () => {
  await freshTable("Queued");
  await clients.queued.ingestFromStream(Readable.from(Buffer.from("stream,1\n")), properties("Queued"));
  const zipped = new StreamDescriptor(Readable.from(gzipSync("gzipped stream,2\n")));
  await clients.queued.ingestFromStream(zipped, properties("Queued"));
  const path = join(folder, "rows.csv");
  writeFileSync(path, "file,3\n");
  await clients.queued.ingestFromFile(path, properties("Queued"));
  writeFileSync(`${path}.gz`, gzipSync("gzipped file,4\n"));
  await clients.queued.ingestFromFile(new FileDescriptor(`${path}.gz`), properties("Queued"));
  const url = await upload("a folder/ünï.csv", Buffer.from("blob,5\n"));
  await clients.queued.ingestFromBlob(new BlobDescriptor(url, 7), properties("Queued"));
  await landed("Queued", 5);
  assert.deepEqual(await rowsOf(emulator, "Queued | sort by b asc | project a"), [
    ["stream"],
    ["gzipped stream"],
    ["file"],
    ["gzipped file"],
    ["blob"],
  ]);
});

test("streaming and managed streaming: rows are there when the call returns", async () => {
  await freshTable("Streamed");
  await clients.streaming.ingestFromStream(Readable.from(Buffer.from("x,1\n")), properties("Streamed"));
  assert.equal(await countOf(clients.data, "Streamed"), 1);
  await clients.managed.ingestFromStream(Readable.from(Buffer.from("y,2\n")), properties("Streamed"));
  assert.equal(await countOf(clients.data, "Streamed"), 2);
  const url = await upload("streamed.csv", Buffer.from("z,3\n"));
  await clients.streaming.ingestFromBlob(new BlobDescriptor(url), properties("Streamed"));
  assert.equal(await countOf(clients.data, "Streamed"), 3);
});

test("streaming into nothing is refused with a code", async () => {
  const streamed = clients.streaming.ingestFromStream(Readable.from(Buffer.from("x,1\n")), properties("NoSuchTable"));
  await assert.rejects(streamed, (error: { response?: { status: number; data: { error: { code: string } } } }) => {
    assert.equal(error.response?.status, 400);
    assert.equal(error.response?.data.error.code, "BadRequest_TableNotExist");
    return true;
  });
});

test("JSON in its forms, with a mapping, without, and by reference", async () => {
  await freshTable("Json", "a:string, b:long, c:dynamic");
  const send = (text: string, more: Partial<Properties>) =>
    clients.queued.ingestFromStream(Readable.from(Buffer.from(text)), properties("Json", more));
  await send('{"a":"lines","b":1,"c":{"x":[1.0]}}\n{"b":2}\n', { format: DataFormat.JSON });
  await send('[{"a":"array","b":3},\n {"a":{"n":1},"b":"4"}]', { format: DataFormat.MULTIJSON });
  await send('{"v":{"the b":5},"w":[{"deep":"inline"}]}', {
    format: DataFormat.MULTIJSON,
    ingestionMappingColumns: [
      JsonColumnMapping.withPath("b", "$.v['the b']"),
      JsonColumnMapping.withPath("a", "$.w[0].deep"),
      JsonColumnMapping.withConstantValue("c", "7"),
    ],
  });
  await ask(emulator, `.create table Json ingestion json mapping "ref" '[{"column":"b","Properties":{"Path":"$.n"}}]'`);
  await send('{"n":6}', { format: DataFormat.MULTIJSON, ingestionMappingReference: "ref" });
  await landed("Json", 6);
  assert.equal(
    (await ask(emulator, "Json | sort by b asc")).rows,
    '[["lines",1,{"x":[1.0]}],["",2,null],["array",3,null],["{\\"n\\":1}",4,null],["inline",5,7],["",6,null]]',
  );
});

test("CSV by ordinals and constants, a header left out, other separators", async () => {
  await freshTable("Csv", "a:string, b:long, c:string");
  const send = (text: string, more: Partial<Properties>) =>
    clients.queued.ingestFromStream(Readable.from(Buffer.from(text)), properties("Csv", more));
  await send("b,a\n1,first\n", {
    ignoreFirstRecord: true,
    ingestionMappingColumns: [
      CsvColumnMapping.withOrdinal("a", 1),
      CsvColumnMapping.withOrdinal("b", 0),
      CsvColumnMapping.withConstantValue("c", "const"),
    ],
  });
  await send("second\t2\n", { format: DataFormat.TSV });
  await send("third,3,c,too,many\n", {});
  await landed("Csv", 3);
  assert.equal(
    (await ask(emulator, "Csv | sort by b asc")).rows,
    '[["first",1,"const"],["second",2,""],["third",3,"c"]]',
  );
});

test("what does not fit its column becomes null, and the row is kept", async () => {
  await freshTable(
    "Misfits",
    "s:string, b:bool, i:int, l:long, r:real, t:datetime, g:timespan, u:guid, m:decimal, d:dynamic",
  );
  await clients.queued.ingestFromStream(
    Readable.from(Buffer.from("x,maybe,3000000000,1.5,one,2020-13-01,yes,123,abc,{not json\n,,,,,,,,,\n")),
    properties("Misfits"),
  );
  await landed("Misfits", 2);
  assert.equal(
    (await ask(emulator, "Misfits")).rows,
    '[["x",null,null,null,null,null,null,null,null,"{not json"],["",null,null,null,null,null,null,null,null,null]]',
  );
});

test("tags: extents bear them, and ingestIfNotExists skips what is there", async () => {
  await freshTable("Tagged");
  const once = () =>
    clients.queued.ingestFromStream(
      Readable.from(Buffer.from("x,1\n")),
      // A fresh object each time: the client writes into it.
      properties("Tagged", {
        additionalTags: ["plain"],
        ingestByTags: ["batch-1"],
        dropByTags: ["day"],
        ingestIfNotExists: JSON.stringify(["batch-1"]),
        additionalProperties: {},
      } as Partial<Properties>),
    );
  await once();
  await landed("Tagged", 1);
  await once();
  const failures = () => rowsOf(emulator, ".show ingestion failures | where Table == 'Tagged' | project ErrorCode");
  await until(failures, (rows) => rows.length > 0);
  assert.deepEqual(await failures(), [["Skipped_IngestByTagAlreadyExists"]]);
  assert.equal(await countOf(clients.data, "Tagged"), 1);
  assert.deepEqual(await rowsOf(emulator, ".show table Tagged extents | project RowCount, Tags"), [
    [1, "plain\r\ndrop-by:day\r\ningest-by:batch-1"],
  ]);
});

test("status queues: success and failure, in the client's own shape", async () => {
  await freshTable("Reported");
  const report = { reportLevel: ReportLevel.FailuresAndSuccesses, reportMethod: ReportMethod.Queue };
  const good = randomUUID();
  const bad = randomUUID();
  const url = await upload("reported.csv", Buffer.from("x,1\n"));
  await clients.queued.ingestFromBlob(new BlobDescriptor(url, 4, good), properties("Reported", report));
  await clients.queued.ingestFromBlob(new BlobDescriptor(url, 4, bad), properties("NoTable", report));
  const queues = new IngestStatusQueues(clients.queued);
  // Other tests fail ingestions on purpose, and the queue is everybody's: take messages until ours is there.
  const told = async (queue: typeof queues.success | typeof queues.failure, id: string) =>
    until(
      async () => (await queue.pop(1))[0] as unknown as Record<string, unknown> | undefined,
      (message) => message?.IngestionSourceId === id,
    );
  const success = (await told(queues.success, good))!;
  assert.equal(success.Table, "Reported");
  assert.ok(Date.parse(String(success.SucceededOn)) > 0);
  const failure = (await told(queues.failure, bad))!;
  assert.equal(failure.ErrorCode, "BadRequest_TableNotExist");
  assert.equal(failure.FailureStatus, "Permanent");
  assert.equal(failure.ShouldRetry, false);
  assert.ok(!String(failure.IngestionSourcePath).includes("sig="), "no SAS is told");
});

test("each way to fail has its code, and the reader goes on", async () => {
  await freshTable("Failing");
  const url = await upload("some.csv", Buffer.from("x,1\n"));
  const cases: [code: string, url: string, more: Partial<Properties>][] = [
    ["BadRequest_EmptyBlob", await upload("empty.csv", new Uint8Array()), {}],
    ["Stream_NoDataToIngest", await upload("blank.csv", Buffer.from("\n\n")), {}],
    ["Stream_WrongNumberOfFields", await upload("ragged.csv", Buffer.from("a,1\nb\n")), {}],
    ["Stream_ClosingQuoteMissing", await upload("quote.csv", Buffer.from('"a,1\n')), {}],
    ["BadRequest_InvalidBlob", await upload("broken.json", Buffer.from('{"a":')), { format: DataFormat.MULTIJSON }],
    ["BadRequest_InvalidArchive", await upload("broken.gz", gzipSync("a,1\n").subarray(0, 12)), {}],
    ["BadRequest_FormatNotSupported", url, { format: DataFormat.ORC }],
    ["BadRequest_MappingReferenceWasNotFound", url, { ingestionMappingReference: "nope" }],
    ["BadRequest_InconsistentMapping", url, { ingestionMappingColumns: [CsvColumnMapping.withOrdinal("nope", 0)] }],
    ["BadRequest_DatabaseNotExist", url, { database: "nope" }],
    ["Download_SourceNotFound", url.replace("some.csv", "gone.csv"), {}],
    ["Download_Forbidden", url.replace(/sig=[^&]+/, "sig=AAAA"), {}],
    ["Download_BadRequest", "not a url", {}],
  ];
  const resources = await rowsOf(emulator, ".get ingestion resources");
  assert.ok(resources.length > 0);
  for (const [, blob, more] of cases)
    await clients.queued.ingestFromBlob(new BlobDescriptor(blob, 4), properties("Failing", more));
  const failures = () =>
    rowsOf(
      emulator,
      ".show ingestion failures | where Table == 'Failing' | project ErrorCode, FailureKind, IngestionSourcePath, Details",
    );
  const rows = await until(failures, (found) => found.length >= cases.length);
  assert.deepEqual(rows.map(([code]) => code).sort(), cases.map(([code]) => code).sort());
  for (const row of rows) {
    assert.equal(row[1], "Permanent");
    assert.ok(!JSON.stringify(row).includes("sig="), "no SAS in a failure");
  }
  await clients.queued.ingestFromBlob(new BlobDescriptor(url, 4), properties("Failing"));
  await landed("Failing", 1);
});

test("a message that is none is told as a failure and does not stop the reader", async () => {
  await freshTable("Survivor");
  const { QueueClient } = await import("@azure/storage-queue");
  const resources = await rowsOf(emulator, ".get ingestion resources");
  for (const [type, url] of resources) {
    if (type !== "SecuredReadyForAggregationQueue") continue;
    const queue = new QueueClient(String(url));
    for (const text of ["rubbish", Buffer.from("[1]").toString("base64"), Buffer.from("{}").toString("base64")])
      await queue.sendMessage(text);
  }
  const codes = () => rowsOf(emulator, ".show ingestion failures | where Table == '' | project ErrorCode");
  await until(codes, (rows) => rows.length >= 6);
  await clients.queued.ingestFromStream(Readable.from(Buffer.from("x,1\n")), properties("Survivor"));
  await landed("Survivor", 1);
});

test("many messages at once, on several tables, all land", async () => {
  await freshTable("Many0");
  await freshTable("Many1");
  const urls = await Promise.all(
    Array.from({ length: 20 }, (_, n) => upload(`many-${n}.csv`, Buffer.from(`x,${n}\ny,${n}\n`))),
  );
  await Promise.all(
    urls.map((url, n) => clients.queued.ingestFromBlob(new BlobDescriptor(url, 8), properties(`Many${n % 2}`))),
  );
  await landed("Many0", 20);
  await landed("Many1", 20);
  assert.equal((await rowsOf(emulator, ".show table Many0 extents")).length, 10);
});
