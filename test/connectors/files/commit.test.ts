import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { claimChain } from "../../../src/connectors/files/claims.ts";
import { filesDestination, filesOn } from "../../../src/connectors/files/index.ts";
import type { FilesDestinationOptions } from "../../../src/connectors/files/options.ts";
import { fileState, k, memoryState, open, type SinkOptions, table } from "../../../src/index.ts";
import type { Disk } from "../../../src/log/disk.ts";
import { memoryDisk } from "../../../src/log/memory-disk.ts";
import { nodeDisk } from "../../../src/log/node-disk.ts";
import { until } from "../../gated.ts";
import { dataFiles, folderFor, textOf } from "./folder.ts";

// How epochs become files: each once, whoever commits it and however often.

const numbers = table("N", { n: k.int() });
const plain: FilesDestinationOptions = { compression: "none", header: false };

function start(to: ReturnType<typeof filesOn>, state: string | undefined, options: SinkOptions = {}) {
  return open({
    table: numbers,
    to,
    deliveryGuarantee: "exactly-once",
    state: state === undefined ? memoryState() : fileState(state),
    parallelism: 0,
    retryBaseMs: 1,
    retryMaxMs: 2,
    retryTimeoutMs: 100,
    ...options,
  });
}

function rowsIn(...folders: string[]): number[] {
  return folders
    .flatMap((folder) => dataFiles(folder).flatMap((name) => textOf(folder, name).split("\n")))
    .filter((row) => row !== "" && row !== "n")
    .map(Number)
    .sort((a, b) => a - b);
}

const upTo = (end: number) => Array.from({ length: end }, (_, n) => n);

/** A disk that fails for good once the act is met, as that of a process that was killed. */
function endingAt(disk: Disk, isEnd: (act: string, path: string) => boolean): Disk {
  let isDead = false;
  const entries = Object.entries(disk).map(([act, call]: [string, (...given: unknown[]) => Promise<unknown>]) => [
    act,
    async (...given: unknown[]) => {
      isDead ||= isEnd(act, String(given[0]));
      if (isDead) throw Object.assign(new Error("killed"), { code: "EACCES" });
      return call.apply(disk, given);
    },
  ]);
  return Object.fromEntries(entries);
}

async function writeSome(to: ReturnType<typeof filesOn>, state: string, values: readonly number[]): Promise<unknown> {
  const sink = await start(to, state, { batchSize: 2 });
  for (const n of values) sink.write({ n });
  try {
    await sink.checkpoint({ positions: { source: values.length } });
    await sink.close();
    return undefined;
  } catch (error) {
    return error;
  }
}

test("an epoch that was cut short between two files is finished by the claim, whatever the options are now", async (t) => {
  const folder = folderFor(t);
  const state = join(folderFor(t), "state");
  let renames = 0;
  const disk = endingAt(nodeDisk, (act) => act === "rename" && ++renames > 2);
  assert.ok(await writeSome(filesOn(disk, folder, { ...plain, maxFileRows: 2 }), state, upTo(10)));
  assert.deepEqual(rowsIn(folder), [0, 1, 2, 3]);
  const sink = await start(filesDestination(folder, { partitionBy: ["n"] }), state);
  await sink.close();
  assert.deepEqual(rowsIn(folder), upTo(10));
  assert.equal(dataFiles(folder).length, 5);
});

test("a file that was taken away at once does not come back", async (t) => {
  const folder = folderFor(t);
  const taken = folderFor(t);
  const state = join(folderFor(t), "state");
  let renames = 0;
  const disk = endingAt(nodeDisk, (act) => act === "rename" && ++renames > 2);
  assert.ok(await writeSome(filesOn(disk, folder, { ...plain, maxFileRows: 2 }), state, upTo(10)));
  for (const name of dataFiles(folder)) renameSync(join(folder, name), join(taken, name));
  await (await start(filesDestination(folder, plain), state)).close();
  assert.equal(dataFiles(taken).length, 2);
  assert.equal(dataFiles(folder).length, 3);
  assert.deepEqual(rowsIn(folder, taken), upTo(10));
});

