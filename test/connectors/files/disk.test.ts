import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { checkTarget } from "../../../src/check.ts";
import { filesDestination, filesOn } from "../../../src/connectors/files/index.ts";
import { k, memoryState, open, type SinkOptions, table } from "../../../src/index.ts";
import type { Disk } from "../../../src/log/disk.ts";
import { nodeDisk } from "../../../src/log/node-disk.ts";
import { dataFiles, folderFor, textOf } from "./folder.ts";

// Folders that cannot be written, disks that fail, and delivery at least once.

const numbers = table("N", { n: k.int() });
const exactly = (): SinkOptions => ({ deliveryGuarantee: "exactly-once", state: memoryState() });
const quick: SinkOptions = { parallelism: 0, retryBaseMs: 1, retryMaxMs: 2, retryTimeoutMs: 10_000 };

/** Fails the calls of one act, as often as asked for. */
function failing(act: keyof Disk, code: string, times: number): Disk & { readonly left: number } {
  let left = times;
  const call = nodeDisk[act] as (...given: unknown[]) => Promise<unknown>;
  return {
    ...nodeDisk,
    get left() {
      return left;
    },
    async [act](...given: unknown[]) {
      if (left-- > 0) throw Object.assign(new Error(`${code}: as asked for`), { code });
      return call(...given);
    },
  } as Disk & { readonly left: number };
}

async function writeOne(disk: Disk, folder: string, options: SinkOptions): Promise<void> {
  const sink = await open({ table: numbers, to: filesOn(disk, folder, { header: false }), ...quick, ...options });
  sink.write({ n: 1 });
  await sink.close();
}

for (const [name, options] of [
  ["exactly once", exactly],
  ["at least once", () => ({})],
] as const) {
  for (const code of ["ENOSPC", "EDQUOT", "EIO", "EMFILE", "ENFILE"])
    for (const act of ["open", "rename", "list"] as const)
      test(`${name}: ${act} that fails with ${code} is tried again, and each row is there once`, async (t) => {
        const folder = folderFor(t);
        const disk = failing(act, code, 3);
        await writeOne(disk, folder, options());
        assert.ok(disk.left < 0, "it failed");
        assert.deepEqual(
          dataFiles(folder).map((each) => textOf(folder, each)),
          ["1\n"],
        );
      });

  for (const [code, reason] of [
    ["EACCES", /permission denied/],
    ["EROFS", /read-only/],
    ["ENOTDIR", /not a folder/],
  ] as const)
    test(`${name}: ${code} ends the sink at once, with path and reason`, async (t) => {
      const folder = folderFor(t);
      const disk = failing("rename", code, 1_000);
      await assert.rejects(writeOne(disk, folder, options()), (error: Error & { code: string }) => {
        assert.equal(error.code, "TARGET_UNWRITABLE");
        assert.ok(error.message.includes(folder), error.message);
        assert.match(error.message, reason);
        return true;
      });
      assert.equal(disk.left, 999, "it was tried once");
    });

  test(`${name}: a disk that stays full is an error that says so`, async (t) => {
    const folder = folderFor(t);
    await assert.rejects(writeOne(failing("open", "ENOSPC", 1e9), folder, { ...options(), retryTimeoutMs: 200 }), {
      code: "TARGET_UNWRITABLE",
      message: /the disk is full/,
    });
  });

  test(`${name}: a folder that is none is refused at the opening, by its name`, async (t) => {
    const folder = folderFor(t);
    const file = join(folder, "file");
    writeFileSync(file, "");
    const dangling = join(folder, "dangling");
    symlinkSync(join(folder, "nowhere"), dangling);
    const circle = join(folder, "circle");
    symlinkSync(circle, circle);
    for (const each of [file, join(file, "below"), dangling, circle, "/proc/millrace-nothing"]) {
      const opening = open({ table: numbers, to: filesDestination(each), ...quick, ...options(), retryTimeoutMs: 200 });
      await assert.rejects(opening, (error: Error & { code: string }) => {
        assert.equal(error.code, "TARGET_UNWRITABLE", each);
        assert.ok(error.message.includes(each), error.message);
        return true;
      });
    }
    assert.equal(existsSync(join(folder, "nowhere")), false);
  });
}

