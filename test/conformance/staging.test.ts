import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";
import { DataFormat, StreamDescriptor } from "azure-kusto-ingest";
import { type Emulator, startEmulator } from "../../src/emulator/index.ts";
import { rowsOf, until } from "../emulator/ask.ts";
import { type Clients, clientsOf, countOf } from "./sdk.ts";

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

/** The rows of a command's answer, as the client reads them. */
async function run(text: string): Promise<Record<string, unknown>[]> {
  const answer = await clients.data.execute("demo", text);
  return [...answer.primaryResults[0]!.rows()].map((row) => row.toJSON() as Record<string, unknown>);
}

async function ended(id: unknown): Promise<Record<string, unknown>> {
  const [operation] = await until(
    () => run(`.show operations ${String(id)}`),
    ([latest]) => latest!.State !== "InProgress",
  );
  return operation!;
}

test("queued blobs under a tag go from a staging table to their target, by the ids of their extents", async () => {
  await run(".create table Target (a:string, b:long)");
  await run(".create table Staging (a:string, b:long)");
  await run('.alter-merge table Staging policy merge \'{"AllowMerge": false, "AllowRebuild": false}\'');
  const tag = "millrace:job/Target/7/1";
  for (const [text, tags] of [
    ["x,1\ny,2\n", [tag]],
    ["z,3\n", [tag]],
    ["other,4\n", ["millrace:job/Target/7/2"]],
  ] as const)
    await clients.queued.ingestFromStream(new StreamDescriptor(Readable.from([text])), {
      database: "demo",
      table: "Staging",
      format: DataFormat.CSV,
      additionalTags: [...tags],
    });
  await until(
    () => countOf(clients.data, "Staging"),
    (count) => count === 4,
  );
  const landed = await run(`.show table Staging extents where tags has '${tag}'`);
  assert.equal(
    landed.reduce((sum, { RowCount }) => sum + Number(RowCount), 0),
    3,
  );
  const ids = landed.map(({ ExtentId }) => String(ExtentId));
  const move = `.move async extents from table Staging to table Target (${ids.join(", ")})`;
  const [started] = await run(move);
  assert.equal((await ended(started!.OperationId)).State, "Completed");
  const details = await run(`.show operation ${String(started!.OperationId)} details`);
  assert.deepEqual(details.map(({ OriginalExtentId }) => OriginalExtentId).sort(), [...ids].sort());
  const [probe] = await run(`Target | where extent_tags() has '${tag}' | count`);
  assert.equal(Number(probe!.Count), 3);
  assert.equal(await countOf(clients.data, "Staging"), 1);
  // The same move once more: the extents are gone, and nothing happens.
  const [again] = await run(move);
  const second = await ended(again!.OperationId);
  assert.equal(second.State, "Failed");
  assert.match(String(second.Status), /was not found in table 'Staging'/);
  assert.equal(await countOf(clients.data, "Target"), 3);
  // One command for an epoch, however often it is sent.
  const append = `.append Target with (tags='["ingest-by:epoch-8"]', ingestIfNotExists='["epoch-8"]') <| Staging | where extent_tags() has 'millrace:job/Target/7/2'`;
  assert.equal(Number((await run(append))[0]!.RowCount), 1);
  assert.deepEqual(await run(append), []);
  assert.equal(await countOf(clients.data, "Target"), 4);
});

test("a client that hangs up while its command runs leaves all of it or nothing", async () => {
  await run(".set Left <| range n from 1 to 50000 step 1");
  await run(".create table Right (n:long)");
  let arrived = 0;
  for (const waitTurns of [0, 1, 3, 10, 30, 100]) {
    const [from, to] = Number((await run("Left | count"))[0]!.Count) > 0 ? ["Left", "Right"] : ["Right", "Left"];
    const stop = new AbortController();
    const sent = fetch(`${emulator.url}/v1/rest/mgmt`, {
      method: "POST",
      body: JSON.stringify({ db: "demo", csl: `.move extents all from table ${from} to table ${to}` }),
      signal: stop.signal,
    });
    for (let turn = 0; turn < waitTurns; turn++) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    await sent.then(
      () => arrived++,
      () => {},
    );
    // One query is one moment of both tables, be the move over or not yet begun.
    const counts = (
      await rowsOf(
        emulator,
        "union (Left | summarize l=count()), (Right | summarize r=count()) | summarize sum(l), sum(r)",
      )
    )[0]!;
    assert.deepEqual(
      [...counts].map(Number).sort((a, b) => a - b),
      [0, 50_000],
      `after ${waitTurns} turns`,
    );
  }
  assert.ok(arrived < 6, "at least one was cut off");
});

test("extents merge as the emulator's clock goes on, those of a table whose policy forbids it do not", async () => {
  await run(".create table Merging (n:long)");
  await run(".create table Resting (n:long)");
  await run('.alter-merge table Resting policy merge \'{"AllowMerge": false, "AllowRebuild": false}\'');
  for (const n of [1, 2, 3])
    for (const table of ["Resting", "Merging"])
      await run(`.ingest inline into table ${table} with (tags='["t${n}"]') <| ${n}`);
  const extents = async (table: string) => (await run(`.show table ${table} extents`)).length;
  assert.deepEqual([await extents("Merging"), await extents("Resting")], [3, 3]);
  emulator.clock.advance(60_000);
  await until(
    () => extents("Merging"),
    (count) => count === 1,
  );
  assert.equal(await extents("Resting"), 3);
  assert.equal(
    (await run("Merging | where extent_tags() has 't2'")).length,
    3,
    "the union of the tags is on every row",
  );
});
