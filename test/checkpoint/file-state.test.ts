import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileState, memoryState, stateOn } from "../../src/checkpoint/file-state.ts";
import { copyName, journalName } from "../../src/checkpoint/journal.ts";
import { memoryDisk } from "../../src/log/memory-disk.ts";
import { open } from "../../src/open.ts";
import { k, table } from "../../src/schema/table.ts";
import { gated } from "../gated.ts";

const never = new AbortController().signal;
let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-state-"));
});
after(() => rm(folder, { recursive: true, force: true }));

/** A process that opens the state and keeps it until it is killed. */
async function holder(state: string): Promise<ChildProcess> {
  const text = `
    import { fileState } from ${JSON.stringify(new URL("../../src/checkpoint/file-state.ts", import.meta.url).href)};
    const lease = await fileState(${JSON.stringify(state)}).open(new AbortController().signal);
    await lease.compareAndSet([{ key: "by the other", expected: 0, value: lease.generation }]);
    console.log("open");
    setInterval(() => {}, 1000);`;
  const file = `${state}.mts`;
  await writeFile(file, text);
  const child = spawn(process.execPath, ["--import", "tsx", file], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout!, "data");
  return child;
}

test("a living process keeps others out; a killed one does not, and what it wrote is there", async () => {
  const state = join(folder, "shared");
  const child = await holder(state);
  await assert.rejects(fileState(state).open(never), (error: { code: string; message: string }) => {
    assert.equal(error.code, "STATE_IN_USE");
    assert.match(error.message, new RegExp(`process ${child.pid}`));
    return true;
  });
  child.kill("SIGKILL");
  await once(child, "exit");
  const lease = await fileState(state).open(never);
  assert.equal(lease.generation, 2);
  assert.equal(lease.read().get("by the other")?.value, 1);
  await lease.close();
});

test("each opening is a generation, and the folder is for its owner only", async () => {
  const state = join(folder, "generations");
  for (const generation of [1, 2, 3]) {
    const lease = await fileState(state).open(never);
    assert.equal(lease.generation, generation);
    await lease.close();
  }
  assert.equal((await stat(state)).mode & 0o777, 0o700);
  assert.equal((await stat(join(state, journalName(3)))).mode & 0o777, 0o600);
  assert.deepEqual((await readdir(state)).sort(), [journalName(3), copyName(3), "log"], "the lock was given back");
});

test("whoever lost the lock can decide nothing more", async () => {
  const state = join(folder, "zombie");
  const zombie = await fileState(state).open(never);
  await rm(join(state, "lock")); // as an operator may, or a second machine over a shared folder
  const lease = await fileState(state).open(never);
  await assert.rejects(zombie.compareAndSet([{ key: "a", expected: 0, value: 1 }]), { code: "STATE_FENCED" });
  await zombie.close();
  await lease.compareAndSet([{ key: "a", expected: 0, value: 2 }]);
  await lease.close();
});

test("of many that open at once behind a dead holder, one has the lease", async () => {
  const state = join(folder, "race");
  const first = await fileState(state).open(never);
  await first.close();
  await writeFile(join(state, "lock"), JSON.stringify({ id: "dead", pid: 2 ** 22 + 1, began: "", boot: "", host: "" }));
  const { hostname } = await import("node:os");
  await writeFile(
    join(state, "lock"),
    JSON.stringify({ id: "dead", pid: 2 ** 22 + 1, began: "", boot: "another start of the machine", host: hostname() }),
  );
  const results = await Promise.allSettled(Array.from({ length: 12 }, () => fileState(state).open(never)));
  const opened = results.filter((result) => result.status === "fulfilled");
  assert.equal(opened.length, 1);
  for (const result of results) if (result.status === "rejected") assert.equal(result.reason.code, "STATE_IN_USE");
  await opened[0]!.value.close();
});

