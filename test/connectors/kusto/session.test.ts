import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { setMaxListeners } from "node:events";
import { type AddressInfo, connect as connectTcp, createServer } from "node:net";
import { after, afterEach, before, beforeEach, mock, test } from "node:test";
import { inspect } from "node:util";
import { gunzipSync } from "node:zlib";
import { BlobClient } from "@azure/storage-blob";
import { IngestClient } from "azure-kusto-ingest";
import type { KustoIngestionOptions } from "../../../src/connectors/kusto/index.ts";
import { kusto } from "../../../src/connectors/kusto/index.ts";
import { deliverer } from "../../../src/deliver/deliverer.ts";
import type { DestinationContext, DestinationSession } from "../../../src/destination/destination.ts";
import { MillraceError } from "../../../src/errors.ts";
import { k, table } from "../../../src/schema/table.ts";
import { batchOf, contextOf } from "./batch-of.ts";
import { start as startProxy } from "./cutting-proxy.ts";
import { asColumns, type Double, startDouble, tableOf } from "./double.ts";

let cluster: Double;
const sessions: DestinationSession[] = [];
const never = new AbortController().signal;
setMaxListeners(0, never);
const retrying = {
  retryBaseMs: 5,
  retryMaxMs: 50,
  retryTimeoutMs: 10_000,
};

before(async () => {
  cluster = await startDouble();
});
after(() => cluster.close());
beforeEach(() => {
  cluster.answer = () => undefined;
  cluster.resources = () => cluster.defaultResources();
  cluster.sasLifeMs = 3_600_000;
  cluster.columns = asColumns("a:long,b:string");
  cluster.commands.length = 0;
});
afterEach(async () => {
  for (const session of sessions.splice(0)) await session.close();
  for (const name of ["ready", "success", "failed"]) await cluster.queues.getQueueClient(name).clearMessages();
  mock.restoreAll();
});

async function openSession(
  ingestion: KustoIngestionOptions = {},
  context: DestinationContext = contextOf(),
): Promise<DestinationSession> {
  const session = await kusto({ cluster: cluster.url, database: "db", ...ingestion }).open(context);
  sessions.push(session);
  return session;
}

function commandsLike(pattern: RegExp): number {
  return cluster.commands.filter(({ csl }) => pattern.test(csl)).length;
}

/** What the service would read. */
async function contentOf(blobPath: string): Promise<string> {
  return gunzipSync(await new BlobClient(blobPath).downloadToBuffer()).toString();
}

test("a batch is stored, announced, and can be fetched by the announcement", async () => {
  const session = await openSession();
  const batch = batchOf("1,one\n2,two\n", { partBytes: 7 });
  const staged = await session.stage(batch, never);
  await session.submit(staged, never);
  const [message] = await cluster.takeMessages();
  assert.ok(message);
  const { BlobPath, AdditionalProperties, ...rest } = message;
  assert.equal(await contentOf(BlobPath), "1,one\n2,two\n");
  assert.deepEqual(AdditionalProperties, { authorizationContext: "identity-token", format: "csv" });
  assert.deepEqual(
    [rest.Id, rest.RawDataSize, rest.DatabaseName, rest.TableName, rest.ReportLevel, rest.ReportMethod],
    [batch.id, 12, "db", "T", 0, 0],
  );
  assert.ok(!inspect(staged).includes("sig"), "no SAS leaves the session");
  assert.match(staged.place, /^\w+\/temp-[01]\/db__T__[0-9a-f-]{36}\.csv\.gz$/);
});

test("a cluster at ::1, or at a name with a dot at its end, is this machine", async (t) => {
  const port = Number(new URL(cluster.url).port);
  const server = createServer((socket) => {
    const there = connectTcp(port, "127.0.0.1");
    for (const [one, other] of [
      [socket, there],
      [there, socket],
    ] as const)
      one.on("error", () => other.destroy()).pipe(other);
  });
  const listens = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false)).listen(0, "::1", () => resolve(true));
  });
  if (!listens) return t.skip("this machine has no IPv6");
  t.after(() => server.close());
  const { port: own } = server.address() as AddressInfo;
  for (const url of [`http://[::1]:${own}`, `http://localhost.:${port}`]) {
    const session = await kusto({ cluster: url, database: "db" }).open(contextOf());
    try {
      const staged = await session.stage(batchOf("1,here\n"), never);
      await session.submit(staged, never);
    } finally {
      await session.close();
    }
  }
});

