import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type EngineHost, engineHost } from "../../engine-host.ts";

let host: EngineHost;
before(async () => {
  host = await engineHost();
  await host.ask(".create table A (n:long)");
  await host.ask(".create table B (n:long)");
});
after(() => host.close());

const load = async (table: string, n: number) =>
  (await host.rows(`.ingest inline into table ${table} <|\n${n}`))[0]![0] as string;

/** Starts an async command and tells the operation's id. */
async function start(text: string): Promise<string> {
  const answer = await host.ask(text);
  assert.equal(answer.columns, "OperationId:guid");
  return (JSON.parse(answer.rows) as [[string]])[0][0];
}

const ask = async (id: string) => (await host.records(`.show operations ${id}`))[0];

async function ended(id: string): Promise<Record<string, unknown>> {
  for (;;) {
    const operation = await ask(id);
    if (operation!.State !== "InProgress") return operation!;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("an async command goes from InProgress to Completed, and its rows can be shown", async () => {
  const old = await load("A", 1);
  const id = await start(".move async extents all from table A to table B");
  const first = await ask(id);
  assert.equal(first!.State, "InProgress", "the answer does not wait for the work");
  const last = await ended(id);
  assert.deepEqual(
    [last.OperationId, last.Operation, last.State, last.Status, last.Database, last.ShouldRetry],
    [id, "ExtentsMove", "Completed", "", "demo", false],
  );
  assert.equal(
    (await host.ask(".show operations")).columns,
    "OperationId:guid,Operation:string,NodeId:string,StartedOn:datetime,LastUpdatedOn:datetime,Duration:timespan,State:string,Status:string,RootActivityId:guid,ShouldRetry:bool,Database:string,Principal:string,User:string,AdminEpochStartTime:datetime,VirtualCluster:string",
  );
  const details = await host.ask(`.show operation ${id} details`);
  assert.equal(details.columns, "OriginalExtentId:string,ResultExtentId:string,Details:string");
  const [[original, result]] = JSON.parse(details.rows) as [[string, string]];
  assert.equal(original, old);
  assert.deepEqual(await host.rows(".show table B extents | project ExtentId"), [[result]]);
  const log = await host.records(`.show operations | where OperationId == guid(${id})`);
  assert.deepEqual(
    log.map(({ State }) => State),
    ["InProgress", "Completed"],
    "the log keeps each state",
  );
});

test("an async command that fails says so in the log, and nowhere else", async () => {
  const id = await start(".move async extents from table A to table B (00000000-0000-0000-0000-000000000001)");
  const last = await ended(id);
  assert.equal(last.State, "Failed");
  assert.match(String(last.Status), /'00000000-0000-0000-0000-000000000001' was not found in table 'A'/);
  await assert.rejects(host.ask(`.show operation ${id} details`), /state 'Failed'/);
});

test("several ids, and those that nobody knows", async () => {
  const [a, b] = [await start(".append async A <| print 1"), await start(".append async B <| print 2")];
  await Promise.all([ended(a), ended(b)]);
  const unknown = "00000000-0000-0000-0000-000000000001";
  assert.deepEqual(
    (await host.records(`.show operations (${a}, ${unknown}, ${b})`)).map(({ OperationId }) => OperationId),
    [a, b],
  );
  await assert.rejects(host.ask(`.show operation ${unknown} details`), /'Operation' was not found/);
});

test("a command that is waited for keeps its rows when it is asked to", async () => {
  await host.ask(".append A <| print 1");
  const [plain] = (await host.records(".show operations")).slice(-1);
  assert.equal(plain!.Operation, "TableAppend");
  await assert.rejects(host.ask(`.show operation ${plain!.OperationId} details`), /has not kept its results/);
  await host.ask(".append A with (persistDetails=true) <| print 1");
  const [kept] = (await host.records(".show operations")).slice(-1);
  assert.equal((await host.rows(`.show operation ${kept!.OperationId} details`)).length, 1);
});

test("an operation can be asked for by its id for six hours, and is in the log for two weeks", async () => {
  const { clock } = host.catalogue;
  const id = await start(".append async A <| print 1");
  await ended(id);
  clock.advance(6 * 3_600_000 - 60_000);
  assert.equal((await ask(id))!.State, "Completed");
  clock.advance(120_000);
  assert.equal(await ask(id), undefined);
  const inLog = async () => (await host.rows(`.show operations | where OperationId == guid(${id})`)).length;
  assert.equal(await inLog(), 2);
  clock.advance(14 * 86_400_000);
  assert.equal(await inLog(), 0);
});

test("ingestion from a query can be cancelled while it runs, nothing else can", async () => {
  const before = await host.rows("A | count");
  // A queue before it keeps the operation from its end for as long as it takes.
  let go = () => {};
  const table = host.catalogue.databases.get("demo")!.tables.get("A")!;
  const { alone } = await import("../../../../src/emulator/engine/catalogue.ts");
  const held = alone(table, () => new Promise<void>((resolve) => (go = resolve)));
  const append = await start(".append async A <| print 1");
  const move = await start(".move async extents all from table A to table B");
  const cancel = host.ask(`.cancel operation ${append} with (reason="by me")`);
  const refused = await host.records(`.cancel operation ${move}`);
  assert.equal(refused[0]!.CancellationState, "Cancel failed");
  assert.match(String(refused[0]!.ReasonPhrase), /Only ingestion from a query/);
  go();
  await held;
  const cancelled = await cancel;
  assert.equal(
    cancelled.columns,
    "OperationId:guid,Operation:string,StartedOn:datetime,CancellationState:string,ReasonPhrase:string",
  );
  const [[id, kind, , state, reason]] = JSON.parse(cancelled.rows) as [string[]];
  assert.deepEqual([id, kind, state, reason], [append, "TableAppend", "Cancelled successfully", "by me"]);
  assert.equal((await ask(append))!.State, "Cancelled");
  await ended(move);
  assert.deepEqual(await host.rows("A | count"), [[0]], "the move went on");
  assert.ok(((await host.rows("B | count"))[0]![0] as number) >= (before[0]![0] as number));
  const late = await host.records(`.cancel operation ${append}`);
  assert.equal(late[0]!.CancellationState, "Cancel failed");
});
