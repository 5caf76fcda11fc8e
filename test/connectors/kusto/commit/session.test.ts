import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { stateOn } from "../../../../src/checkpoint/file-state.ts";
import { type KustoAdmin, kustoAdmin } from "../../../../src/connectors/kusto/admin.ts";
import type { SessionContext } from "../../../../src/connectors/kusto/commit/epoch-session.ts";
import { openEpochSession } from "../../../../src/connectors/kusto/commit/session.ts";
import { stagingName } from "../../../../src/connectors/kusto/commit/staging-table.ts";
import { connectionOf } from "../../../../src/connectors/kusto/options.ts";
import { type Emulator, startEmulator } from "../../../../src/emulator/index.ts";
import { memoryDisk } from "../../../../src/log/memory-disk.ts";
import { createMergeTableCommand } from "../../../../src/schema/kql.ts";
import { k, table } from "../../../../src/schema/table.ts";
import type { WriteSinkOptions } from "../../../../src/write-sink.ts";
import { openKusto } from "../open-kusto.ts";

// Sessions that commit epochs, against the emulator.

let emulator: Emulator;
let admin: KustoAdmin;

before(async () => {
  emulator = await startEmulator({ databases: ["db"] });
  admin = await kustoAdmin({ cluster: emulator.url, database: "db" });
});

after(async () => {
  admin?.close();
  await emulator?.close();
});

async function tableOf(name: string) {
  const made = table(name, { n: k.long() });
  await admin.execute(createMergeTableCommand(made));
  return made;
}

async function start(
  target: Awaited<ReturnType<typeof tableOf>>,
  options: WriteSinkOptions = {},
  disk = memoryDisk(),
  cluster = emulator.url,
) {
  const defaults = { deliveryGuarantee: "exactly-once", flushImmediately: true, pollIntervalMs: 20 } as const;
  const state = stateOn(disk, "state");
  return openKusto(target, { cluster, database: "db" }, { ...defaults, state, ...options });
}

async function numbersIn(name: string): Promise<number[]> {
  const { rows } = await admin.query(`['${name}'] | sort by n asc`);
  return rows.map(([n]) => Number(n));
}

test("a lost state is refused at every start, until acceptDuplicates says so, and then no more", async () => {
  const target = await tableOf("Lost");
  const first = await start(target, { job: "nightly" });
  first.write({ n: 1 });
  await first.close();

  const disk = memoryDisk();
  for (let start_ = 0; start_ < 2; start_++)
    await assert.rejects(start(target, { job: "nightly" }, disk), {
      code: "STATE_LOST",
      message:
        /Lost holds epochs of job nightly.*Give the state that wrote them, or another job's name; acceptDuplicates/,
    });
  const accepted = await start(target, { job: "nightly", acceptDuplicates: true }, disk);
  accepted.write({ n: 2 });
  await accepted.close();
  await (await start(target, { job: "nightly" }, disk)).close();
  assert.deepEqual(await numbersIn("Lost"), [1, 2]);
});

const names = ["nightly.of tables", 'it\'s "quoted" / \\ ümläut 漢字 (1)*!~', "x".repeat(100), "漢".repeat(100)];
for (const commitMode of ["move", "append", "tag"] as const)
  test(`names of jobs and tables with everything in them, ${commitMode}; another job's name that begins alike is no lost state`, async () => {
    const target = await tableOf(`A table-with.dots ${commitMode}`);
    for (const [n, job] of [...names, "nightly", "x".repeat(99)].entries()) {
      const disk = memoryDisk();
      const sink = await start(target, { job, commitMode }, disk);
      sink.write({ n });
      await sink.close();
      await assert.rejects(start(target, { job, commitMode }), { code: "STATE_LOST" }, `job ${job}`);
    }
    assert.deepEqual(await numbersIn(target.name), [0, 1, 2, 3, 4, 5]);
  });

test("a staging table's name has room in a cluster, however long the job's is", () => {
  const job = `${encodeURIComponent("漢".repeat(100))}.0123456789ab`;
  const name = stagingName("T".repeat(500), job, 7, "ba9876543210");
  assert.ok(name.length < 1_000, `${name.length} characters`);
  assert.match(name, /_0123456789ab_g7_ba9876543210$/);
});

for (const commitMode of ["move", "append"] as const)
  test(`the small batches of a checkpoint become one extent, ${commitMode}`, async () => {
    const target = await tableOf(`Small_${commitMode}`);
    const sink = await start(target, { commitMode, batchSize: 10, parallelism: 2 });
    for (let n = 0; n < 503; n++) if (!sink.write({ n })) await sink.ready;
    await sink.checkpoint();
    await sink.close();
    const { rows } = await admin.execute(`.show table ${target.name} extents | project RowCount`);
    assert.deepEqual(
      rows.map(([count]) => Number(count)),
      [503],
    );
    assert.deepEqual(
      await numbersIn(target.name),
      Array.from({ length: 503 }, (_, n) => n),
    );
  });

