import assert from "node:assert/strict";
import { get } from "node:http";
import { after, before, beforeEach, test } from "node:test";
import { ContainerClient } from "@azure/storage-blob";
import { QueueClient } from "@azure/storage-queue";
import { kusto } from "../../../src/connectors/kusto/index.ts";
import { type Emulator, type FaultScenario, startEmulator } from "../../../src/emulator/index.ts";
import { open } from "../../../src/open.ts";
import { k, table } from "../../../src/schema/table.ts";
import { type Clients, clientsOf, countOf } from "../../conformance/sdk.ts";
import { ask, refusal, rowsOf, until } from "../ask.ts";

let emulator: Emulator;
let clients: Clients;

before(async () => {
  emulator = await startEmulator();
  clients = clientsOf(emulator);
});
after(async () => {
  clients.close();
  await emulator.close();
});
beforeEach(() => emulator.faults.clear());

const play = (...faults: FaultScenario["faults"]) => emulator.faults.play({ faults });

/** The status of a command's answer; 0 where the connection broke. */
const status = (csl: string) =>
  ask(emulator, csl).then(
    () => 200,
    (error: Error) => Number(/: (\d{3}) /.exec(error.message)?.[1] ?? 0),
  );

async function resources(type: string): Promise<string[]> {
  return (await rowsOf(emulator, ".get ingestion resources"))
    .filter(([each]) => each === type)
    .map((row) => `${row[1]}`);
}

/** The client's view, without its own retries: one request, one outcome. */
const noRetry = { retryOptions: { maxTries: 1 } };

async function putBlob(name: string, account = 0, abortSignal?: AbortSignal): Promise<void> {
  const container = new ContainerClient((await resources("TempStorage"))[account]!, undefined, noRetry);
  const options = { conditions: { ifNoneMatch: "*" }, ...(abortSignal && { abortSignal }) };
  await container.getBlockBlobClient(name).uploadData(Buffer.from("x,1\n"), options);
}

/** An act that ends when the test says so; whether it has ended before is told. */
function pending(act: (signal: AbortSignal) => Promise<unknown>) {
  const off = new AbortController();
  let settled = false;
  const done = act(off.signal).then(
    () => {
      settled = true;
    },
    () => {
      settled = true;
    },
  );
  return {
    isSettled: () => settled,
    async abandon() {
      off.abort();
      await done;
    },
  };
}

const create = (name: string) => (signal: AbortSignal) =>
  fetch(`${emulator.url}/v1/rest/mgmt`, {
    method: "POST",
    signal,
    body: JSON.stringify({ db: "demo", csl: `.create table ${name} (a:string)` }),
  });
const tableNames = async () => (await rowsOf(emulator, ".show tables")).map(([name]) => name);

test("answer: at any endpoint, the ones after some, each third, by the beginning of the command", async () => {
  const played = play(
    { do: "answer", at: "mgmt", status: 429, retryAfterSeconds: 5, command: ".show  VERSION", after: 1 },
    { do: "answer", at: "query", status: 503, every: 3 },
    { do: "answer", at: "ingest", status: 503, path: "/demo/" },
  );
  assert.deepEqual([await status(".show version"), await status(".show tables")], [200, 200]);
  const { retryAfter, permanent } = await refusal(emulator, " .show version");
  assert.deepEqual([retryAfter, permanent], ["5", false]);
  const asked = [];
  for (let n = 0; n < 6; n++) asked.push(await status("print 1"));
  assert.deepEqual(asked, [200, 200, 503, 200, 200, 503]);
  const stream = (database: string) =>
    fetch(`${emulator.url}/v1/rest/ingest/${database}/No?streamFormat=csv`, { method: "POST", body: "x\n" });
  assert.deepEqual([(await stream("other")).status, (await stream("demo")).status], [400, 503]);
  assert.deepEqual(played.struck, [1, 2, 1]);
});

test("answer: what the SDK makes of it", async () => {
  play({ do: "answer", at: "kusto", status: 503, times: 2 });
  await assert.rejects(clients.data.execute("demo", "print 1"), /503/);
  await assert.rejects(clients.data.execute("demo", ".show version"), /503/);
  await clients.data.execute("demo", "print 1");
});

test("a move whose answer is lost: the client knows nothing, the rows have moved, other commands are well", async () => {
  for (const name of ["Source", "Target"]) await ask(emulator, `.create table ${name} (a:string)`);
  await ask(emulator, ".ingest inline into table Source <| x");
  const played = play({ do: "reset", at: "mgmt", when: "after", command: ".move extents" });
  await ask(emulator, ".show tables");
  await assert.rejects(clients.data.execute("demo", ".move extents all from table Source to table Target"));
  assert.deepEqual([await countOf(clients.data, "Source"), await countOf(clients.data, "Target")], [0, 1]);
  assert.deepEqual(played.struck, [1]);
});