test("a consumer may remove the folder of a partition while files come into it", async (t) => {
  const folder = folderFor(t);
  const taken: number[] = [];
  const tried = new Set<string>();
  const disk: Disk = {
    ...nodeDisk,
    async rename(from, to) {
      // Between the making of the folder and the rename, once for each; and behind it.
      if (!tried.has(to)) rmSync(join(to, ".."), { recursive: true });
      tried.add(to);
      await nodeDisk.rename(from, to);
      taken.push(...readFileSync(to, "utf8").split("\n").filter(Boolean).map(Number));
      rmSync(join(to, ".."), { recursive: true });
    },
  };
  const sink = await start(filesOn(disk, folder, { ...plain, partitionBy: ["n"] }), undefined);
  for (const n of upTo(6)) sink.write({ n });
  await sink.close();
  assert.deepEqual(taken.sort(), upTo(6));
});

test("nothing is visible before the claim, and nothing hidden is left behind a commit but the claim", async (t) => {
  const folder = folderFor(t);
  const seen: string[][] = [];
  const disk: Disk = {
    ...nodeDisk,
    async createNew(path, content) {
      seen.push(dataFiles(folder));
      return nodeDisk.createNew(path, content);
    },
  };
  const sink = await start(filesOn(disk, folder, plain), undefined);
  sink.write({ n: 1 });
  await sink.close();
  assert.deepEqual(seen, [[]]);
  assert.equal(dataFiles(folder).length, 1);
  const hidden = readdirSync(join(folder, ".millrace"), { recursive: true, encoding: "utf8" });
  assert.deepEqual(
    hidden.map((name) => basename(name)).filter((name) => !/^(N-default-[0-9a-f]{12}|claims|parts)$/.test(name)),
    ["claim-000000001.json"],
  );
});

test("drafts of a killed process are removed with the commit, and those of other jobs are left", async (t) => {
  const folder = folderFor(t);
  const state = join(folderFor(t), "state");
  const disk = endingAt(nodeDisk, (act) => act === "createNew");
  assert.ok(await writeSome(filesOn(disk, folder, plain), state, upTo(4)));
  const [job] = readdirSync(join(folder, ".millrace"));
  const parts = join(folder, ".millrace", job!, "parts");
  assert.equal(readdirSync(parts).length, 1);
  mkdirSync(join(parts, "ffffffffffff-e1-aaaaaaaaaaaa-bb"));
  await (await start(filesDestination(folder, plain), state)).close();
  assert.deepEqual(readdirSync(parts), ["ffffffffffff-e1-aaaaaaaaaaaa-bb"]);
  assert.deepEqual(rowsIn(folder), upTo(4));
});

test("two jobs, and names that differ in letter case or odd characters only, share a folder", async (t) => {
  const folder = folderFor(t);
  const names = ["Events", "events", "E/vents", "E_vents", "CON", "..", "_hidden", "é", "x".repeat(200)];
  const jobs = ["nightly", "Nightly", "../../escape"];
  for (const name of names)
    for (const job of jobs) {
      const sink = await open({
        table: table(name, { n: k.int() }),
        to: filesDestination(folder, plain),
        deliveryGuarantee: "exactly-once",
        state: memoryState(),
        job,
        parallelism: 0,
      });
      sink.write({ n: 1 });
      await sink.close();
    }
  const files = dataFiles(folder);
  assert.equal(files.length, names.length * jobs.length);
  assert.equal(new Set(files.map((name) => name.toLowerCase())).size, files.length);
  for (const name of files) assert.match(name, /^[A-Za-z0-9][A-Za-z0-9_]{0,59}-[A-Za-z0-9_]+-[0-9a-f]{12}-e1-0\.csv$/);
  const hidden = readdirSync(join(folder, ".millrace"));
  assert.equal(new Set(hidden.map((name) => name.toLowerCase())).size, files.length);
});

test("a second state of the job is refused, and goes on beside the first where duplicates are accepted", async (t) => {
  const folder = folderFor(t);
  const [first, second] = [join(folderFor(t), "first"), join(folderFor(t), "second")];
  await writeSome(filesDestination(folder, plain), first, [0, 1]);
  await assert.rejects(start(filesDestination(folder, plain), second), { code: "STATE_LOST" });
  const sink = await start(filesDestination(folder, plain), second, { acceptDuplicates: true });
  sink.write({ n: 2 });
  await sink.close();
  assert.deepEqual(rowsIn(folder), upTo(3));
  await assert.rejects(start(filesDestination(folder, plain), first), { code: "STATE_OUTDATED" });
});