test("a folder that cannot be written is named", {
  skip: process.getuid?.() === 0 && "root may write anywhere",
}, async () => {
  const state = join(folder, "read-only");
  await (await fileState(state).open(never)).close();
  await chmod(state, 0o500);
  await assert.rejects(fileState(state).open(never), { code: "STATE_UNWRITABLE", message: /read-only|permission/ });
});

test("a file where the folder should be is named", async () => {
  const state = join(folder, "file");
  await writeFile(state, "");
  await assert.rejects(fileState(state).open(never), { code: "STATE_UNWRITABLE", message: new RegExp(state) });
});

test("the memory twin keeps its generations within the process", async () => {
  const state = memoryState();
  const first = await state.open(never);
  await first.compareAndSet([{ key: "a", expected: 0, value: [1] }]);
  await first.close();
  const second = await state.open(never);
  assert.equal(second.generation, 2);
  assert.deepEqual(second.read().get("a")?.value, [1]);
  await second.close();
});

test("a disk that turns read-only, or full, is told of, and loses nothing that was acknowledged", async () => {
  for (const [code, words] of [
    ["EROFS", /read-only/],
    ["ENOSPC", /the disk is full/],
  ] as const) {
    const disk = memoryDisk();
    const first = await stateOn(disk, "state").open(never);
    await first.compareAndSet([{ key: "a", expected: 0, value: "acknowledged" }]);
    disk.fail(code);
    await assert.rejects(first.compareAndSet([{ key: "b", expected: 0, value: 1 }]), {
      code: "STATE_UNWRITABLE",
      message: words,
    });
    const after = disk.powerLoss();
    after.fail(code);
    await after.remove("state/lock").catch(() => {});
    await assert.rejects(stateOn(after, "state").open(never), { code: "STATE_UNWRITABLE", message: words });
    after.fail(undefined);
    await after.remove("state/lock");
    const again = await stateOn(after, "state").open(never);
    assert.equal(again.read().get("a")?.value, "acknowledged");
    assert.equal(again.read().has("b"), false);
  }
});

test("a lock that was copied along with its folder holds nothing; the original's still does", async () => {
  const root = await mkdtemp(join(tmpdir(), "millrace-lock-"));
  try {
    const lease = await fileState(join(root, "a")).open(never);
    await cp(join(root, "a"), join(root, "b"), { recursive: true });
    const copy = await fileState(join(root, "b")).open(never);
    await assert.rejects(fileState(join(root, "a")).open(never), { code: "STATE_IN_USE" });
    await assert.rejects(fileState(join(root, "b")).open(never), { code: "STATE_IN_USE" });
    await copy.close();
    await lease.close();
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

test("a lock of another host says what to do where that host is gone", async () => {
  const root = await mkdtemp(join(tmpdir(), "millrace-lock-"));
  try {
    const other = { id: "x", pid: 1, began: "1", boot: "other", host: "pod-a" };
    await writeFile(join(root, "lock"), JSON.stringify(other));
    await assert.rejects(fileState(root).open(never), { code: "STATE_IN_USE", message: /pod-a.*remove \S+lock and/ });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

test("an opening removes batches that a killed process logged and did not decide on, and no others", async () => {
  const disk = memoryDisk();
  const events = table("Events", { n: k.int() });
  const to = gated();
  const opening = { table: events, to, parallelism: 0, batchSize: 1, batchIntervalMs: 0 } as const;
  const sink = await open({ ...opening, state: stateOn(disk, "state") });
  sink.write({ n: 1 });
  await sink.checkpoint();
  sink.write({ n: 2 });
  let before: string[] = [];
  for (let turn = 0; turn < 1_000 && before.length < 2; turn++) {
    await new Promise(setImmediate);
    before = await disk.list("state/log");
  }
  assert.equal(before.length, 2, "both batches are in the log");
  const left = disk.copy();
  await left.remove("state/lock"); // as after a restart of the machine
  await sink.abort();
  const next = await open({ ...opening, to: gated(), state: stateOn(left, "state") });
  assert.deepEqual(await left.list("state/log"), [before[0]], "the epoch that is on its way");
  await next.abort();
});
