import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommitMode } from "../../src/connectors/kusto/ingestion-options.ts";
import { filesTarget } from "./model/files-target.ts";
import { kustoTarget } from "./model/kusto-target.ts";
import { trial } from "./model/trial.ts";

/** The whole campaign is `npm run test:model -- --trials 10000`; a failing trial is run again by its seed. */
const trials = 150;
const firstSeed = Number(process.env.MILLRACE_SEED ?? 1);

const modes = ["move", "append", "tag"] as const satisfies CommitMode[];
const targets = [...modes.map((mode) => [mode, kustoTarget(mode)] as const), ["files", filesTarget] as const];

for (const [name, target] of targets)
  test(`${name}: every record is committed once, whatever is killed, delayed, repeated or lost`, async () => {
    const seen = { starts: 0, powerLosses: 0, zombies: 0, refused: 0 };
    for (let seed = firstSeed; seed < firstSeed + trials; seed++) {
      const { lost, duplicated, ...rest } = await trial(seed, target);
      assert.deepEqual({ seed, lost, duplicated }, { seed, lost: [], duplicated: [] });
      for (const what of Object.keys(seen) as (keyof typeof seen)[]) seen[what] += rest[what];
    }
    // The ills did happen.
    assert.ok(seen.starts > trials * 1.5, `${seen.starts} starts`);
    for (const what of ["powerLosses", "zombies", "refused"] as const)
      assert.ok(seen[what] > 10, `${seen[what]} ${what}`);
  });