test("an old copy of a state is refused, also one whose epochs have the numbers of the newest", async (t) => {
  const folder = folderFor(t);
  const states = folderFor(t);
  const [state, copy] = [join(states, "state"), join(states, "copy")];
  await writeSome(filesDestination(folder, plain), state, [0]);
  cpSync(state, copy, { recursive: true });
  await writeSome(filesDestination(folder, plain), state, [1]);
  await assert.rejects(start(filesDestination(folder, plain), copy), { code: "STATE_OUTDATED" });
  await writeSome(filesDestination(folder, plain), state, [2]);
  assert.deepEqual(rowsIn(folder), upTo(3));
});

test("of two copies that are open at once, one gets its epoch in and the other ends with STATE_FENCED", async (t) => {
  const folder = folderFor(t);
  const states = folderFor(t);
  const [state, copy] = [join(states, "state"), join(states, "copy")];
  await writeSome(filesDestination(folder, plain), state, [0]);
  cpSync(state, copy, { recursive: true });
  const one = await start(filesDestination(folder, plain), state);
  const other = await start(filesDestination(folder, plain), copy);
  one.write({ n: 1 });
  await one.checkpoint({ positions: { source: 2 } });
  await until(() => rowsIn(folder).length === 2, "the first epoch is committed");
  other.write({ n: 99 });
  await assert.rejects(
    (async () => {
      await other.checkpoint({ positions: { source: 2 } });
      await other.close();
    })(),
    { code: "STATE_FENCED" },
  );
  await one.close();
  assert.deepEqual(rowsIn(folder), [0, 1]);
});

test("old claims are removed, and the newest hundred tell all that is asked", async (t) => {
  const folder = folderFor(t);
  const states = folderFor(t);
  const [state, copy] = [join(states, "state"), join(states, "copy")];
  const sink = await start(filesDestination(folder, plain), state, { maxPendingEpochs: 1_000 });
  for (const n of upTo(130)) {
    sink.write({ n });
    await sink.checkpoint({ positions: { source: n } });
    if (n === 5) cpSync(state, copy, { recursive: true });
  }
  await sink.close();
  assert.deepEqual(rowsIn(folder), upTo(130));
  const [job] = readdirSync(join(folder, ".millrace"));
  const claims = readdirSync(join(folder, ".millrace", job!, "claims"));
  assert.deepEqual([claims.length, claims.sort()[0]], [100, "claim-000000031.json"]);
  rmSync(join(copy, "lock"), { force: true });
  await assert.rejects(start(filesDestination(folder, plain), copy), { code: "STATE_OUTDATED" });
});

test("a claim that cannot be read, or that leads out of the folder, is refused by its path, and nothing is changed", async () => {
  const disk = memoryDisk();
  const chain = claimChain(disk, "claims", "N", 100);
  const sound = { format: 1, token: "a", after: null, table: "N", job: "j.1", epoch: 1, identity: "l.d", files: [] };
  for (const wrong of [
    "not json",
    "null",
    JSON.stringify({ ...sound, format: 2 }),
    JSON.stringify({ ...sound, table: "M" }),
    JSON.stringify({ ...sound, files: [{ temporary: "d/0.part", name: "../../etc/passwd" }] }),
    JSON.stringify({ ...sound, files: [{ temporary: "/etc/passwd", name: "x" }] }),
  ]) {
    await disk.remove("claims/claim-000000001.json");
    await disk.createNew("claims/claim-000000001.json", Buffer.from(wrong));
    await assert.rejects(chain.read(), { code: "STATE_DAMAGED", message: /^claims\/claim-000000001\.json / }, wrong);
  }
});

test("a sink that is aborted while its disk hangs ends at once", async (t) => {
  const folder = folderFor(t);
  const controller = new AbortController();
  let isHanging = false;
  const disk: Disk = {
    ...nodeDisk,
    createNew() {
      isHanging = true;
      return new Promise(() => {});
    },
  };
  const sink = await start(filesOn(disk, folder, plain), undefined, { signal: controller.signal });
  sink.write({ n: 1 });
  const closing = sink.close();
  closing.catch(() => {});
  await until(() => isHanging, "the claim hangs");
  controller.abort();
  await assert.rejects(closing, { code: "ABORTED" });
});