test("hang: no answer, and the server has acted or has not", async () => {
  const played = play(
    { do: "hang", at: "mgmt", command: ".create table Before" },
    { do: "hang", at: "mgmt", when: "after", command: ".create table After" },
    { do: "hang", at: "blob", when: "before", path: "before" },
    { do: "hang", at: "blob", when: "after", path: "after" },
  );
  const acts = [
    pending(create("Before")),
    pending(create("After")),
    pending((signal) => putBlob("before", 0, signal)),
    pending((signal) => putBlob("after", 0, signal)),
  ];
  await until(tableNames, (names) => names.includes("After"));
  await until(
    () =>
      putBlob("after").then(
        () => undefined,
        (error: { code?: string }) => error.code,
      ),
    (code) => code === "BlobAlreadyExists",
  );
  await until(
    async () => played.struck,
    (struck) => struck.every((count) => count === 1),
  );
  assert.ok(!(await tableNames()).includes("Before"));
  assert.deepEqual(
    acts.map((act) => act.isSettled()),
    [false, false, false, false],
  );
  for (const act of acts) await act.abandon();
  await ask(emulator, ".create table Before (a:string)");
  await putBlob("before");
});

test("slow: the answer comes later; who does not wait has acted all the same, or has not", async () => {
  play(
    { do: "slow", at: "query", ms: 150, times: 2 },
    { do: "slow", at: "mgmt", ms: 600_000, command: ".create table Slow" },
    { do: "slow", at: "mgmt", ms: 150, when: "before", command: ".create table Waiting" },
    { do: "slow", at: "blob", ms: 600_000, path: "slow" },
    { do: "slow", at: "blob", ms: 150, when: "before", path: "waiting" },
  );
  const start = performance.now();
  assert.equal((await ask(emulator, "print 1")).rows, "[[1]]");
  await clients.data.execute("demo", "print 1");
  await ask(emulator, ".create table Waiting (a:string)");
  await putBlob("waiting");
  assert.ok(performance.now() - start >= 4 * 149);
  const acts = [pending(create("Slow")), pending((signal) => putBlob("slow", 0, signal))];
  await until(tableNames, (names) => names.includes("Slow"));
  await until(
    () =>
      putBlob("slow").then(
        () => undefined,
        (error: { code?: string }) => error.code,
      ),
    (code) => code === "BlobAlreadyExists",
  );
  assert.deepEqual(
    acts.map((act) => act.isSettled()),
    [false, false],
  );
  for (const act of acts) await act.abandon();
});

test("expire-sas: of one account, at its blobs or its queue", async () => {
  play({ do: "expire-sas", account: 1, times: 2 }, { do: "expire-sas", at: "queue", account: 1, path: "readyfor" });
  await putBlob("sas");
  await assert.rejects(putBlob("sas", 1), { statusCode: 403, code: "AuthenticationFailed" });
  const queues = (await resources("SecuredReadyForAggregationQueue")).map(
    (url) => new QueueClient(url, undefined, noRetry),
  );
  await assert.rejects(queues[1]!.sendMessage("x"), { statusCode: 403 });
});

/** What a connection of its own meets; a kept one would be told of the reset and not of the refusal. */
const met = (url: string) =>
  new Promise<string>((resolve) => {
    get(url, { agent: false }, (response) => {
      response.resume();
      resolve("answered");
    }).on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "failed"));
  });

test("refuse: one dead account of two, and the sink delivers through the other", async () => {
  const played = play(
    { do: "refuse", at: "storage", account: 1, forMs: 2_000_000_000 },
    { do: "refuse", at: "kusto", forMs: 100, fromMs: 3_600_000 },
  );
  const places = [...(await resources("TempStorage")), ...(await resources("SecuredReadyForAggregationQueue"))];
  const outcomes = [];
  for (const place of places) outcomes.push(await met(place));
  assert.deepEqual(outcomes, ["answered", "ECONNREFUSED", "answered", "ECONNREFUSED"]);
  assert.deepEqual(played.struck, [1, 0]);

  await ask(emulator, ".create table Dead (a:long)");
  const sink = await open({
    table: table("Dead", { a: k.long() }),
    to: kusto({ cluster: emulator.url, database: "demo" }),
    batchSize: 5,
    retryBaseMs: 10,
    parallelism: 0,
  });
  for (let a = 0; a < 20; a++) if (!sink.write({ a })) await sink.ready;
  await sink.close();
  await until(
    async () => (await rowsOf(emulator, "Dead | distinct a | count"))[0]![0],
    (count) => count === 20,
  );
  emulator.clock.advance(3_600_000);
  await until(
    async () => played.struck,
    ([, count]) => count === 1,
  );
  played.stop();
  for (const place of [places[1]!, places[3]!])
    await until(
      () => met(place),
      (outcome) => outcome === "answered",
    );
  await until(
    () => met(`${emulator.url}/v1/rest/ping`),
    (outcome) => outcome === "answered",
  );
});

