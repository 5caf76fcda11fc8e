// Runs the test files named on the command line, or all of them: test/**/*.test.ts under node:test, TypeScript through
// tsx. (Node 20 has no globs in --test.)
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";

const files =
  process.argv.length > 2
    ? process.argv.slice(2)
    : readdirSync("test", { recursive: true })
        .filter((name) => name.endsWith(".test.ts"))
        .map((name) => `test/${name}`)
        .sort();
const run = spawnSync(
  process.execPath,
  ["--import", "tsx", "--test", "--test-concurrency=2", "--test-reporter=spec", ...files],
  { stdio: "inherit" },
);
process.exit(run.status ?? 1);
