import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { Command } from "commander";
import fc from "fast-check";
import { commandFor, shellWord } from "../../src/cli/shell.ts";

test("a shell reads back every word", () => {
  const seed = Date.now() % 1_000_000;
  const words = fc.sample(
    fc.array(
      fc.string({ unit: "binary", minLength: 0, maxLength: 12 }).filter((word) => !word.includes("\0")),
      { maxLength: 5 },
    ),
    { numRuns: 60, seed },
  );
  for (const list of [["it's", "a b", "$(x)", "-", "", "a\nb\\c'd", "é\u202ex", "\u001b[1m"], ...words]) {
    const whole = list.map((word) => word.toWellFormed());
    const script = `printf '%s\\0' ${whole.map(shellWord).join(" ")}`;
    const out = execFileSync("bash", ["-c", script], { encoding: "utf8" });
    assert.deepEqual(whole.length === 0 ? [] : out.split("\0").slice(0, -1), whole, `seed ${seed}: ${script}`);
  }
});

test("the command has the options that were given, in full, and no query of a URL", () => {
  const program = new Command("millrace").option("--verbose");
  const ingest = new Command("ingest")
    .argument("<files...>")
    .option("--table <name>")
    .option("--json")
    .option("--tag <tag...>")
    .option("--cluster <url>")
    .option("--limit <n>", "", Number)
    .option("--left-out <n>", "", "7")
    .action(() => {});
  program.addCommand(ingest);
  const given = ["--verbose", "ingest", "in/*.csv", "--table", "It's", "--json", "--tag", "a b", "c"];
  program.parse([...given, "--limit", "5", "--cluster", "https://x.kusto.windows.net/?sig=SECRET"], { from: "user" });
  assert.equal(
    commandFor(ingest, ["in/b.csv", "-x.csv"]),
    "millrace ingest in/b.csv ./-x.csv --table 'It'\\''s' --json --tag 'a b' c --cluster https://x.kusto.windows.net/ --limit 5 --verbose",
  );
});
