import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseSubtask, chunkGoal, untilDue } from "../../src/batch/policy.ts";
import type { SubtaskPort } from "../../src/batch/subtask-port.ts";

function at(index: number, outstanding: number): SubtaskPort {
  return { index, outstanding } as SubtaskPort;
}

test("the first idle subtask gets the chunk, so that a trickle fills one batch", () => {
  assert.equal(chooseSubtask([at(0, 0), at(1, 0)]).index, 0);
  assert.equal(chooseSubtask([at(0, 1), at(1, 0), at(2, 0)]).index, 1);
});

test("with all busy, the least busy gets it", () => {
  assert.equal(chooseSubtask([at(0, 3), at(1, 2), at(2, 2)]).index, 1);
});

test("a chunk is cut where the open batch becomes full, and where the batches behind it do", () => {
  assert.equal(chunkGoal(256, 1_000, 768), 232);
  assert.equal(chunkGoal(256, 1_000, 0), 256);
  assert.equal(chunkGoal(256, 10, 0), 10);
  assert.equal(chunkGoal(256, 1_000, 1_000), 256);
  assert.equal(chunkGoal(256, 1_000, 2_900), 100);
});

test("what is in a raw chunk is not known, so the chunk behind it is a whole one", () => {
  assert.equal(chunkGoal(256, 1_000, undefined), 256);
  assert.equal(chunkGoal(256, 10, undefined), 10);
});

test("the oldest record decides when something is due", () => {
  assert.equal(untilDue([undefined, 100, 50], 30, 60), 20);
  assert.equal(untilDue([10], 30, 60), 0);
  assert.equal(untilDue([undefined], 30, 60), undefined);
  assert.equal(untilDue([], 30, 60), undefined);
});
