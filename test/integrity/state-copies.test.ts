import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileState } from "../../src/checkpoint/file-state.ts";
import { type KustoAdmin, kustoAdmin } from "../../src/connectors/kusto/admin.ts";
import type { Destination } from "../../src/destination/destination.ts";
import { type Emulator, startEmulator } from "../../src/emulator/index.ts";
import { isCode } from "../../src/errors.ts";
import { open } from "../../src/open.ts";
import { createMergeTableCommand } from "../../src/schema/kql.ts";
import { k, table } from "../../src/schema/table.ts";
import type { WriteSinkOptions } from "../../src/write-sink.ts";
import { openKusto } from "../connectors/kusto/open-kusto.ts";
import { throughSession } from "../connectors/kusto/through-session.ts";

// State folders that are restored from a backup, copied, or used by two processes at once: no row is lost or doubled, and who may not
// go on is told so.

let emulator: Emulator;
let admin: KustoAdmin;
const root = mkdtempSync(join(tmpdir(), "millrace-copies-"));

before(async () => {
  emulator = await startEmulator({ databases: ["db"] });
  admin = await kustoAdmin({ cluster: emulator.url, database: "db" });
});

after(async () => {
  admin?.close();
  await emulator?.close();
  rmSync(root, { recursive: true, force: true });
});

async function tableOf(name: string) {
  const made = table(name, { n: k.long() });
  await admin.execute(createMergeTableCommand(made));
  return made;
}

type Target = Awaited<ReturnType<typeof tableOf>>;

const cluster = () => ({ cluster: emulator.url, database: "db", pollIntervalMs: 20 });

async function start(target: Target, folder: string, options: WriteSinkOptions = {}, to?: Destination) {
  const all = {
    ...({ deliveryGuarantee: "exactly-once", state: fileState(folder), retryBaseMs: 5, retryMaxMs: 50 } as const),
    ...options,
  };
  const sink = to ? await open({ ...all, table: target, to }) : await openKusto(target, cluster(), all);
  sink.keepToCheckpoints();
  return sink;
}

/** Reads on from where the state says, with a checkpoint every so many rows. */
async function writeTo(end: number, target: Target, folder: string, options: WriteSinkOptions = {}, every = 100) {
  const sink = await start(target, folder, options);
  for (let n = Number(sink.restored?.positions.numbers ?? 0); n < end; ) {
    for (const stop = Math.min(end, n + every); n < stop; n++) if (!sink.write({ n })) await sink.ready;
    await sink.checkpoint({ positions: { numbers: n } });
  }
  await sink.close();
}

function copied(folder: string, name: string): string {
  const to = join(root, name);
  cpSync(folder, to, { recursive: true });
  return to; // with its lock, if it has one: a copy's lock holds nothing
}

async function numbersIn({ name }: Target): Promise<number[]> {
  const { rows } = await admin.query(`['${name}'] | sort by n asc`);
  return rows.map(([n]) => Number(n));
}

const upTo = (end: number) => Array.from({ length: end }, (_, n) => n);

