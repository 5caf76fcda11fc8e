import assert from "node:assert/strict";
import { get } from "node:http";
import { Readable } from "node:stream";
import { after, before, beforeEach, test } from "node:test";
import { ContainerClient } from "@azure/storage-blob";
import { QueueClient } from "@azure/storage-queue";
import { DataFormat } from "azure-kusto-ingest";
import { type Emulator, startEmulator } from "../../src/emulator/index.ts";
import { type Clients, clientsOf, countOf } from "../conformance/sdk.ts";
import { ask, refusal, rowsOf, until } from "./ask.ts";

let emulator: Emulator;
let clients: Clients;
before(async () => {
  emulator = await startEmulator();
  clients = clientsOf(emulator);
  await ask(emulator, ".create table T (a:string, b:long)");
});
after(async () => {
  clients.close();
  await emulator.close();
});
beforeEach(() => emulator.faults.clear());

/** The client's view, without its own retries: one request, one outcome. */
const noRetry = { retryOptions: { maxTries: 1 } };

async function resource(type: string): Promise<string> {
  const rows = await rowsOf(emulator, ".get ingestion resources");
  return String(rows.find(([each]) => each === type)![1]);
}

async function putBlob(name: string): Promise<unknown> {
  const container = new ContainerClient(await resource("TempStorage"), undefined, noRetry);
  return container.getBlockBlobClient(name).uploadData(Buffer.from("x,1\n"), { conditions: { ifNoneMatch: "*" } });
}

test("429 and 503 with Retry-After at the Kusto endpoint, for so many requests", async () => {
  emulator.faults.answer("mgmt", 429, { requests: 2, retryAfterSeconds: 7 });
  emulator.faults.answer("query", 503);
  for (let n = 0; n < 2; n++) {
    const { status, permanent, retryAfter } = await refusal(emulator, ".show version");
    assert.deepEqual([status, permanent, retryAfter], [429, false, "7"]);
  }
  assert.equal((await rowsOf(emulator, ".show version")).length, 1);
  assert.equal((await refusal(emulator, "T | count")).status, 503);
  assert.equal((await ask(emulator, "T | count")).rows, "[[0]]");
});

test("429, 503 and an expired SAS at storage, in storage's own shape", async () => {
  emulator.faults.answer("blob", 503, { retryAfterSeconds: 3 });
  await assert.rejects(putBlob("a"), { statusCode: 503, code: "ServerBusy" });
  emulator.faults.expireSas();
  await assert.rejects(putBlob("a"), { statusCode: 403, code: "AuthenticationFailed" });
  await putBlob("a");
  emulator.faults.expireSas({ place: "queue" });
  const queue = new QueueClient(await resource("SecuredReadyForAggregationQueue"), undefined, noRetry);
  await assert.rejects(queue.sendMessage("x"), { statusCode: 403 });
  emulator.faults.answer("queue", 429);
  await assert.rejects(queue.sendMessage("x"), { statusCode: 429 });
});

test("a SAS of a short life expires by itself, and a new one is given", async () => {
  const brief = await startEmulator({ sasLifeMs: 1_000 });
  try {
    const [, url] = (await rowsOf(brief, ".get ingestion resources")).find(([type]) => type === "TempStorage")!;
    const container = new ContainerClient(String(url), undefined, noRetry);
    await container.getBlockBlobClient("a").uploadData(Buffer.from("x"));
    const late = () =>
      container
        .getBlockBlobClient("b")
        .uploadData(Buffer.from("x"))
        .then(
          () => 201,
          (error: { statusCode: number }) => error.statusCode,
        );
    assert.equal(await until(late, (status) => status !== 201), 403);
  } finally {
    await brief.close();
  }
});

test("a reset before the server acts leaves no blob; one after it acted leaves the blob", async () => {
  emulator.faults.reset("blob", "before");
  await assert.rejects(putBlob("before"));
  await putBlob("before");
  emulator.faults.reset("blob", "after");
  await assert.rejects(putBlob("after"));
  await assert.rejects(putBlob("after"), { statusCode: 409, code: "BlobAlreadyExists" });
});

test("a reset after the command acted: the table is there though no answer came", async () => {
  emulator.faults.reset("mgmt", "after");
  await assert.rejects(ask(emulator, ".create table Lost (a:string)"));
  // `.rename` refuses what is there; `.create table` would not mind it.
  await ask(emulator, ".create table Other (a:string)");
  assert.equal((await refusal(emulator, ".rename table Other to Lost")).code, "BadRequest_EntityAlreadyExists");
  emulator.faults.reset("mgmt", "before");
  await assert.rejects(ask(emulator, ".create table Never (a:string)"));
  await ask(emulator, ".create table Never (a:string)");
});

test("a message whose post lost its answer is ingested, so a second post is a second row", async () => {
  const before = await countOf(clients.data, "T");
  emulator.faults.reset("queue", "after");
  await clients.queued.ingestFromStream(Readable.from(Buffer.from("x,1\n")), {
    database: "demo",
    table: "T",
    format: DataFormat.CSV,
  });
  await until(
    () => countOf(clients.data, "T"),
    (count) => count >= before + 2,
  );
});

test("refused connections, and back on the same ports", async () => {
  // A connection of its own each time: a kept one would be told of the reset and not of the refusal.
  const code = (at: string) =>
    new Promise<string>((resolve) => {
      get(at, { agent: false }, (response) => {
        response.resume();
        resolve("answered");
      }).on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "failed"));
    });
  const metadata = `${emulator.url}/v1/rest/auth/metadata`;
  const storage = emulator.storage.blob;
  await emulator.faults.refuse("kusto", 300);
  assert.equal(await code(metadata), "ECONNREFUSED");
  assert.equal(await code(storage), "answered");
  await until(
    () => code(metadata),
    (outcome) => outcome === "answered",
  );
  await emulator.faults.refuse("all", 300);
  assert.deepEqual([await code(metadata), await code(storage)], ["ECONNREFUSED", "ECONNREFUSED"]);
  await until(
    () => code(metadata),
    (outcome) => outcome === "answered",
  );
  await until(
    () => code(storage),
    (outcome) => outcome === "answered",
  );
});

test("an outage of storage does not keep the emulator from what is queued already", async () => {
  const before = await countOf(clients.data, "T");
  await clients.queued.ingestFromStream(Readable.from(Buffer.from("y,2\n")), {
    database: "demo",
    table: "T",
    format: DataFormat.CSV,
  });
  await emulator.faults.refuse("storage", 400);
  await until(
    () => countOf(clients.data, "T"),
    (count) => count > before,
  );
});

test("close() ends an outage", async () => {
  const brief = await startEmulator();
  await brief.faults.refuse("all", 60_000);
  await brief.close();
});
