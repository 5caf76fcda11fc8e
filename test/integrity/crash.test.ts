import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

// A slice of the campaign: npm run test:crash -- --trials 1000 --mode move. A trial that fails says its seed.
// Any 7 consecutive seeds make every move.
const slices = { move: 9, append: 7, tag: 7, "at-least-once": 7 } as const;
const moves = ["kill", "restore", "clone", "cut", "slow"] as const;
const seed = process.env.MILLRACE_SEED ?? "1";

for (const [mode, trials] of Object.entries(slices))
  test(`${mode}: writers that are killed lose nothing, and double nothing that is promised once`, () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [
        ...["--import", "tsx", "test/integrity/crash/main.ts"],
        ...["--trials", String(trials), "--seconds", "45", "--workers", "1", "--mode", mode, "--seed", seed, "--json"],
      ],
      { encoding: "utf8", timeout: 300_000 },
    );
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    const sum = JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
    assert.ok(sum.trials >= 2 && sum.starts > sum.trials, stdout);
    // On a slow machine the time is over before all have begun.
    if (sum.trials === trials) for (const move of moves) assert.ok(sum.moves[move] > 0, `${move}: ${stdout}`);
    assert.equal(sum.lost, 0);
    assert.equal(sum.stuck, 0);
    if (mode !== "at-least-once") assert.equal(sum.duplicated, 0);
    else assert.equal(sum.refused, 0);
  });