for (const commitMode of ["move", "append", "tag"] as const) {
  for (const every of [100, 200])
    test(`an older copy is refused, whatever its next epoch would hold (${every} rows), ${commitMode}`, async () => {
      const target = await tableOf(`Old_${commitMode}_${every}`);
      const folder = join(root, target.name);
      await writeTo(500, target, folder, { commitMode });
      const old = copied(folder, `${target.name}-old`);
      await writeTo(1_000, target, folder, { commitMode });
      const refused = writeTo(1_500, target, old, { commitMode }, every);
      await assert.rejects(refused, {
        code: "STATE_OUTDATED",
        message:
          /^Table Old_\S+ is ahead of the state of job default: it holds epochs 6 to 10 of lineage \S+, and this state ends at epoch 5/,
      });
      await assert.rejects(writeTo(1_500, target, old, { commitMode }, every), { code: "STATE_OUTDATED" }, "again");
      assert.deepEqual(await numbersIn(target), upTo(1_000));
      await writeTo(1_500, target, folder, { commitMode });
      assert.deepEqual(await numbersIn(target), upTo(1_500));
    });

  test(`with acceptDuplicates an older copy goes on, and rows since arrive twice, none is lost, ${commitMode}`, async () => {
    const target = await tableOf(`Accepted_${commitMode}`);
    const folder = join(root, target.name);
    await writeTo(200, target, folder, { commitMode });
    const old = copied(folder, `${target.name}-old`);
    await writeTo(400, target, folder, { commitMode });
    await writeTo(600, target, old, { commitMode, acceptDuplicates: true });
    assert.deepEqual(
      await numbersIn(target),
      [...upTo(600), ...upTo(400).slice(200)].sort((a, b) => a - b),
    );
    // It is a state like any other from then on, and the other one is outdated.
    await writeTo(700, target, old, { commitMode });
    await assert.rejects(writeTo(800, target, folder, { commitMode }), {
      code: "STATE_OUTDATED",
      message: /holds epochs? .* of another state of this job/,
    });
    assert.equal((await numbersIn(target)).length, 900);
  });

  test(`a state that was given up by acceptDuplicates cannot go on beside the new one, ${commitMode}`, async () => {
    const target = await tableOf(`Given_${commitMode}`);
    const [lost, next] = [join(root, `${target.name}-1`), join(root, `${target.name}-2`)];
    await writeTo(100, target, lost, { commitMode });
    await assert.rejects(writeTo(200, target, next, { commitMode }), { code: "STATE_LOST" });
    const warnings: string[] = [];
    const onWarning = (message: unknown) => warnings.push((message as { message: string }).message);
    subscribe("millrace:epoch:warning", onWarning);
    // Left open by the process that is thought to be gone.
    const alive = await start(target, lost, { commitMode });
    await writeTo(200, target, next, { commitMode, acceptDuplicates: true });
    unsubscribe("millrace:epoch:warning", onWarning);
    assert.match(warnings.join(), /another state of job default wrote into table Given_/);
    alive.write({ n: 100 });
    if (commitMode !== "tag") {
      await alive.checkpoint({ positions: { numbers: 101 } });
      await assert.rejects(alive.committed(), { code: "STATE_FENCED" });
    }
    await alive.abort().catch(() => {});
    await assert.rejects(writeTo(200, target, lost, { commitMode }), { code: "STATE_OUTDATED" });
    await writeTo(300, target, next, { commitMode });
    assert.deepEqual(
      await numbersIn(target),
      [...upTo(300), ...upTo(100)].sort((x, y) => x - y),
    );
  });

  test(`of two copies that are used at once, one writes everything and the other ends by name, ${commitMode}`, async () => {
    const target = await tableOf(`Twins_${commitMode}`);
    const folder = join(root, target.name);
    await writeTo(300, target, folder, { commitMode });
    const clone = copied(folder, `${target.name}-clone`);
    const ends = await Promise.allSettled([
      writeTo(1_000, target, folder, { commitMode }),
      writeTo(1_000, target, clone, { commitMode }, 170),
    ]);
    for (const end of ends)
      if (end.status === "rejected")
        assert.ok(isCode(end.reason, "STATE_FENCED", "STATE_OUTDATED"), String(end.reason.stack));
    const again = await Promise.allSettled([folder, clone].map((each) => writeTo(1_200, target, each, { commitMode })));
    // Of these two, which start at once as well, one may fence the other; started alone, the newer one goes on.
    if (again.every(({ status }) => status === "rejected"))
      await writeTo(1_200, target, folder, { commitMode }).catch(() => writeTo(1_200, target, clone, { commitMode }));
    assert.deepEqual(await numbersIn(target), upTo(1_200));
  });

  test(`a checkpoint that a copy has not committed yet, and the original has, is not committed again, ${commitMode}`, async () => {
    const target = await tableOf(`Pending_${commitMode}`);
    const folder = join(root, target.name);
    await writeTo(100, target, folder, { commitMode });
    // Decided on, and never sent: its destination does not answer.
    const abort = new AbortController();
    const stalled = throughSession({ ...cluster(), commitMode }, (session) => ({
      ...session,
      stage: () => new Promise(() => {}),
    }));
    const sink = await start(target, folder, { signal: abort.signal }, stalled);
    for (let n = 100; n < 200; n++) sink.write({ n });
    await sink.checkpoint({ positions: { numbers: 200 } });
    await sink.abort().catch(() => {});
    const clone = copied(folder, `${target.name}-clone`);
    await writeTo(200, target, folder, { commitMode });
    // The copy holds epoch 2 as decided on; the target holds it, and nothing newer.
    await writeTo(300, target, clone, { commitMode });
    assert.deepEqual(await numbersIn(target), upTo(300));
    await assert.rejects(writeTo(300, target, folder, { commitMode }), { code: "STATE_OUTDATED" });
  });
}