test("an account that never answers, beside one that does", async () => {
  play({ do: "hang", at: "storage", account: 0, forMs: 3_600_000 });
  const silent = pending((signal) => putBlob("silent", 0, signal));
  await putBlob("silent", 1);
  assert.equal(silent.isSettled(), false);
  await silent.abandon();
});

test("reset: the queue took the message, the client does not know", async () => {
  play({ do: "reset", at: "queue", when: "after", method: "POST", path: "readyforaggregation" });
  const [url] = await resources("SecuredReadyForAggregationQueue");
  const text = Buffer.from(
    JSON.stringify({ Id: crypto.randomUUID(), BlobPath: "x", DatabaseName: "demo", TableName: "AfterReset" }),
  ).toString("base64");
  await assert.rejects(new QueueClient(url!, undefined, noRetry).sendMessage(text));
  await until(
    () => rowsOf(emulator, ".show ingestion failures | where Table == 'AfterReset'"),
    (rows) => rows.length === 1,
  );
});

test("reset midway: half an answer is no answer, of Kusto and of storage", async () => {
  await ask(emulator, ".create table Half (a:string)");
  const played = play(
    { do: "reset", at: "mgmt", when: "midway", command: ".ingest inline" },
    { do: "reset", at: "query", when: "midway" },
    { do: "reset", at: "blob", when: "midway", method: "GET" },
    { do: "reset", at: "blob", when: "midway", method: "PUT" },
  );
  await assert.rejects(clients.data.execute("demo", ".ingest inline into table Half <| x"));
  await assert.rejects(clients.data.execute("demo", "Half"));
  assert.equal(await countOf(clients.data, "Half"), 1);
  await assert.rejects(putBlob("half"));
  await assert.rejects(putBlob("half"), { code: "BlobAlreadyExists" });
  const [account] = await resources("TempStorage");
  const readable = account!.replace("?", "/half?");
  await assert.rejects(fetch(readable).then((response) => response.text()));
  assert.equal(await (await fetch(readable)).text(), "x,1\n");
  assert.deepEqual(played.struck, [1, 1, 1, 1]);
});

test("the metadata that clients ask for first", async () => {
  const played = play({ do: "answer", at: "auth", status: 500 });
  const metadata = `${emulator.url}/v1/rest/auth/metadata`;
  assert.equal((await fetch(metadata)).status, 500);
  assert.equal((await fetch(metadata)).status, 200);
  assert.deepEqual(played.struck, [1]);
});

test("by chance, the same seed strikes the same requests, and another seed others", async () => {
  const asked = async (seed: number) => {
    const played = emulator.faults.play({ seed, faults: [{ do: "answer", at: "query", status: 503, chance: 0.5 }] });
    const statuses = [];
    for (let n = 0; n < 24; n++) statuses.push(await status("print 1"));
    played.stop();
    return statuses.join(" ");
  };
  const first = await asked(7);
  assert.match(first, /200.*503|503.*200/);
  assert.equal(await asked(7), first);
  assert.notEqual(await asked(8), first);
});

test("for a time of the emulator's clock, whose speed is the scenario's", async () => {
  const hour = 3_600_000;
  emulator.faults.play({
    clock: { advanceMs: hour },
    faults: [{ do: "answer", at: "query", status: 503, fromMs: hour, forMs: hour }],
  });
  assert.equal(await status("print 1"), 200);
  emulator.clock.advance(hour);
  assert.deepEqual([await status("print 1"), await status("print 1")], [503, 503]);
  emulator.clock.advance(hour);
  assert.equal(await status("print 1"), 200);
  emulator.faults.play({
    clock: { speed: 100_000 },
    faults: [{ do: "answer", at: "query", status: 503, fromMs: hour }],
  });
  await until(
    () => status("print 1"),
    (answered) => answered === 503,
  );
  emulator.clock.speed = 1;
});

test("stop() forgets one scenario, clear() all of them, the outages that have not begun too", async () => {
  const one = play({ do: "answer", at: "query", status: 503 });
  const two = play({ do: "answer", at: "mgmt", status: 503 }, { do: "refuse", at: "all", forMs: 1_000, fromMs: 1_000 });
  one.stop();
  assert.equal(await status("print 1"), 200);
  emulator.faults.clear();
  emulator.clock.advance(1_000);
  assert.equal(await status(".show version"), 200);
  assert.deepEqual([one.struck, two.struck], [[0], [0, 0]]);
});

test("a scenario that is wrong plays nothing", async () => {
  assert.throws(() => play({ do: "answer", at: "query", status: 503 }, { do: "hang", at: "blob", account: 2 }), {
    code: "BAD_OPTION",
    message: /faults\[1\]\.account must be less than 2/,
  });
  assert.equal(await status("print 1"), 200);
});
