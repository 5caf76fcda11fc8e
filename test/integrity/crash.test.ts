import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { movesOf } from "./crash/moves.ts";

// A slice of the campaign: npm run test:crash -- --trials 1000 --mode move. A trial that fails says its seed.
// From seed 7 on four trials make all moves.
const slices = [
  { destination: "kusto", mode: "move", trials: 9 },
  { destination: "kusto", mode: "append", trials: 5 },
  { destination: "kusto", mode: "tag", trials: 5 },
  { destination: "kusto", mode: "at-least-once", trials: 5 },
  { destination: "files", mode: "exactly-once", trials: 7 },
  { destination: "files", mode: "at-least-once", trials: 3 },
] as const;
const seed = process.env.MILLRACE_SEED ?? "7";

for (const { destination, mode, trials } of slices)
  test(`${destination}, ${mode}: writers that are killed lose nothing, and double nothing that is promised once`, () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [
        ...["--import", "tsx", "test/integrity/crash/main.ts"],
        ...["--trials", String(trials), "--seconds", "45", "--workers", "1", "--seed", seed, "--json"],
        ...["--destination", destination, "--mode", mode],
      ],
      { encoding: "utf8", timeout: 300_000 },
    );
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    const sum = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
    assert.ok(sum.trials >= 2 && sum.starts > sum.trials, stdout);
    assert.equal(sum.lost, 0);
    assert.equal(sum.stuck, 0);
    if (mode !== "at-least-once") assert.equal(sum.duplicated, 0);
    else assert.equal(sum.refused, 0);
    // On a slow machine the time is over before all have begun.
    if (sum.trials < trials) return;
    const planned = Array.from({ length: trials }, (_, n) => [...movesOf(Number(seed) + n, destination)]).flat();
    for (const move of planned) assert.ok(sum.moves[move] > 0, `${move}: ${stdout}`);
  });
