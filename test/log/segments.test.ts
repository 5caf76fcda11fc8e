import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import type { SealedBatch } from "../../src/batch/sealed-batch.ts";
import type { Disk } from "../../src/log/disk.ts";
import { memoryDisk } from "../../src/log/memory-disk.ts";
import { nodeDisk } from "../../src/log/node-disk.ts";
import { readSegment, segmentLog, segmentName } from "../../src/log/segments.ts";

function batchOf(id: string, text: string): SealedBatch {
  const packed = gzipSync(text);
  return {
    id,
    table: "T",
    format: "csv",
    rows: text.split("\n").length - 1,
    rawBytes: text.length,
    parts: [packed.subarray(0, 5), packed.subarray(5)],
    packedBytes: packed.length,
    subtask: 0,
    firstRecord: 0,
    lastRecord: 1,
    sealedBy: "flush",
  };
}

const first = batchOf("a", "1\n2\n");
const second = batchOf("b", "3\n");

for (const [name, setUp] of Object.entries({
  "on the machine's disk": async () => {
    const folder = await mkdtemp(join(tmpdir(), "millrace-log-"));
    return { disk: nodeDisk as Disk, folder: join(folder, "log"), end: () => rm(folder, { recursive: true }) };
  },
  "in memory": async () => ({ disk: memoryDisk() as Disk, folder: "log", end: async () => {} }),
}))
  test(`a log ${name} gives back what it took, also to the next process`, async () => {
    const { disk, folder, end } = await setUp();
    try {
      const log = await segmentLog(disk, folder, 1);
      const [a, b] = await Promise.all([log.append(1, first), log.append(1, second)]);
      const c = await log.append(2, batchOf("c", "4\n"));
      await log.seal(1);
      await log.seal(2);
      assert.deepEqual(await log.read(a), new Uint8Array(Buffer.concat(first.parts)));
      await log.close();

      const again = await segmentLog(disk, folder, 2);
      await again.retain(new Set([segmentName(1, 1)]));
      assert.deepEqual(await again.read(b), new Uint8Array(Buffer.concat(second.parts)));
      assert.deepEqual(await disk.list(folder), [segmentName(1, 1)], "an epoch that nobody decided on is removed");
      assert.equal(again.bytes, (await disk.read(join(folder, segmentName(1, 1))))!.length);
      await assert.rejects(again.read(c), { code: "STATE_DAMAGED" });
      await again.trim(1);
      assert.deepEqual(await disk.list(folder), []);
      assert.equal(again.bytes, 0);
      await again.close();
    } finally {
      await end();
    }
  });

test("a flipped bit anywhere in a batch is found when it is read", async () => {
  const disk = memoryDisk();
  const log = await segmentLog(disk, "log", 1);
  const logged = await log.append(1, first);
  await log.seal(1);
  const path = join("log", segmentName(1, 1));
  const bytes = (await disk.read(path))!;
  for (let bit = logged.offset * 8; bit < bytes.length * 8; bit += 7) {
    const broken = memoryDisk(new Map([[path, flipped(bytes, bit)]]));
    const other = await segmentLog(broken, "log", 2);
    await assert.rejects(other.read(logged), { code: "STATE_DAMAGED" }, `bit ${bit}`);
  }
});

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
}

test("a full disk is told of as such, and the segment goes on where it was", async () => {
  const disk = memoryDisk();
  const log = await segmentLog(disk, "log", 1);
  const a = await log.append(1, first);
  disk.fail("ENOSPC");
  await assert.rejects(log.append(1, second), {
    code: "STATE_UNWRITABLE",
    retryable: true,
    message: /the disk is full/,
  });
  disk.fail(undefined);
  const b = await log.append(1, second);
  await log.seal(1);
  assert.deepEqual(await log.read(a), new Uint8Array(Buffer.concat(first.parts)));
  assert.deepEqual(await log.read(b), new Uint8Array(Buffer.concat(second.parts)));
});

test("a disk that is full before anything is written refuses all that come, and takes them afterwards", async () => {
  const disk = memoryDisk(new Map(), () => new Promise((resolve) => setImmediate(resolve)));
  const log = await segmentLog(disk, "log", 1);
  disk.fail("ENOSPC");
  const refused = await Promise.allSettled([log.append(1, first), log.append(1, second)]);
  for (const each of refused) {
    assert.equal(each.status, "rejected");
    assert.equal(each.reason.code, "STATE_UNWRITABLE");
  }
  disk.fail(undefined);
  const [a, b] = await Promise.all([log.append(1, first), log.append(1, second)]);
  await log.seal(1);
  assert.deepEqual(await log.read(a), new Uint8Array(Buffer.concat(first.parts)));
  assert.deepEqual(await log.read(b), new Uint8Array(Buffer.concat(second.parts)));
});