test("the connector's options travel with the message", async () => {
  const ingestion = {
    ingestionMappingRef: "m",
    flushImmediately: true,
    ingestByTags: ["a", "b"],
    additionalTags: ["plain"],
    pollForIngestionStatus: true,
  };
  cluster.answer = (csl) => (/mappings$/.test(csl) ? tableOf(["Name", "Kind"], [["m", "Json"]]) : undefined);
  const session = await openSession(ingestion, { ...contextOf(), format: "ndjson" });
  await session.submit(await session.stage({ ...batchOf('{"a":1}\n'), format: "ndjson" }, never), never);
  const [message] = await cluster.takeMessages();
  assert.deepEqual(message!.AdditionalProperties, {
    authorizationContext: "identity-token",
    format: "multijson",
    ingestionMappingReference: "m",
    ingestionMappingType: "Json",
    tags: '["plain","ingest-by:a","ingest-by:b"]',
  });
  assert.equal(message!.FlushImmediately, true);
  assert.equal(message!.ReportLevel, 2);
  assert.match(message!.BlobPath, /\.multijson\.gz\?/);
});

test("SDK defect: properties are mutated, so each message gets fresh ones and no tag sticks", async () => {
  const given: { additionalProperties: object }[] = [];
  const real = IngestClient.prototype.ingestFromBlob;
  mock.method(
    IngestClient.prototype,
    "ingestFromBlob",
    function (this: IngestClient, ...args: Parameters<typeof real>) {
      given.push(args[1] as (typeof given)[number]);
      return real.apply(this, args);
    },
  );
  const tagged = await openSession({ ingestByTags: ["only-here"] });
  const plain = await openSession();
  for (const session of [tagged, plain, tagged])
    await session.submit(await session.stage(batchOf("1,a\n"), never), never);
  const tags = (await cluster.takeMessages()).map(({ AdditionalProperties }) => AdditionalProperties.tags);
  assert.deepEqual(tags, ['["ingest-by:only-here"]', undefined, '["ingest-by:only-here"]']);
  assert.equal(new Set(given).size, 3);
  assert.equal(new Set(given.map(({ additionalProperties }) => additionalProperties)).size, 3);
  assert.ok(
    given.every(({ additionalProperties }) => "format" in additionalProperties),
    "the SDK does write into them",
  );
});

test("SDK defect: fifty cold calls ask fifty times, so the resources are fetched once", async () => {
  const session = await openSession();
  const batches = Array.from({ length: 50 }, (_, i) => batchOf(`${i},a\n`));
  await Promise.all(batches.map(async (batch) => session.submit(await session.stage(batch, never), never)));
  assert.equal(commandsLike(/ingestion resources/), 1);
  assert.equal(commandsLike(/identity token/), 1);
  const messages = [...(await cluster.takeMessages()), ...(await cluster.takeMessages())];
  assert.deepEqual(messages.map(({ Id }) => Id).sort(), batches.map(({ id }) => id).sort());
});

test("SDK defect: an expired SAS has no cause and no remedy; ours is refreshed once for all, and all lands", async () => {
  cluster.sasLifeMs = -1_000;
  const session = await openSession();
  const error = await session.stage(batchOf("1,a\n"), never).catch((e) => e);
  assert.ok(error instanceof MillraceError);
  assert.deepEqual([error.code, error.retryable], ["SAS_EXPIRED", true]);
  assert.match(error.message, /AuthenticationFailed|AuthorizationFailure/);
  const shown = inspect(error, { depth: Infinity, showHidden: true, getters: true });
  assert.ok(!/sig=(?!<)/.test(shown), shown);

  cluster.commands.length = 0;
  cluster.sasLifeMs = 3_600_000;
  const { deliver } = deliverer(session, retrying, never);
  await Promise.all(Array.from({ length: 10 }, (_, i) => deliver(batchOf(`${i},a\n`))));
  assert.equal(commandsLike(/ingestion resources/), 1);
  assert.equal((await cluster.takeMessages()).length, 10);
});