for (const commitMode of ["move", "append"] as const)
  test(`a copy from before the original was last opened is refused while that is open, and does not disturb it, ${commitMode}`, async () => {
    const target = await tableOf(`Undisturbed_${commitMode}`);
    const folder = join(root, target.name);
    await writeTo(10, target, folder, { commitMode });
    const old = copied(folder, `${target.name}-old`);
    const sink = await start(target, folder, { commitMode });
    await assert.rejects(start(target, old, { commitMode }), {
      code: "STATE_OUTDATED",
      message: /another copy of this state was opened by another process \(staging table Undisturbed_/,
    });
    for (let n = 10; n < 20; n++) sink.write({ n });
    await sink.checkpoint({ positions: { numbers: 20 } });
    await sink.close();
    assert.deepEqual(await numbersIn(target), upTo(20));
  });

for (const commitMode of ["move", "append"] as const)
  test(`two new states of one job: the second is refused while the first is open, before any row, ${commitMode}`, async () => {
    const target = await tableOf(`New_${commitMode}`);
    const first = await start(target, join(root, `${target.name}-1`), { commitMode });
    await assert.rejects(start(target, join(root, `${target.name}-2`), { commitMode }), {
      code: "STATE_LOST",
      message: /opened by another process \(staging table New_.*\.drop table/,
    });
    for (const n of upTo(10)) first.write({ n });
    await first.checkpoint({ positions: { numbers: 10 } });
    await first.close();
    assert.deepEqual(await numbersIn(target), upTo(10));
  });

for (const isAtOnce of [false, true])
  test(`two new states of one job that opened before either committed, ${isAtOnce ? "writing at once" : "one behind the other"}, tag`, async () => {
    const target = await tableOf(`Fresh_${isAtOnce}`);
    const folders = [1, 2].map((each) => join(root, `${target.name}-${each}`));
    const sinks = await Promise.all(folders.map((folder) => start(target, folder, { commitMode: "tag" })));
    const written = sinks.map((sink) => async () => {
      for (let n = 0; n < 10; n++) sink.write({ n });
      await sink.checkpoint({ positions: { numbers: 10 } });
      await sink.close();
    });
    const ends = isAtOnce
      ? await Promise.allSettled(written.map((write) => write()))
      : [...(await Promise.allSettled([written[0]!()])), ...(await Promise.allSettled([written[1]!()]))];
    const codes = ends.flatMap((end) => (end.status === "rejected" ? [end.reason.code] : []));
    assert.deepEqual(codes, ["STATE_FENCED"]);
    assert.deepEqual(await numbersIn(target), upTo(10));
  });

for (const commitMode of ["move", "append"] as const)
  test(`of two new states that open at once, one goes on, ${commitMode}`, async () => {
    for (let turn = 0; turn < 4; turn++) {
      const target = await tableOf(`Race_${commitMode}_${turn}`);
      const ends = await Promise.allSettled(
        [1, 2].map((each) => writeTo(50, target, join(root, `${target.name}-${each}`), { commitMode })),
      );
      const codes = ends.flatMap((end) => (end.status === "rejected" ? [end.reason.code] : []));
      assert.equal(codes.length, 1, codes.join());
      assert.match(codes[0], /^STATE_(LOST|FENCED|OUTDATED)$/);
      assert.deepEqual(await numbersIn(target), upTo(50));
    }
  });

test("a process whose state was taken over says STATE_FENCED at every later call, and makes no file", async () => {
  const target = await tableOf("Fenced");
  const folder = join(root, target.name);
  const paused = await start(target, folder);
  for (let n = 0; n < 10; n++) paused.write({ n });
  await paused.checkpoint({ positions: { numbers: 10 } });
  await paused.committed();
  // As if it were paused, on a machine whose lock does not count.
  rmSync(join(folder, "lock"));
  const successor = await start(target, folder);
  const files = () => readdirSync(folder, { recursive: true }).map(String).sort();
  const before = files();
  for (let n = 10; n < 20; n++) paused.write({ n });
  for (let turn = 0; turn < 3; turn++) {
    await assert.rejects(paused.checkpoint({ positions: { numbers: 20 } }), { code: "STATE_FENCED" });
    await assert.rejects(paused.committed(), { code: "STATE_FENCED" });
    assert.throws(() => paused.write({ n: 99 }), { code: "STATE_FENCED" });
  }
  await paused.close().catch((error) => assert.equal(error.code, "STATE_FENCED"));
  assert.deepEqual(files(), before);
  for (let n = 10; n < 30; n++) successor.write({ n });
  await successor.checkpoint({ positions: { numbers: 30 } });
  await successor.close();
  assert.deepEqual(await numbersIn(target), upTo(30));
});

test("a process whose staging table another copy has dropped says STATE_FENCED, not NOT_FOUND", async () => {
  const target = await tableOf("Displaced");
  const folder = join(root, target.name);
  await writeTo(10, target, folder);
  const first = await start(target, folder);
  // A copy of the open state: its opening knows the first one's staging table, and drops it.
  const second = await start(target, copied(folder, `${target.name}-clone`));
  for (let n = 10; n < 20; n++) first.write({ n });
  await first.checkpoint({ positions: { numbers: 20 } });
  await assert.rejects(first.committed(), { code: "STATE_FENCED" });
  await assert.rejects(first.checkpoint(), { code: "STATE_FENCED" });
  await first.close().catch((error) => assert.equal(error.code, "STATE_FENCED"));
  for (let n = 10; n < 15; n++) second.write({ n });
  await second.checkpoint({ positions: { numbers: 15 } });
  await second.close();
  assert.deepEqual(await numbersIn(target), upTo(15));
});
