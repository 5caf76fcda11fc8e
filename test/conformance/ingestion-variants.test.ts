import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { ContainerClient } from "@azure/storage-blob";
import { QueueClient } from "@azure/storage-queue";
import { DuckDBInstance } from "@duckdb/node-api";
import {
  BlobDescriptor,
  CompressionType,
  DataFormat,
  FileDescriptor,
  IngestStatusQueues,
  ParquetColumnMapping,
  ReportLevel,
  ReportMethod,
  StreamDescriptor,
  ValidationImplications,
  ValidationOptions,
  ValidationPolicy,
} from "azure-kusto-ingest";
import { type Emulator, startEmulator } from "../../src/emulator/index.ts";
import { ask, rowsOf, until } from "../emulator/ask.ts";
import { type Clients, clientsOf, countOf } from "./sdk.ts";

type Properties = NonNullable<Parameters<Clients["queued"]["ingestFromFile"]>[1]>;

/** Further ways of azure-kusto-ingest into the emulator, and what the SDKs of other languages send. */
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

const stream = (bytes: string | Buffer) => Readable.from(Buffer.from(bytes));

async function resource(type: string): Promise<string> {
  const found = (await rowsOf(emulator, ".get ingestion resources")).find(([each]) => each === type);
  return String(found![1]);
}

test("queued parquet: from a file, by names and by a mapping", async () => {
  await ask(emulator, ".create table Parquet (a:string, b:long, t:datetime)");
  const path = join(folder, "rows.parquet");
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const rows =
    "SELECT * FROM (VALUES (1::BIGINT, 'x', TIMESTAMP '2020-01-02 03:04:05.678901'), (2, NULL, NULL)) AS v(b, a, t)";
  await connection.run(`COPY (${rows}) TO '${path}' (FORMAT parquet)`);
  connection.closeSync();
  await clients.queued.ingestFromFile(path, properties("Parquet", { format: DataFormat.PARQUET }));
  await clients.queued.ingestFromFile(
    path,
    properties("Parquet", {
      format: DataFormat.PARQUET,
      ingestionMappingColumns: [
        ParquetColumnMapping.withPath("a", "$.b"),
        ParquetColumnMapping.withConstantValue("b", "3"),
      ],
    }),
  );
  await landed("Parquet", 4);
  assert.deepEqual(await rowsOf(emulator, "Parquet | sort by b asc, a asc"), [
    ["x", 1, "2020-01-02T03:04:05.678901Z"],
    ["", 2, null],
    ["1", 3, null],
    ["2", 3, null],
  ]);
});

test("streaming and managed streaming: files, packed or not, and blobs", async () => {
  await ask(emulator, ".create table Files (a:string, b:long)");
  const path = join(folder, "streamed.csv");
  writeFileSync(path, "file,1\n");
  await clients.streaming.ingestFromFile(path, properties("Files"));
  writeFileSync(`${path}.gz`, gzipSync("packed file,2\n"));
  await clients.streaming.ingestFromFile(new FileDescriptor(`${path}.gz`), properties("Files"));
  const packed = new StreamDescriptor(stream(gzipSync("packed stream,3\n")), null, CompressionType.GZIP);
  await clients.streaming.ingestFromStream(packed, properties("Files"));
  writeFileSync(path, "managed file,4\n");
  await clients.managed.ingestFromFile(path, properties("Files"));
  const container = new ContainerClient(await resource("TempStorage"));
  const blob = container.getBlockBlobClient("managed.csv");
  await blob.uploadData(Buffer.from("managed blob,5\n"));
  await clients.managed.ingestFromBlob(new BlobDescriptor(blob.url), properties("Files"));
  assert.deepEqual(await rowsOf(emulator, "Files | sort by b asc | project a"), [
    ["file"],
    ["packed file"],
    ["packed stream"],
    ["managed file"],
    ["managed blob"],
  ]);
});

test("streaming JSON by a mapping's name, and not by one that is not there", async () => {
  await ask(emulator, ".create table Mapped (a:string, b:long)");
  await ask(emulator, `.create table Mapped ingestion json mapping "m" '[{"column":"b","Properties":{"Path":"$.n"}}]'`);
  const send = (ingestionMappingReference: string) =>
    clients.streaming.ingestFromStream(
      stream('{"n":1}\n{"n":2}\n'),
      properties("Mapped", { format: DataFormat.JSON, ingestionMappingReference }),
    );
  await send("m");
  assert.deepEqual(await rowsOf(emulator, "Mapped | sort by b asc"), [
    ["", 1],
    ["", 2],
  ]);
  await assert.rejects(send("none"), (error: { response: { data: { error: { code: string } } } }) => {
    assert.equal(error.response.data.error.code, "BadRequest_MappingReferenceWasNotFound");
    return true;
  });
});