test("a SAS that expires between upload and submission is asked for again", async () => {
  const staged = await (await openSession()).stage(batchOf("1,a\n"), never);
  cluster.sasLifeMs = -1_000;
  const session = await openSession();
  cluster.sasLifeMs = 3_600_000;
  await assert.rejects(session.submit(staged, never), { code: "SAS_EXPIRED", retryable: true });
  await session.submit(staged, never);
  const [message] = await cluster.takeMessages();
  assert.equal(await contentOf(message!.BlobPath), "1,a\n");
});

test("uploads are spread over the containers", async () => {
  const session = await openSession();
  const places: string[] = [];
  for (let i = 0; i < 4; i++) {
    const staged = await session.stage(batchOf("1,a\n"), never);
    await session.submit(staged, never);
    places.push(staged.place.split("/")[1]!);
  }
  assert.deepEqual(places.sort(), ["temp-0", "temp-0", "temp-1", "temp-1"]);
});

test("a container that the service no longer offers: the batch is stored anew elsewhere", async () => {
  cluster.resources = () => cluster.defaultResources().filter(([, root]) => !root.includes("/temp-1"));
  const first = await openSession();
  const batch = batchOf("1,a\n");
  const staged = await first.stage(batch, never);
  assert.match(staged.place, /temp-0/);
  cluster.resources = () => cluster.defaultResources().filter(([, root]) => !root.includes("/temp-0"));
  const second = await openSession();
  await assert.rejects(second.submit(staged, never), { code: "PLACE_GONE", retryable: true });
  const restaging = {
    ...second,
    stage: async (b: typeof batch, s: AbortSignal) => (calls++ ? second.stage(b, s) : staged),
  };
  let calls = 0;
  await deliverer(restaging, retrying, never).deliver(batch);
  const [message] = await cluster.takeMessages();
  assert.match(message!.BlobPath, /temp-1/);
  assert.equal(await contentOf(message!.BlobPath), "1,a\n");
});

test("a second upload of the same batch meets the first, whole or in blocks", async () => {
  cluster.resources = () => cluster.defaultResources().filter(([, root]) => !root.includes("/temp-1"));
  const session = await openSession();
  for (const batch of [batchOf("1,a\n"), batchOf("x", { packed: randomBytes(9 * 1024 * 1024) })]) {
    const first = await session.stage(batch, never);
    const [, container, name] = first.place.split("/") as [string, string, string];
    const blob = cluster.blobs.getContainerClient(container).getBlobClient(name);
    const { etag } = await blob.getProperties();
    assert.deepEqual(await session.stage(batch, never), first);
    assert.equal((await blob.getProperties()).etag, etag, "the service may be reading it: it is not written anew");
  }
});

test("a large batch goes up in blocks and is whole", async () => {
  const session = await openSession();
  const packed = randomBytes(20 * 1024 * 1024 + 17);
  const batch = batchOf("x", { packed, partBytes: 3_000_001 });
  const { place } = await session.stage(batch, never);
  const [, container, name] = place.split("/") as [string, string, string];
  const blob = cluster.blobs.getContainerClient(container).getBlockBlobClient(name);
  const { committedBlocks } = await blob.getBlockList("committed");
  assert.deepEqual(
    committedBlocks?.map(({ size }) => size),
    [8 * 2 ** 20, 8 * 2 ** 20, 4 * 2 ** 20 + 17],
  );
  assert.ok((await blob.downloadToBuffer()).equals(packed));
});

