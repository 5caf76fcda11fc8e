import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Disk } from "../../src/log/disk.ts";
import { memoryDisk } from "../../src/log/memory-disk.ts";
import { nodeDisk } from "../../src/log/node-disk.ts";

// The memory twin lists and removes as the machine's own file system does.

async function course(disk: Disk, root: string): Promise<unknown[]> {
  const seen: unknown[] = [];
  const code = (act: Promise<unknown>) =>
    act.then(
      () => "done",
      (error) => error.code,
    );
  await disk.makeFolder(join(root, "a", "b"));
  await disk.createNew(join(root, "a", "b", "deep"), Buffer.from("x"));
  await disk.createNew(join(root, "a", "file"), Buffer.from("x"));
  seen.push(
    (await disk.list(root)).sort(),
    (await disk.list(join(root, "a"))).sort(),
    await disk.list(join(root, "c")),
  );
  seen.push(await code(disk.removeFolder(join(root, "a", "b"))));
  await disk.remove(join(root, "a", "b", "deep"));
  seen.push(await code(disk.removeFolder(join(root, "a", "b"))), await disk.list(join(root, "a")));
  seen.push(await code(disk.removeFolder(join(root, "never"))));
  return seen;
}

test("folders are listed and removed alike in memory and on the disk", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "millrace-disk-"));
  t.after(() => rmSync(root, { recursive: true }));
  const seen = await course(nodeDisk, root);
  assert.deepEqual(seen, [["a"], ["b", "file"], [], "ENOTEMPTY", "done", ["file"], "done"]);
  assert.deepEqual(await course(memoryDisk(), "root"), seen);
});
