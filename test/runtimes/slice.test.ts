import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, test } from "node:test";
import { cases } from "./cases.ts";
import { type Suite, startSuite } from "./suite.ts";

// The list that `npm run test:runtimes` runs everywhere, under the Node at hand: on the built package, as users have it.

let suite: Suite;
before(async () => {
  assert.ok(existsSync("dist/index.js"), "There is no dist/: npm run build first.");
  suite = await startSuite();
});
after(() => suite?.close());

test("every case passes under this Node", async () => {
  const { version, results } = await suite.run({ name: "node", command: [process.execPath] });
  assert.equal(version, process.versions.node);
  assert.deepEqual(
    results.filter(({ outcome }) => outcome !== "passed"),
    [],
  );
  assert.deepEqual(
    results.map((result) => result.case),
    cases.map(({ name }) => name),
  );
});

test("a case that fails, and a process that ends before its time, are told of", async () => {
  const { results } = await suite.run({ name: "node-broken", command: [process.execPath, "--no-such-option"] });
  assert.deepEqual(
    results.map(({ outcome }) => outcome),
    ["failed"],
  );
});
