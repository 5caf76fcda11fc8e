import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";

// The recipes of docs/bundling.md whose bundler is installed here; `npm run test:bundlers` tests all of them.

const text = readFileSync("docs/bundling.md", "utf8");
const headings = [...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title!);

test("the document's table lists its recipes", () => {
  const listed = [...text.matchAll(/^\| \[[^\]]+\]\(#([\w-]+)\)/gm)].map(([, anchor]) => anchor);
  const anchors = headings.map((title) =>
    title
      .toLowerCase()
      .replace(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  );
  assert.deepEqual(anchors, ["the-program", ...listed]);
});

test("esbuild: a program made by each recipe writes 1 000 records with a worker thread, and they land", () => {
  assert.ok(existsSync("dist/cli/main.js"), "There is no dist/: npm run build first.");
  const script = ["scripts/test-bundlers.mjs", "--linked", "--only", "esbuild"];
  const { status, stdout, stderr } = spawnSync(process.execPath, script, { encoding: "utf8" });
  assert.equal(status, 0, stdout + stderr);
  const recipes = headings.filter((title) => title.startsWith("esbuild"));
  assert.equal(recipes.length, 2);
  for (const title of recipes) assert.match(stdout, new RegExp(`^ok +${title} .*1000 rows have landed$`, "m"));
});
