import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createCatalogue, createTable, databaseOf } from "../../../src/emulator/engine/catalogue.ts";
import { openStore } from "../../../src/emulator/engine/open-store.ts";
import { defaultBatching } from "../../../src/emulator/ingest/batching-policy.ts";
import { startQueueReader } from "../../../src/emulator/ingest/queue-reader.ts";
import { queuedOperations } from "../../../src/emulator/ingest/queued-operations.ts";
import type { Storage } from "../../../src/emulator/storage/storage.ts";

/** Timers that keep the process alive. */
const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;

test("a message that ends after close() leaves no timer", async () => {
  const store = await openStore();
  const catalogue = createCatalogue(store, ["demo"]);
  await createTable(catalogue, databaseOf(catalogue, "demo"), "T", [{ name: "a", kind: "long" }]);
  const blobs = createServer((_, response) => response.end("1\n")).listen(0, "127.0.0.1");
  await once(blobs, "listening");
  const blob = `http://127.0.0.1:${(blobs.address() as AddressInfo).port}/b`;
  const body = { Id: crypto.randomUUID(), BlobPath: blob, DatabaseName: "demo", TableName: "T", ReportLevel: 2 };
  const text = JSON.stringify({ ...body, AdditionalProperties: { format: "csv" } });
  const messages = [{ messageId: "1", popReceipt: "1", messageText: Buffer.from(text).toString("base64") }];

  let report = () => {};
  const reporting = new Promise<void>((resolve) => {
    report = resolve;
  });
  let finish = () => {};
  const queue = {
    receiveMessages: async () => ({ receivedMessageItems: messages.splice(0) }),
    deleteMessage: async () => {},
    sendMessage: () => {
      report();
      return new Promise<void>((resolve) => {
        finish = resolve;
      });
    },
  };
  const storage = {
    ready: [queue],
    succeeded: queue,
    direct: (url: string) => url,
    onPosted() {},
    remove: async () => true,
  };
  const before = timers();
  const reader = startQueueReader({
    catalogue,
    storage: storage as unknown as Storage,
    failures: [],
    operations: queuedOperations(),
    batching: { ...defaultBatching, timeMs: 0 },
    visibilityMs: 600_000,
    blobRetentionMs: 600_000,
  });
  await reporting;
  const closing = reader.close();
  finish();
  await closing;
  blobs.closeAllConnections();
  blobs.close();
  store.close();
  assert.equal(timers(), before);
});