test("an upload can be aborted", async () => {
  const session = await openSession();
  const controller = new AbortController();
  const staging = session.stage(batchOf("x", { packed: randomBytes(30 * 1024 * 1024) }), controller.signal);
  setTimeout(() => controller.abort(new Error("enough")), 5);
  await assert.rejects(staging, { code: "ABORTED" });
  await assert.rejects(session.stage(batchOf("1,a\n"), controller.signal), { code: "ABORTED" });
});

/** A port that accepts connections and never says anything, as a dead account behind a firewall does. */
async function deafServer(): Promise<{ port: number; close(): void }> {
  const sockets = new Set<import("node:net").Socket>();
  const server = createServer((socket) => void sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test("SDK defect: a dead queue holds the caller for 16 s and cannot be aborted; ours can", async () => {
  const deaf = await deafServer();
  cluster.resources = () =>
    cluster
      .defaultResources()
      .map(([type, url]) =>
        type === "SecuredReadyForAggregationQueue"
          ? [type, `http://127.0.0.1:${deaf.port}/dead/ready?sig=SECRET`]
          : [type, url],
      );
  const session = await openSession();
  const staged = await session.stage(batchOf("1,a\n"), never);
  const controller = new AbortController();
  const submitting = session.submit(staged, controller.signal);
  setTimeout(() => controller.abort(new Error("enough")), 50);
  const started = performance.now();
  const error = await submitting.catch((e) => e);
  assert.equal(error.code, "ABORTED");
  assert.ok(performance.now() - started < 5_000);
  deaf.close();
});

test("a dead account is left for a living one, and its error says what happened", async () => {
  const dead = await deafServer();
  dead.close();
  const deadRoot = `http://127.0.0.1:${dead.port}/dead`;
  cluster.resources = () => [
    ["TempStorage", `${deadRoot}/temp?sig=SECRET`],
    ["SecuredReadyForAggregationQueue", `${deadRoot}/ready?sig=SECRET`],
    ...cluster.defaultResources(),
  ];
  const session = await openSession();
  const told: MillraceError[] = [];
  const { deliver } = deliverer(session, retrying, never, { onRetry: ({ error }) => void told.push(error) });
  const batches = Array.from({ length: 20 }, (_, i) => batchOf(`${i},a\n`));
  for (const batch of batches) await deliver(batch);
  assert.equal((await cluster.takeMessages()).length, 20);
  assert.equal(told.length, 1, "one failure for the account, not one per batch, and its queue is spared as well");
  assert.ok(told.every(({ code, retryable }) => code === "UNREACHABLE" && retryable));
  assert.match(told[0]!.message, /ECONNREFUSED/);
  assert.ok(!inspect(told, { depth: Infinity }).includes("SECRET"));
});

test("SDK defect: a queue takes 64 KiB, and more is refused here by name", async () => {
  const session = await openSession({ additionalTags: ["x".repeat(60_000)] });
  const staged = await session.stage(batchOf("1,a\n"), never);
  await assert.rejects(session.submit(staged, never), {
    code: "BAD_OPTION",
    retryable: false,
    message: /65536.*additionalTags/,
  });
});

test("SDK defect: a source id must be a v4 uuid, and another is refused, not replaced", async () => {
  const session = await openSession();
  const staged = await session.stage(batchOf("1,a\n", { id: "00000000-0000-1000-8000-000000000000" }), never);
  await assert.rejects(session.submit(staged, never), /uuid/);
  assert.deepEqual(await cluster.takeMessages(), []);
});

test("throttling and outages of the cluster are told with their Retry-After", async () => {
  for (const [status, code] of [
    [429, "THROTTLED"],
    [503, "SERVICE_UNAVAILABLE"],
  ] as const) {
    cluster.answer = (csl) =>
      csl === ".get ingestion resources" ? { status, body: {}, headers: { "retry-after": "2" } } : undefined;
    await assert.rejects(openSession(), { code, retryable: true, retryAfterMs: 2000 });
  }
});

test("a missing table, database or mapping is found before the first record", async () => {
  const missing = (kind: string) => ({
    status: 400,
    body: {
      error: {
        code: "BadRequest_EntityNotFound",
        "@type": "Kusto.Data.Exceptions.EntityNotFoundException",
        "@message": `Entity ID 'x' of kind '${kind}' was not found.`,
        "@permanent": true,
      },
    },
  });
  cluster.answer = (csl) => (csl.includes("schema as json") ? missing("Table") : undefined);
  await assert.rejects(openSession(), {
    code: "NOT_FOUND",
    message: /Table T does not exist in database db; create it/,
  });
  cluster.answer = (csl) => (csl.includes("schema as json") ? missing("Database") : undefined);
  await assert.rejects(openSession(), { code: "NOT_FOUND", message: /kind 'Database'/ });
  cluster.answer = (csl) => (/mappings$/.test(csl) ? tableOf(["Name"], [["other"]]) : undefined);
  await assert.rejects(openSession({ ingestionMappingRef: "m" }), {
    code: "NOT_FOUND",
    message: /no ingestion csv mapping named m/,
  });
  assert.ok(commandsLike(/^\.show table \['T'\] ingestion csv mappings$/) > 0);
  assert.ok(commandsLike(/^\.show database \['db'\] ingestion csv mappings$/) > 0);
});

test("columns that are not the table's are refused: CSV by order, NDJSON by name", async () => {
  const csv = contextOf();
  const ndjson = { ...csv, format: "ndjson" } as const;
  const fits = [
    ["a:long,b:string", csv],
    ["a:long,b:string,more:dynamic", csv],
    ["b:string,x:int,a:long", ndjson],
  ] as const;
  for (const [columns, context] of fits) {
    cluster.columns = asColumns(columns);
    await openSession({}, context);
  }
  const refused = [
    ["b:string,a:long", csv, /column 1 is declared as a:long, but the table has b:string there/],
    ["a:int,b:string", csv, /a:int there/],
    ["a:long", csv, /only 1 columns/],
    ["a:long,c:string", ndjson, /b:string is not in the table/],
    ["a:real,b:string", ndjson, /a:long is real in the table/],
  ] as const;
  for (const [columns, context, message] of refused) {
    cluster.columns = asColumns(columns);
    await assert.rejects(openSession({}, context), { code: "BAD_SCHEMA", message });
  }
});

test("a mapping says where columns go, so the table's order is not looked at", async () => {
  cluster.columns = asColumns("z:guid");
  cluster.answer = (csl) => (/mappings$/.test(csl) ? tableOf(["Name"], [["m"]]) : undefined);
  await openSession({ ingestionMappingRef: "m" });
});

test("a principal that may ingest but not look opens unchecked", async () => {
  cluster.answer = (csl) =>
    csl.startsWith(".show") ? { status: 403, body: { error: { code: "Forbidden", "@permanent": true } } } : undefined;
  const session = await openSession({ ingestionMappingRef: "m" });
  await session.submit(await session.stage(batchOf("1,a\n"), never), never);
  assert.equal((await cluster.takeMessages()).length, 1);
});

test("a cluster that is not there, not Kusto, or deaf", async () => {
  const open = (url: string, signal?: AbortSignal) =>
    kusto({ cluster: url, database: "db", requestTimeoutMs: 300 }).open(contextOf(signal));
  const deaf = await deafServer();
  await assert.rejects(open(`http://127.0.0.1:${deaf.port}`), { code: "UNREACHABLE", message: /300 ms/ });
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("enough")), 20);
  await assert.rejects(open(`http://127.0.0.1:${deaf.port}`, controller.signal), { code: "ABORTED" });
  deaf.close();
  await assert.rejects(open(`http://127.0.0.1:${deaf.port}`), { code: "UNREACHABLE", message: /ECONNREFUSED/ });
  cluster.answer = () => ({ status: 404, body: {} });
  await assert.rejects(open(cluster.url), { code: "NOT_FOUND" });
});

