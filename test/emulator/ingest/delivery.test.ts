import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import {
  type Catalogue,
  createCatalogue,
  createTable,
  databaseOf,
  dropTable,
} from "../../../src/emulator/engine/catalogue.ts";
import { openStore } from "../../../src/emulator/engine/open-store.ts";
import { defaultBatching } from "../../../src/emulator/ingest/batching-policy.ts";
import { type QueueReaderOptions, startQueueReader } from "../../../src/emulator/ingest/queue-reader.ts";
import { queuedOperations } from "../../../src/emulator/ingest/queued-operations.ts";
import type { FailureRecord } from "../../../src/emulator/ingest/report.ts";
import { IngestionFailure } from "../../../src/emulator/ingestion-failure.ts";
import type { Storage } from "../../../src/emulator/storage/storage.ts";
import { until } from "../ask.ts";

let catalogue: Catalogue;
let blobs: RequestListener;
let origin: string;
const server = createServer((request, response) => blobs(request, response));

before(async () => {
  catalogue = createCatalogue(await openStore(), ["demo"]);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
  catalogue.store.close();
});

/** What went to the failure queue. */
const told: Record<string, unknown>[] = [];

interface Posted {
  readonly table: string;
  readonly text?: string;
  readonly dequeueCount?: number;
}

/** Runs messages through a reader whose queue is ours, until all of them are deleted. */
async function delivered(
  messages: readonly Posted[],
  more: Partial<QueueReaderOptions> = {},
): Promise<FailureRecord[]> {
  const failures: FailureRecord[] = [];
  const items = messages.map(({ table, text, dequeueCount = 1 }, index) => {
    const body = {
      Id: "i",
      BlobPath: `${origin}/b?sig=secret`,
      DatabaseName: "demo",
      TableName: table,
      ReportLevel: 0,
    };
    const messageText = text ?? Buffer.from(JSON.stringify(body)).toString("base64");
    return { messageId: String(index), popReceipt: "", dequeueCount, messageText };
  });
  let deleted = 0;
  const failed = {
    sendMessage: async (text: string) => {
      told.push(JSON.parse(Buffer.from(text, "base64").toString()) as Record<string, unknown>);
    },
  };
  const queue = {
    receiveMessages: async ({ numberOfMessages }: { numberOfMessages: number }) => ({
      receivedMessageItems: items.splice(0, numberOfMessages),
    }),
    deleteMessage: async () => {
      deleted++;
    },
  };
  const storage = { ready: [queue], failed, direct: (url: string) => url, onPosted() {}, remove: async () => true };
  const reader = startQueueReader({
    catalogue,
    storage: storage as unknown as Storage,
    failures,
    operations: queuedOperations(),
    batching: { ...defaultBatching, timeMs: 0 },
    visibilityMs: 600_000,
    blobRetentionMs: 600_000,
    ...more,
  });
  try {
    await until(
      async () => deleted,
      (count) => count === messages.length,
    );
  } finally {
    await reader.close();
  }
  return failures;
}

async function freshTable(name: string) {
  return createTable(catalogue, databaseOf(catalogue, "demo"), name, [{ name: "a", kind: "long" }]);
}

const rowsOf = (name: string) =>
  [...catalogue.databases.get("demo")!.tables.get(name)!.extents.values()].reduce((sum, { rows }) => sum + rows, 0);

test("a message that is delivered twice is loaded twice, as in the service", async () => {
  await freshTable("Twice");
  blobs = (_, response) => response.end("1\n");
  assert.deepEqual(await delivered([{ table: "Twice" }, { table: "Twice" }]), []);
  assert.equal(rowsOf("Twice"), 2);
});

test("what is no message is told and deleted, and the next one is worked on", async () => {
  await freshTable("After");
  blobs = (_, response) => response.end("1\n");
  const texts = ["", "%%%", Buffer.from("{").toString("base64"), Buffer.from("7").toString("base64")];
  const failures = await delivered([...texts.map((text) => ({ table: "", text })), { table: "After" }]);
  assert.deepEqual(
    failures.map(({ code }) => code),
    texts.map(() => "BadRequest_CorruptedMessage"),
  );
  assert.equal(rowsOf("After"), 1);
});

test("a message that keeps coming back is given up without being worked on", async () => {
  await freshTable("Poison");
  blobs = (_, response) => response.end("1\n");
  const [failure] = await delivered([{ table: "Poison", dequeueCount: 11 }]);
  assert.equal(failure!.code, "General_RetryAttemptsExceeded");
  assert.equal(rowsOf("Poison"), 0);
});

test("a blob that vanishes in the midst of its reading leaves no row; the second attempt does not find it", async () => {
  await freshTable("Vanishing");
  let requests = 0;
  blobs = (_, response) => {
    if (++requests > 1) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-length": "1000" });
    response.write("1\n2\n", () => response.destroy());
  };
  const [failure] = await delivered([{ table: "Vanishing" }]);
  assert.equal(failure!.code, "Download_SourceNotFound");
  assert.equal(failure!.permanent, true);
  assert.doesNotMatch(
    JSON.stringify(failure, (_, value) => (typeof value === "bigint" ? 0 : value)),
    /secret/,
  );
  assert.equal(rowsOf("Vanishing"), 0);
  assert.equal(requests, 2);
});

test("a source that fails again and again exhausts its attempts; one that recovers is loaded once", async () => {
  await freshTable("Exhausted");
  let requests = 0;
  blobs = (_, response) => {
    requests++;
    response.writeHead(503).end();
  };
  const [failure] = await delivered([{ table: "Exhausted" }]);
  assert.equal(failure!.code, "General_RetryAttemptsExceeded");
  assert.match(failure!.details, /status 503/);
  const { FailureStatus, ShouldRetry } = told.at(-1)!;
  assert.deepEqual([FailureStatus, ShouldRetry], ["Exhausted", true]);
  assert.equal(requests, 4);
  await freshTable("Recovered");
  requests = 0;
  blobs = (_, response) => {
    if (++requests === 1) response.writeHead(500);
    response.end("1\n");
  };
  assert.deepEqual(await delivered([{ table: "Recovered" }]), []);
  assert.equal(rowsOf("Recovered"), 1);
});

test("a table that is dropped while its blob is loading: told, and nothing hangs", async () => {
  const table = await freshTable("Dropped");
  blobs = (_, response) => {
    response.write("1\n");
    dropTable(catalogue, databaseOf(catalogue, "demo"), table).catch(() => {});
    response.end("2\n");
  };
  const [failure] = await delivered([{ table: "Dropped" }]);
  assert.equal(failure!.code, "BadRequest_TableNotExist");
  assert.equal(catalogue.databases.get("demo")!.tables.has("Dropped"), false);
});

test("who may not ingest is told so, by the identity token in the message", async () => {
  await freshTable("Denied");
  blobs = (_, response) => response.end("1\n");
  const [failure] = await delivered([{ table: "Denied" }], {
    authorize: ({ authorizationContext, table }) => {
      assert.equal(authorizationContext, undefined);
      throw new IngestionFailure("BadRequest_TableAccessDenied", `Access to table '${table}' is denied.`);
    },
  });
  assert.equal(failure!.code, "BadRequest_TableAccessDenied");
  assert.equal(rowsOf("Denied"), 0);
});