for (const commitMode of ["move", "append", "tag"] as const)
  test(`close() waits for no batching policy, ${commitMode}`, { timeout: 60_000 }, async () => {
    const still = await startEmulator({ databases: ["db"] });
    const own = await kustoAdmin({ cluster: still.url, database: "db" });
    try {
      const target = table("Waiting", { n: k.long() });
      await own.execute(createMergeTableCommand(target));
      // A policy's ten seconds take hours.
      still.clock.speed = 1e-3;
      const sink = await start(target, { commitMode, flushImmediately: false }, memoryDisk(), still.url);
      sink.write({ n: 1 });
      await sink.checkpoint();
      await sink.committed();
      sink.write({ n: 2 });
      await sink.close();
      assert.deepEqual((await own.query("Waiting | sort by n asc")).rows, [[1], [2]]);
    } finally {
      own.close();
      await still.close();
    }
  });

test("the target is not asked while an append that was begun before is under way", async () => {
  const { session, signal } = await appending("Slow");
  const { rows } = await admin.execute(".append async Slow <| range n from 1 to 200000000 step 1");
  const asked = () => session.tagsUnder("millrace:job.0123456789ab/Slow/1/", signal);
  await assert.rejects(asked(), { code: "SERVICE_UNAVAILABLE", retryable: true, message: /operation [0-9a-f-]{36}/ });
  assert.deepEqual(await session.tagsUnder("millrace:job.0123456789ab/Slow/1/", signal, true), [], "as of now");
  await admin.execute(`.cancel operation ${rows[0]![0]}`);
  assert.deepEqual(await asked(), []);
  await session.close(true);
});

/** A session of mode `append` with one batch in staging, as the committer would have it. */
async function appending(name: string, retries?: SessionContext["retries"]) {
  const target = await tableOf(name);
  const context: SessionContext = {
    table: target,
    format: "csv",
    signal: new AbortController().signal,
    commitMode: "append",
    job: "job.0123456789ab",
    generation: 1,
    lineage: "ba9876543210",
    retries,
  };
  const session = await openEpochSession(connectionOf({ cluster: emulator.url, database: "db" }), context);
  const staging = await session.makeStaging(context.signal);
  return { session, staging: staging!.name, signal: context.signal };
}

test("a session that is closed twice drops its staging table once, and does not try again with closed clients", async () => {
  const retries = { retryBaseMs: 1_000, retryMaxMs: 1_000, retryTimeoutMs: 60_000, onRetry() {} };
  const { session, staging } = await appending("ClosedTwice", retries);
  await session.close(true);
  const shown = await admin.execute(`.show tables | where TableName == "${staging}"`);
  assert.equal(shown.rows.length, 0);
  let isClosed = false;
  void session.close(true).then(() => {
    isClosed = true;
  });
  // A try at the network takes more turns of the event loop.
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  assert.ok(isClosed);
});

test("append takes all of the staged rows under its tag once, or none of them", async () => {
  const { session, staging, signal } = await appending("Whole");
  const tag = "millrace:job.0123456789ab/Whole/1/ba9876543210.d1/1";
  await admin.execute(`.ingest inline into table ['${staging}'] with (tags='["${tag}","${tag}/0"]') <| 1\n2`);
  await admin.execute(`.ingest inline into table ['${staging}'] with (tags='["${tag}","${tag}/1"]') <| 3`);
  const { extents } = await session.arrived(tag, [], signal);
  const ids = extents.map(({ id }) => id);
  // As if an extent had been merged away, or dropped: what is left must not pass for the whole.
  const other = [ids[0]!, "00000000-0000-0000-0000-000000000001"];
  await assert.rejects(session.commit(tag, other, 3, signal), { code: "NOT_FOUND" });
  assert.deepEqual(await numbersIn("Whole"), []);
  assert.deepEqual(await session.tagsUnder("millrace:job.0123456789ab/Whole/1/", signal), []);
  assert.deepEqual(await session.held(signal), []);
  await session.commit(tag, ids, 3, signal);
  assert.deepEqual(await numbersIn("Whole"), [1, 2, 3]);
  await assert.rejects(session.commit(tag, ids, 3, signal), { code: "NOT_FOUND" }, "it is there already");
  assert.deepEqual(await numbersIn("Whole"), [1, 2, 3]);
  assert.deepEqual(await session.tagsUnder("millrace:job.0123456789ab/Whole/1/", signal), [tag]);
  assert.deepEqual(await session.held(signal), [
    { job: "job.0123456789ab", lineage: "ba9876543210", oldest: 1, newest: 1 },
  ]);
  await session.close(true);
});