test("storage that is not https is refused, unless it is on the loopback of a loopback cluster", async () => {
  cluster.resources = () => [["TempStorage", "http://acc.blob.core.windows.net/c?sig=SECRET"]];
  const error = await openSession().catch((e) => e);
  assert.equal(error.code, "UNTRUSTED_HOST");
  assert.ok(!inspect(error, { depth: Infinity }).includes("SECRET"));
});

const polled: KustoIngestionOptions = { pollForIngestionStatus: true, pollIntervalMs: 50, pollTimeoutMs: 5_000 };

test("status: our fates are read and removed, others' messages stay", async () => {
  const session = await openSession(polled);
  const [good, bad, silent] = [batchOf("1,a\n"), batchOf("2,b\n"), batchOf("3,c\n")];
  for (const batch of [good, bad, silent]) await session.submit(await session.stage(batch, never), never);
  const ids = [good.id, bad.id, silent.id];
  assert.deepEqual(await session.outcomes(ids, never), []);

  const stranger = batchOf("").id;
  await cluster.putStatus("success", { IngestionSourceId: stranger });
  await cluster.putStatus("success", "!!! not base64, not JSON");
  await cluster.putStatus("success", Buffer.from("[1,2]").toString("base64"));
  await cluster.putStatus("success", { IngestionSourceId: good.id.toUpperCase(), SucceededOn: "now" });
  await cluster.putStatus("failed", { IngestionSourceId: stranger, ErrorCode: "X" });
  await cluster.putStatus("failed", {
    IngestionSourceId: bad.id,
    ErrorCode: "Stream_WrongNumberOfFields",
    Details: "line 7 of https://acc.blob.core.windows.net/c/b.csv.gz?sig=SECRET",
    FailureStatus: "Permanent",
    ShouldRetry: false,
  });
  const outcomes = await session.outcomes(ids, never);
  assert.deepEqual(
    new Set(outcomes),
    new Set([
      { id: good.id, status: "landed" },
      {
        id: bad.id,
        status: "failed",
        errorCode: "Stream_WrongNumberOfFields",
        details: "line 7 of https://acc.blob.core.windows.net/c/b.csv.gz?<removed>",
        retryable: false,
      },
    ]),
  );
  assert.equal(await cluster.statusCount("success"), 3);
  assert.equal(await cluster.statusCount("failed"), 1);
});

