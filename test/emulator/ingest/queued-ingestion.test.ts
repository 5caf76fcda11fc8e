import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ContainerClient } from "@azure/storage-blob";
import { QueueClient } from "@azure/storage-queue";
import { type Emulator, startEmulator } from "../../../src/emulator/index.ts";
import { identityTokens } from "../../../src/emulator/ingest/identity-tokens.ts";
import { ask, refusal, rowsOf, until } from "../ask.ts";

let emulator: Emulator;
let container: ContainerClient;
/** Our containers as a storage connection string: the emulator is its own managed identity. */
let place: string;

before(async () => {
  emulator = await startEmulator({ blobRetentionMs: 0 });
  const url = await resource("TempStorage");
  container = new ContainerClient(url);
  place = url.replace(/\?.*/, "");
});
after(() => emulator.close());

async function resource(type: string): Promise<string> {
  const rows = await rowsOf(emulator, ".get ingestion resources");
  return String(rows.find(([each]) => each === type)![1]);
}

async function upload(name: string, text: string): Promise<string> {
  const blob = container.getBlockBlobClient(name);
  await blob.uploadData(Buffer.from(text));
  return blob.url;
}

const count = async (table: string) => Number((await rowsOf(emulator, `${table} | count`))[0]![0]);

test(".list blobs: by prefix, suffix and number, with the sizes", async () => {
  for (const name of ["in/a.csv", "in/b.csv", "in/b.txt", "out/c.csv"]) await upload(name, `${name}\n`);
  const listed = async (more: string, at = `${place}/in/`) =>
    (await rowsOf(emulator, `.list blobs ("${at};managed_identity=system") ${more}`)).map((row) =>
      [String(row[0]).slice(place.length + 1), ...row.slice(1).map((value) => JSON.stringify(value))].join(" "),
    );
  assert.deepEqual(await listed(""), ["in/a.csv 9 {}", "in/b.csv 9 {}", "in/b.txt 9 {}"]);
  assert.deepEqual(await listed('Prefix="b" Suffix=".csv"'), ["in/b.csv 9 {}"]);
  assert.deepEqual(await listed("MaxFiles=1"), ["in/a.csv 9 {}"]);
  assert.deepEqual(await listed('Suffix="c.csv"', place), ["out/c.csv 10 {}"]);
  assert.equal((await refusal(emulator, `.list blobs ("${place}")`)).code, "Download_Forbidden");
  assert.match((await refusal(emulator, ".list blobs ('x') PathFormat=('a')")).message, /PathFormat.*position=1:19/);
  assert.match((await refusal(emulator, ".list blobs 'x'")).message, /Expected: \( \[line:position=1:13\]/);
});

test(".ingest-from-storage-queued: a folder and single blobs, with its counts to the end", async () => {
  await ask(emulator, ".create table Q (a:string)");
  for (const name of ["q/1.csv", "q/2.csv"]) await upload(name, "x\ny\n");
  const start = async (source: string) =>
    rowsOf(
      emulator,
      `.ingest-from-storage-queued into table database('demo').Q EnableTracking=true with (format='csv', tags='["t"]') <| ${source}`,
    );
  const [[id, requestId, info]] = (await start(`.list blobs ("${place}/q/;managed_identity=system")`)) as [string[]];
  assert.equal(info, `.show queued ingestion operations "${id}"`);
  assert.ok(requestId);
  const shown = (of = id) => rowsOf(emulator, `.show queued ingestion operations "${of}"`);
  const [row] = await until(shown, ([each]) => each![3] !== "InProgress");
  assert.deepEqual(row!.slice(3), ["Completed", 2, 0, 0, 2, 0, "", "demo", "Q"]);
  assert.equal(await count("Q"), 4);

  const url = await upload("single", "x,1\ny\n");
  const [[failing]] = (await start(`'${url}'\n'${place}/absent;managed_identity=system'`)) as [string[]];
  const [failed] = await until(
    () => shown(failing),
    ([each]) => each![3] !== "InProgress",
  );
  assert.deepEqual(failed!.slice(3, 9), ["Failed", 2, 0, 0, 0, 2]);
  assert.match(String(failed![9]), /Inconsistent number of fields/);
  assert.match(String(failed![9]), /Source not found/);
  assert.equal((await rowsOf(emulator, `.show queued ingestion operations ("${id}", "${failing}")`)).length, 2);
  assert.equal((await refusal(emulator, ".show queued ingestion operations 'none'")).code, "BadRequest_EntityNotFound");
});

test(".cancel queued ingestion operation: what waits for its batch is left out", async () => {
  await ask(emulator, ".create table C (a:string)");
  await ask(emulator, '.alter table C policy ingestionbatching @\'{"MaximumBatchingTimeSpan":"00:10:00"}\'');
  const url = await upload("canceled.csv", "x\n");
  const [[id]] = (await rowsOf(
    emulator,
    `.ingest-from-storage-queued into table C with (format='csv') <| '${url}'`,
  )) as [string[]];
  const [row] = await rowsOf(emulator, `.cancel queued ingestion operation '${id}' with (reason="enough")`);
  assert.equal(row![3], "Canceled");
  // The reader has the message, or gets it now; then ten minutes pass at once, as often as it takes.
  const canceled = await until(
    async () => {
      emulator.clock.advance(600_000);
      return (await rowsOf(emulator, `.show queued ingestion operations '${id}'`))[0]!;
    },
    ([, , , , , pending]) => pending === 0,
  );
  assert.deepEqual(canceled.slice(3, 9), ["Canceled", 1, 0, 1, 0, 0]);
  assert.equal(await count("C"), 0);
});

test(".ingest into table: blobs become one extent, at once or in the background; what fails is told by the operation", async () => {
  await ask(emulator, ".create table I (a:string, b:long)");
  const [one, two, bad] = [
    await upload("i1", "x,1\n"),
    await upload("i2", "y,2\nz,3\n"),
    await upload("i3", "x,1\ny\n"),
  ];
  const [row] = await rowsOf(emulator, `.ingest into table I (h'${one}', @'${two}') with (format='csv', tags="['t']")`);
  assert.equal(row![1], [one, two].map((url) => url!.replace(/\?.*/, "")).join(", "));
  assert.equal(row![3], false);
  assert.deepEqual(await rowsOf(emulator, ".show table I extents | project RowCount, Tags"), [[3, "t"]]);
  const [operation] = await rowsOf(emulator, `.show operations ${row![4]} | project Operation, State`);
  assert.deepEqual(operation, ["DataIngestPull", "Completed"]);

  const mixed = await rowsOf(emulator, `.ingest into table I ('${one}', '${bad}')`);
  assert.deepEqual(
    mixed.map((each) => each[3]),
    [false, true],
  );
  assert.equal(await count("I"), 4);
  const failures = await rowsOf(
    emulator,
    `.show ingestion failures with (OperationId='${mixed[0]![4]}') | project ErrorCode, FailureKind, IngestionSourcePath`,
  );
  assert.deepEqual(failures, [["Stream_WrongNumberOfFields", "Permanent", bad!.replace(/\?.*/, "")]]);
  assert.equal((await refusal(emulator, `.ingest into table I ('${bad}')`)).code, "Stream_WrongNumberOfFields");

  const [[id]] = (await rowsOf(emulator, `.ingest async into table I ('${two}')`)) as [string[]];
  await until(
    () => rowsOf(emulator, `.show operations ${id} | project State`),
    ([state]) => state![0] === "Completed",
  );
  assert.equal(await count("I"), 6);
});

test("a blob is removed when its message was worked on, ingested or not", async () => {
  await ask(emulator, ".create table R (a:string)");
  const queue = new QueueClient(await resource("SecuredReadyForAggregationQueue"));
  const post = (table: string, url: string, more: object = {}) =>
    queue.sendMessage(
      Buffer.from(
        JSON.stringify({ Id: crypto.randomUUID(), BlobPath: url, DatabaseName: "demo", TableName: table, ...more }),
      ).toString("base64"),
    );
  const names = ["r1", "r2", "r3"];
  const urls = await Promise.all(names.map((name) => upload(name, "x\n")));
  await post("R", urls[0]!, { RetainBlobOnSuccess: true });
  await post("R", urls[1]!, { RetainBlobOnSuccess: false });
  await post("Nowhere", urls[2]!);
  await until(
    async () => (await rowsOf(emulator, `.list blobs ("${place}/r;managed_identity=system")`)).map(([url]) => url),
    (left) => left.length === 0,
  );
  assert.equal(await count("R"), 2);
});

test("identity tokens: whose they are, and none that are old, changed, or of another run", () => {
  let now = 0;
  const tokens = identityTokens(() => now);
  const token = tokens.issue("aadapp=x");
  assert.equal(tokens.bearerOf(token), "aadapp=x");
  const invalid = { code: "BadRequest_InvalidKustoIdentityToken" };
  for (const other of [
    undefined,
    "",
    "x",
    `x${token}`,
    token.slice(0, -4),
    identityTokens(() => now).issue("aadapp=x"),
  ])
    assert.throws(() => tokens.bearerOf(other), invalid, other);
  now = 24 * 3_600_000;
  assert.throws(() => tokens.bearerOf(token), invalid);
});