test("a power failure takes what was not sealed, and nothing else", async () => {
  const disk = memoryDisk();
  const log = await segmentLog(disk, "log", 1);
  const a = await log.append(1, first);
  await log.seal(1);
  const b = await log.append(2, second);
  const after = await segmentLog(disk.powerLoss(), "log", 2);
  assert.deepEqual(await after.read(a), new Uint8Array(Buffer.concat(first.parts)));
  await assert.rejects(after.read(b), { code: "STATE_DAMAGED" });
});

/** A disk whose syncs of files are counted, and may fail. */
function syncing(inner: Disk, onSync: (count: number) => void): Disk {
  let count = 0;
  return {
    ...inner,
    async open(path) {
      const file = await inner.open(path);
      return {
        get size() {
          return file.size;
        },
        append: (pieces) => file.append(pieces),
        readAt: (offset, length) => file.readAt(offset, length),
        truncate: (size) => file.truncate(size),
        async sync() {
          onSync(++count);
          await file.sync();
        },
        close: () => file.close(),
      };
    },
  };
}

const large: SealedBatch = { ...first, id: "large", parts: [new Uint8Array(5 * 1024 ** 2).fill(7)] };

test("many bytes go to the disk before the checkpoint, few with it", async () => {
  let syncs = 0;
  const log = await segmentLog(
    syncing(memoryDisk(), (count) => {
      syncs = count;
    }),
    "log",
    1,
  );
  await log.append(1, first);
  assert.equal(syncs, 0);
  await log.append(1, large);
  await new Promise(setImmediate);
  assert.equal(syncs, 1);
  await log.seal(1);
  assert.equal(syncs, 2);
});

test("a batch that is hashed in slices has the hash of its bytes in one go", async () => {
  const disk = memoryDisk();
  const log = await segmentLog(disk, "log", 1);
  const bytes = Buffer.alloc(3 * 1024 ** 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Math.imul(i, 0x9e3779b1) >>> 24;
  const cuts = [0, 1, 700_000, 700_003, 2_900_001, bytes.length];
  const parts = cuts.slice(1).map((end, i) => new Uint8Array(bytes.subarray(cuts[i], end)));
  const { sha256 } = await log.append(1, { ...large, parts, packedBytes: bytes.length });
  await log.seal(1);
  assert.equal(sha256, createHash("sha256").update(bytes).digest("hex"));
  const [found] = readSegment((await disk.read(join("log", segmentName(1, 1))))!);
  assert.ok(found?.found === "batch" && bytes.equals(found.packed));
});

test("a sync that failed ahead of the checkpoint fails it, though the next sync would succeed", async () => {
  const disk = syncing(memoryDisk(), (count) => {
    if (count === 1) throw Object.assign(new Error("EIO: as asked for"), { code: "EIO" });
  });
  const log = await segmentLog(disk, "log", 1);
  await log.append(1, large);
  await log.append(1, large);
  await assert.rejects(log.seal(1), { code: "STATE_UNWRITABLE", retryable: false });
  await assert.rejects(log.seal(1), { code: "STATE_UNWRITABLE" });
  await log.close();
});

test("a segment can be read without the journal, to its torn end", async () => {
  const folder = await mkdtemp(join(tmpdir(), "millrace-log-"));
  try {
    const log = await segmentLog(nodeDisk, folder, 1);
    await log.append(7, first);
    const b = await log.append(7, second);
    await log.seal(7);
    const path = join(folder, segmentName(7, 1));
    const whole = new Uint8Array(await readFile(path));
    assert.deepEqual(
      [...readSegment(whole)].map((each) => each.found === "batch" && each.batch.id),
      ["a", "b"],
    );
    const cut = [...readSegment(whole.subarray(0, whole.length - 3))];
    assert.deepEqual(cut.at(-1), { found: "torn", offset: b.offset });
    assert.equal((await stat(path)).mode & 0o777, 0o600, "the data is for its owner's eyes");
    await writeFile(path, "not a segment at all");
    assert.deepEqual([...readSegment(new Uint8Array(await readFile(path)))], [{ found: "damaged", offset: 0 }]);
    assert.deepEqual(await readdir(folder), [segmentName(7, 1)]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("close() removes segments that were not sealed: nothing was decided on them, and the next opening needs their room", async () => {
  const disk = memoryDisk();
  const log = await segmentLog(disk, "log", 1);
  await log.append(1, first);
  await log.append(2, second);
  await log.seal(1);
  await log.close();
  assert.deepEqual(await disk.list("log"), [segmentName(1, 1)]);
});