test("status: a transient failure may be retried, and a skipped duplicate has landed", async () => {
  const session = await openSession(polled);
  const [transient, skipped] = [batchOf("1,a\n"), batchOf("2,b\n")];
  await cluster.putStatus("failed", { IngestionSourceId: transient.id, ErrorCode: "E", FailureStatus: "Transient" });
  await cluster.putStatus("failed", { IngestionSourceId: skipped.id, ErrorCode: "Skipped_IngestByTagAlreadyExists" });
  const outcomes = await session.outcomes([transient.id, skipped.id], never);
  assert.deepEqual(Object.fromEntries(outcomes.map((o) => [o.id, o.status === "landed" || o.retryable])), {
    [transient.id]: true,
    [skipped.id]: true,
  });
  assert.equal(outcomes.find(({ id }) => id === skipped.id)?.status, "landed");
});

test("status: a short queue with nothing of ours is only peeked, never taken from", async () => {
  const session = await openSession(polled);
  await cluster.putStatus("success", { IngestionSourceId: batchOf("").id });
  await session.outcomes([batchOf("1,a\n").id], never);
  const queue = cluster.queues.getQueueClient("success");
  const [message] = (await queue.receiveMessages()).receivedMessageItems;
  assert.equal(message?.dequeueCount, 1, "ours is the first receive");
});

test("status: ours is found behind a hundred strangers, which stay", async () => {
  const session = await openSession(polled);
  const batch = batchOf("1,a\n");
  for (let i = 0; i < 100; i++) await cluster.putStatus("success", { IngestionSourceId: batchOf("").id });
  await cluster.putStatus("success", { IngestionSourceId: batch.id });
  assert.deepEqual(await session.outcomes([batch.id], never), [{ id: batch.id, status: "landed" }]);
  assert.equal(await cluster.statusCount("success"), 100);
});