test("managed streaming: what is larger than 4 MB is queued", async () => {
  await ask(emulator, ".create table Large (a:string, b:long)");
  const lines = Array.from({ length: 50_000 }, (_, n) => `${"x".repeat(100)},${n}\n`);
  const scene = emulator.faults.play({ faults: [{ do: "answer", at: "ingest", status: 503 }] });
  // Whole lines in pieces: this client mixes what it has read with what follows, and waits for ever where the limit lies
  // in the last piece.
  const pieces = Array.from({ length: 50 }, (_, n) => Buffer.from(lines.slice(n * 1_000, (n + 1) * 1_000).join("")));
  await clients.managed.ingestFromStream(Readable.from(pieces), properties("Large"));
  assert.deepEqual(scene.struck, [0], "nothing was streamed");
  scene.stop();
  await landed("Large", lines.length);
  assert.equal((await ask(emulator, "Large | summarize count(), max(b)")).rows, "[[50000,49999]]");
});

test("managed streaming: what cannot be streamed is tried three times, and then queued", async () => {
  await ask(emulator, ".create table Unstreamable (a:string, b:long)");
  const scene = emulator.faults.play({
    faults: [{ do: "answer", at: "ingest", path: "Unstreamable", status: 503, times: 100 }],
  });
  await clients.managed.ingestFromStream(stream("x,1\n"), properties("Unstreamable"));
  assert.deepEqual(scene.struck, [3]);
  scene.stop();
  await landed("Unstreamable", 1);
});

test("a validation policy, as the client writes it", async () => {
  await ask(emulator, ".create table Validated (a:string, b:long)");
  const validationPolicy = new ValidationPolicy(
    ValidationOptions.ValidateCsvInputConstantColumns,
    ValidationImplications.Fail,
  );
  await clients.queued.ingestFromStream(stream("x,1\ny\n"), properties("Validated", { validationPolicy }));
  const failures = () => rowsOf(emulator, ".show ingestion failures | where Table == 'Validated' | project ErrorCode");
  assert.deepEqual(await until(failures, (rows) => rows.length > 0), [["Stream_WrongNumberOfFields"]]);
});

test("status queues: empty, peeked at and popped; and silence where nothing is to be told", async () => {
  await ask(emulator, ".create table Told (a:string, b:long)");
  const queues = new IngestStatusQueues(clients.queued);
  assert.equal(await queues.success.isEmpty(), true);
  const send = (reportLevel: ReportLevel) =>
    clients.queued.ingestFromStream(
      stream("x,1\n"),
      properties("Told", { reportLevel, reportMethod: ReportMethod.Queue }),
    );
  await send(ReportLevel.FailuresOnly);
  await send(ReportLevel.DoNotReport);
  await landed("Told", 2);
  assert.equal(await queues.success.isEmpty(), true);
  await send(ReportLevel.FailuresAndSuccesses);
  const [seen] = await until(
    () => queues.success.peek(1),
    (messages) => messages.length > 0,
  );
  const [taken] = await queues.success.pop(1);
  assert.deepEqual(taken, seen);
  assert.equal((taken as unknown as { Table: string }).Table, "Told");
  assert.equal(await queues.success.isEmpty(), true);
});

test("the message of another language: columns named as Java's SDK does, and a row of the status table with types", async () => {
  await ask(emulator, ".create table Foreign (a:string, b:long)");
  const container = new ContainerClient(await resource("TempStorage"));
  const blob = container.getBlockBlobClient("foreign.csv");
  await blob.uploadData(Buffer.from("1,x\n"));
  const table = await resource("IngestionsStatusTable");
  const id = randomUUID();
  const [address, sas] = table.split("?") as [string, string];
  const row = `${address}(PartitionKey='${id}',RowKey='${id}')?${sas}`;
  const added = await fetch(table, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json;odata=nometadata" },
    body: JSON.stringify({ PartitionKey: id, RowKey: id, Status: "Pending" }),
  });
  assert.equal(added.status, 201, await added.text());
  const message = {
    Id: id,
    BlobPath: blob.url,
    DatabaseName: "demo",
    TableName: "Foreign",
    ReportLevel: 2,
    ReportMethod: 1,
    IngestionStatusInTable: { TableConnectionString: table, PartitionKey: id, RowKey: id },
    AdditionalProperties: {
      format: "csv",
      ingestionMapping: JSON.stringify([
        { columnName: "a", columnType: "string", properties: { Ordinal: "1" } },
        { columnName: "b", columnType: "long", properties: { Ordinal: "0" } },
      ]),
    },
  };
  const queue = new QueueClient(await resource("SecuredReadyForAggregationQueue"));
  await queue.sendMessage(Buffer.from(JSON.stringify(message)).toString("base64"));
  await landed("Foreign", 1);
  assert.deepEqual(await rowsOf(emulator, "Foreign"), [["x", 1]]);
  const status = async () => {
    const answer = await fetch(row, { headers: { accept: "application/json;odata=fullmetadata" } });
    return (await answer.json()) as Record<string, unknown>;
  };
  const told = await until(status, ({ Status }) => Status !== "Pending");
  assert.equal(told.Status, "Succeeded");
  assert.equal(told["UpdatedOn@odata.type"], "Edm.DateTime");
  assert.equal(told["OperationId@odata.type"], "Edm.Guid");
});
