import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseSubtask, chunkGoal, untilDue } from "../../src/batch/policy.ts";
import type { SubtaskPort } from "../../src/batch/subtask-port.ts";

function at(index: number, outstanding: number, openRows = 0): SubtaskPort {
  return { index, outstanding, openRows } as SubtaskPort;
}

test("the first idle subtask gets the chunk, so that a trickle fills one batch", () => {
  assert.equal(chooseSubtask([at(0, 0), at(1, 0)]).index, 0);
  assert.equal(chooseSubtask([at(0, 1), at(1, 0), at(2, 0)]).index, 1);
});

test("with all busy, the least busy gets it", () => {
  assert.equal(chooseSubtask([at(0, 3), at(1, 2), at(2, 2)]).index, 1);
});

test("a chunk is cut where the open batch of an idle subtask becomes full", () => {
  assert.equal(chunkGoal(256, 1_000, at(0, 0, 768)), 232);
  assert.equal(chunkGoal(256, 1_000, at(0, 0, 0)), 256);
  assert.equal(chunkGoal(256, 10, at(0, 0, 0)), 10);
});

test("what a busy subtask has open is not known, so the chunk is a whole one", () => {
  assert.equal(chunkGoal(256, 1_000, at(0, 1, 768)), 256);
});

test("a chunk has at least one row", () => {
  assert.equal(chunkGoal(256, 10, at(0, 0, 10)), 1);
});

test("the oldest record decides when something is due", () => {
  assert.equal(untilDue([undefined, 100, 50], 30, 60), 20);
  assert.equal(untilDue([10], 30, 60), 0);
  assert.equal(untilDue([undefined], 30, 60), undefined);
  assert.equal(untilDue([], 30, 60), undefined);
});
