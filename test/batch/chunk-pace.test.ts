import assert from "node:assert/strict";
import { test } from "node:test";
import { chunkPace } from "../../src/batch/chunk-pace.ts";

function settled(mostRows: number, msPerRow: number): number[] {
  const pace = chunkPace(mostRows);
  const seen: number[] = [];
  for (let chunk = 0; chunk < 40; chunk++) {
    pace.took(pace.rows, pace.rows * msPerRow);
    seen.push(pace.rows);
  }
  return seen.slice(-20);
}

test("chunks that are cheap to hand over stay whole", () => {
  assert.deepEqual(new Set(settled(256, 0.0001)), new Set([256]));
});

test("chunks of costly rows are cut to what does not hold the event loop, and stay there", () => {
  for (const msPerRow of [0.01, 0.03, 0.1]) {
    const rows = new Set(settled(256, msPerRow));
    assert.equal(rows.size, 1, "it does not go back and forth");
    for (const one of rows) assert.ok(one * msPerRow <= 2 && one * msPerRow > 0.6, `${one} rows of ${msPerRow} ms`);
  }
});

test("they are never cut to nothing, and grow again", () => {
  assert.ok(settled(256, 1_000).every((rows) => rows === 8));
  assert.ok(settled(3, 1_000).every((rows) => rows === 3));
  const pace = chunkPace(256);
  for (let i = 0; i < 10; i++) pace.took(pace.rows, 50);
  assert.equal(pace.rows, 8);
  pace.took(3, 0.01);
  assert.equal(pace.rows, 8, "a part of a chunk says nothing of a whole one");
  for (let i = 0; i < 10; i++) pace.took(pace.rows, 0.01);
  assert.equal(pace.rows, 256);
});
