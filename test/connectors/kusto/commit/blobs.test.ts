import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import type { EpochHandle, PreparedEpoch } from "../../../../src/checkpoint/epoch.ts";
import { attemptBlob, blobsOf } from "../../../../src/connectors/kusto/commit/blobs.ts";
import { crc32 } from "../../../../src/encode/crc32.ts";
import { gzipMember } from "../../../../src/encode/gzip-member.ts";
import { jsSegment } from "../../../../src/encode/js-segment.ts";
import type { LoggedBatch } from "../../../../src/log/write-ahead-log.ts";

function epochOf(batches: readonly (readonly [rows: number, rawBytes: number])[]): PreparedEpoch {
  const logged = batches.map(([rows, rawBytes], at) => ({ id: `b${at}`, rows, rawBytes }) as LoggedBatch);
  return { epoch: 1, records: 0, batches: logged, preparedAt: 0 };
}

function namesIn(blobs: ReturnType<typeof blobsOf>): string[][] {
  return blobs.map(({ batches }) => batches.map(({ id }) => id));
}

const row = (at: number) => ({ row: at, reason: "" });

test("small batches share a blob up to its size, in their order; a large one has its own", () => {
  const epoch = epochOf([
    [1, 40],
    [2, 60],
    [3, 1],
    [4, 500],
    [5, 10],
  ]);
  const blobs = blobsOf(epoch, {}, "t/1", 100);
  assert.deepEqual(namesIn(blobs), [["b0", "b1"], ["b2"], ["b3"], ["b4"]]);
  assert.deepEqual(
    blobs.map(({ rows }) => rows),
    [3, 3, 4, 5],
  );
  assert.deepEqual(
    blobs.map(({ tag }) => tag),
    ["t/1/0", "t/1/1", "t/1/2", "t/1/3"],
  );
  assert.equal(new Set(blobs.map(({ id }) => id)).size, 4);
  assert.notEqual(blobsOf(epoch, {}, "t/2", 100)[0]!.id, blobs[0]!.id, "each attempt has ids of its own");
});

test("a batch that has lost rows goes alone, and one that has lost all not at all", () => {
  const epoch = epochOf([
    [2, 10],
    [2, 10],
    [1, 10],
    [2, 10],
    [2, 10],
  ]);
  const blobs = blobsOf(epoch, { b1: [row(0)], b2: [row(0)] }, "t/2", 100);
  assert.deepEqual(namesIn(blobs), [["b0"], ["b1"], ["b3", "b4"]]);
  assert.deepEqual(
    blobs.map(({ rows }) => rows),
    [2, 1, 4],
  );
});

test("a blob of several batches says of itself what it holds", async () => {
  const texts = ["1\n2\n", "3\n", "4\n5\n6\n"];
  const packed = new Map<string, Uint8Array>();
  let next = 10;
  const batches = texts.map((text, at) => {
    const raw = Buffer.from(text);
    const rows = text.length / 2;
    const parts: Uint8Array<ArrayBuffer>[] = [];
    const segment = jsSegment(1, (piece) => parts.push(new Uint8Array(piece)));
    segment.push(raw);
    segment.end();
    const member = gzipMember();
    member.add({ rows, rawBytes: raw.length, crc: crc32(0, raw), parts });
    packed.set(`b${at}`, Buffer.concat(member.end().parts));
    const firstRecord = next;
    next += rows;
    return { id: `b${at}`, rows, rawBytes: raw.length, firstRecord, lastRecord: next - 1 } as LoggedBatch;
  });
  const epoch = { refused: {}, read: async ({ id }) => packed.get(id)! } as Partial<EpochHandle> as EpochHandle;
  const { id, rows, rawBytes, packedBytes, firstRecord, lastRecord, parts } = await attemptBlob(epoch, {
    id: "blob",
    batches,
  });
  const whole = Buffer.concat(parts);
  assert.equal(gunzipSync(whole).toString(), texts.join(""));
  assert.deepEqual(
    { id, rows, rawBytes, packedBytes, firstRecord, lastRecord },
    { id: "blob", rows: 6, rawBytes: 12, packedBytes: whole.length, firstRecord: 10, lastRecord: 15 },
  );
});
