import assert from "node:assert/strict";
import { test } from "node:test";
import { destinationRules } from "../../src/testing/destination-contract.ts";
import { sourceRules } from "../../src/testing/source-contract.ts";
import { stateRules } from "../../src/testing/state-contract.ts";
import { sectionOf, tablesOf } from "../manual/documents.ts";

const contracts = {
  "## A source": sourceRules,
  "## A destination": destinationRules,
  "## A state backend": stateRules,
};

for (const [heading, rules] of Object.entries(contracts))
  test(`docs/testing.md has each rule under "${heading}", and no other`, () => {
    const table = tablesOf(sectionOf("docs/testing.md", heading)).at(-1)!;
    assert.deepEqual(
      table.rows.map(([name]) => name),
      rules.map(({ name }) => name),
    );
  });
