import assert from "node:assert/strict";
import { test } from "node:test";
import { stateRules } from "../../src/testing/state-contract.ts";
import { sectionOf, tablesOf } from "../manual/documents.ts";

test("docs/testing.md has each rule of a state backend, and no other", () => {
  const [rules] = tablesOf(sectionOf("docs/testing.md", "## Rules of a state backend"));
  assert.deepEqual(
    rules!.rows.map(([name]) => name),
    stateRules.map(({ name }) => name),
  );
});
