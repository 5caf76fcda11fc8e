import assert from "node:assert/strict";
import { test } from "node:test";
import type { SubtaskSegment } from "../../src/batch/job.ts";
import { type SubtaskPlan, subtask } from "../../src/batch/subtask.ts";
import { jsEncoder } from "../../src/encode/js-encoder.ts";
import { k, table } from "../../src/schema/table.ts";
import { rawChunkOf } from "../encode/raw-chunks.ts";

const numbers = table("Numbers", { n: k.int() });
const plan: SubtaskPlan = {
  table: "Numbers",
  format: "csv",
  maxRows: 2,
  index: 0,
  hasOwnBatch: true,
  segmentBytes: 1_000,
};

function start(own: Partial<SubtaskPlan> = {}) {
  const whole = { ...plan, ...own };
  const segments: SubtaskSegment[] = [];
  const encoder = jsEncoder(numbers, "csv", { maxRows: whole.maxRows, maxBytes: 1_000 });
  return { work: subtask(whole, encoder, (segment) => segments.push(segment)), segments };
}

const nothingFound = { rows: 0, refused: [] };

test("each segment says how far it reaches, and the rest of a job is not done before it is cut", () => {
  const { work, segments } = start();
  const rawChunk = rawChunkOf("1\n2\n3\n4\n5\n");
  const tally = work.encode({ number: 0, from: 0, openedAt: 0, rawChunk, tally: nothingFound });
  assert.equal(tally!.rows, 5);
  assert.deepEqual(
    segments.map(({ rows, done, isFull }) => [rows, done.number, done.from, done.tally?.rows, isFull]),
    [
      [2, 0, 4, 2, "records"],
      [2, 0, 8, 4, "records"],
    ],
  );
  assert.deepEqual(work.done, segments[1]!.done);
  work.cut();
  assert.deepEqual(work.done, { number: 1, from: 0 });
  assert.equal(segments.length, 3);
});

test("one that takes over in the middle of a job never answers that it has come less far", () => {
  const { work } = start({ maxRows: 100 });
  const tally = { rows: 2, refused: [] };
  assert.equal(work.encode({ number: 0, from: 4, openedAt: 0, rawChunk: rawChunkOf("1\n2\n3\n"), tally })!.rows, 3);
  assert.deepEqual(work.done, { number: 0, from: 4, tally });
});

test("a segment ends by its bytes and by the number of its jobs, and a batch of several subtasks ends elsewhere", () => {
  for (const [hasOwnBatch, segmentBytes, rows, jobs] of [
    [true, 4, "1\n2\n", 3],
    [false, 4, "1\n2\n", 3],
    [true, 1_000, "", 40],
  ] as const) {
    const { work, segments } = start({ maxRows: 100, hasOwnBatch, segmentBytes });
    for (let number = 0; number < jobs; number++)
      work.encode({ number, from: 0, openedAt: 0, rawChunk: rawChunkOf(rows || "7\n"), tally: nothingFound });
    assert.equal(segments.length, rows ? jobs : 1);
    assert.ok(segments.every(({ isFull }) => isFull === undefined));
  }
});