test("status: two queues of a kind are both read, and one that is dead does not hide the other", async () => {
  const extra = cluster.queues.getQueueClient("failed");
  const dead = await deafServer();
  dead.close();
  cluster.resources = () => {
    const roots = cluster.defaultResources();
    const failed = roots.find(([type]) => type === "FailedIngestionsQueue")![1];
    return [
      ...roots,
      ["SuccessfulIngestionsQueue", failed],
      ["SuccessfulIngestionsQueue", `http://127.0.0.1:${dead.port}/dead/success?sig=SECRET`],
    ];
  };
  const session = await openSession(polled);
  const [one, two] = [batchOf("1,a\n"), batchOf("2,b\n")];
  await cluster.putStatus("success", { IngestionSourceId: one.id });
  assert.deepEqual(await session.outcomes([one.id, two.id], never), [{ id: one.id, status: "landed" }]);
  await assert.rejects(session.outcomes([two.id], never), { code: "UNREACHABLE", retryable: true });
  await extra.clearMessages();
});

test("somebody else's word that a blob or message was created is not taken for the storage's", async (t) => {
  let isOn = true;
  const proxy = await startProxy({
    target: cluster.url,
    cut: ({ kind }) =>
      isOn && (kind === "blob" || kind === "queue") ? { instead: "<html></html>", status: 201 } : undefined,
  });
  t.after(() => proxy.close());
  const session = await kusto({ cluster: proxy.url, database: "db" }).open(contextOf());
  sessions.push(session);
  const broken = { code: "UNREACHABLE", retryable: true };
  const batch = batchOf("1,a\n");
  await assert.rejects(session.stage(batch, never), broken);
  await assert.rejects(session.stage(batchOf("", { packed: randomBytes(9 * 2 ** 20) }), never), broken);
  isOn = false;
  const staged = await session.stage(batch, never);
  isOn = true;
  await assert.rejects(session.submit(staged, never), { code: "SERVICE_UNAVAILABLE", retryable: true });
});

test("status: what one page told is not lost when the next one's answer is cut", async (t) => {
  let pages = 0;
  const proxy = await startProxy({
    target: cluster.url,
    cut: ({ method, path, status, headBytes }) =>
      method === "GET" && path.endsWith("/success/messages") && status === 200 && ++pages === 3
        ? headBytes + 9
        : undefined,
  });
  t.after(() => proxy.close());
  const session = await kusto({ cluster: proxy.url, database: "db", ...polled }).open(contextOf());
  sessions.push(session);
  const batches = Array.from({ length: 40 }, () => batchOf("1,a\n"));
  for (const { id } of batches) await cluster.putStatus("success", { IngestionSourceId: id });
  const ids = batches.map(({ id }) => id);
  const landed = new Set<string>();
  // The messages of the page that was cut are hidden for three seconds.
  for (let look = 0; look < 100 && landed.size < ids.length; look++) {
    for (const { id } of await session.outcomes(ids, never)) landed.add(id);
    if (landed.size < ids.length) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.equal(proxy.damaged.get("queue"), 1);
  assert.deepEqual([...landed].sort(), ids.sort());
});

test("status: without polling nothing is read", async () => {
  const session = await openSession();
  const batch = batchOf("1,a\n");
  await cluster.putStatus("success", { IngestionSourceId: batch.id });
  assert.deepEqual(await session.outcomes([batch.id], never), []);
  assert.equal(await cluster.statusCount("success"), 1);
});

test("names with anything in them reach the service as they are", async () => {
  const odd = table("T'\"]; .drop", { "c]'d": k.long() });
  cluster.columns = [["c]'d", "long"]];
  const session = await openSession({}, { ...contextOf(), table: odd });
  assert.ok(commandsLike(/^\.show table \['T\\'"\]; \.drop'\] schema as json$/) === 1, inspect(cluster.commands));
  const batch = { ...batchOf("1\n"), table: odd.name };
  await session.submit(await session.stage(batch, never), never);
  const [message] = await cluster.takeMessages();
  assert.equal(message!.TableName, odd.name);
  assert.equal(await contentOf(message!.BlobPath), "1\n");
});