test("at least once: a file for each batch, by the batch's name, and no hidden file is left", async (t) => {
  const folder = folderFor(t);
  const to = filesDestination(folder, { compression: "none", header: false });
  const sink = await open({ table: numbers, to, parallelism: 0, batchSize: 2 });
  for (let n = 0; n < 5; n++) sink.write({ n });
  await sink.close();
  const files = dataFiles(folder);
  assert.equal(files.length, 3);
  for (const name of files) assert.match(name, /^N-[0-9a-f]{8}-[0-9a-f-]{27}\.csv$/);
  assert.deepEqual(files.flatMap((name) => textOf(folder, name).trim().split("\n")).sort(), ["0", "1", "2", "3", "4"]);
  const [own] = readdirSync(join(folder, ".millrace"));
  assert.deepEqual(readdirSync(join(folder, ".millrace", own!, "parts")), []);
});

test("at least once: a batch whose draft was removed is written again, and a rename is not repeated", async (t) => {
  const folder = folderFor(t);
  let removed = 0;
  const disk: Disk = {
    ...nodeDisk,
    async syncFolder(path) {
      await nodeDisk.syncFolder(path);
      if (!/parts.[0-9a-f-]{36}-/.test(path) || removed++ > 0) return;
      for (const name of readdirSync(path)) await nodeDisk.remove(join(path, name));
    },
  };
  await writeOne(disk, folder, {});
  assert.ok(removed > 1);
  assert.deepEqual(
    dataFiles(folder).map((each) => textOf(folder, each)),
    ["1\n"],
  );
});

test("readableBy gives files and folders to the owner, the group or all, as far as the umask allows", async (t) => {
  if (process.platform === "win32") return t.skip("no modes there");
  const before = process.umask(0o022);
  t.after(() => process.umask(before));
  for (const [readableBy, file, folder] of [
    [undefined, 0o600, 0o700],
    ["group", 0o640, 0o750],
    ["all", 0o644, 0o755],
  ] as const) {
    const target = join(folderFor(t), "data");
    const to = filesDestination(target, { readableBy, partitionBy: ["n"] });
    const sink = await open({ table: numbers, to, ...quick, ...exactly() });
    sink.write({ n: 1 });
    await sink.close();
    const [name] = dataFiles(target);
    const modes = [name!, "n=1", "."].map((each) => statSync(join(target, each)).mode & 0o777);
    assert.deepEqual(modes, [file, folder, folder]);
  }
});

test("a sink's check looks whether the folder can be written, and whether partitionBy fits the table", async (t) => {
  const folder = folderFor(t);
  const target = join(folder, "data");
  const good = await checkTarget({ table: numbers, to: filesDestination(target, { partitionBy: ["n"] }) });
  assert.deepEqual(
    good.items.map(({ name, status }) => [name, status]),
    [
      ["folder", "ok"],
      ["partitions", "ok"],
    ],
  );
  assert.deepEqual(dataFiles(target), []);
  assert.deepEqual(readdirSync(join(target, ".millrace")), []);
  writeFileSync(join(folder, "file"), "");
  const bad = await checkTarget({ table: numbers, to: filesDestination(join(folder, "file"), { partitionBy: ["m"] }) });
  assert.equal(bad.isReady, false);
  assert.deepEqual(
    bad.items.map(({ status, code }) => [status, code]),
    [
      ["failed", "TARGET_UNWRITABLE"],
      ["failed", "BAD_OPTION"],
    ],
  );
  mkdirSync(join(folder, "again"));
  const sink = await open({ table: numbers, to: filesDestination(join(folder, "again")), check: true });
  await sink.close();
});
