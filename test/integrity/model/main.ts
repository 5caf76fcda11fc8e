import { parseArgs } from "node:util";
import type { CommitMode } from "../../../src/connectors/kusto/ingestion-options.ts";
import { filesTarget } from "./files-target.ts";
import { kustoTarget } from "./kusto-target.ts";
import { trial } from "./trial.ts";

// npm run test:model -- [--trials N] [--seed S] [--mode move|append|tag] [--destination kusto|files] [--until-violation]
const { values } = parseArgs({
  options: {
    trials: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
    mode: { type: "string", default: "move" },
    destination: { type: "string", default: "kusto" },
    "until-violation": { type: "boolean", default: false },
  },
});

const isFiles = values.destination === "files";
const target = isFiles ? filesTarget : kustoTarget(values.mode as CommitMode);
const about = isFiles ? "destination files" : `mode ${values.mode}`;

const total = {
  trials: 0,
  lost: 0,
  duplicated: 0,
  starts: 0,
  powerLosses: 0,
  zombies: 0,
  refused: 0,
  restores: 0,
  clones: 0,
  outdated: 0,
};
for (let seed = Number(values.seed); total.trials < Number(values.trials); seed++) {
  let found: string | undefined;
  try {
    const result = await trial(seed, target);
    total.lost += result.lost.length;
    total.duplicated += result.duplicated.length;
    total.starts += result.starts;
    total.powerLosses += result.powerLosses;
    total.zombies += result.zombies;
    total.refused += result.refused;
    total.restores += result.restores;
    total.clones += result.clones;
    total.outdated += result.outdated;
    if (result.lost.length + result.duplicated.length > 0)
      found = `lost ${result.lost.join(" ")}; duplicated ${result.duplicated.join(" ")}`;
  } catch (error) {
    found = error instanceof Error ? error.message : String(error);
  }
  total.trials++;
  if (!found) continue;
  console.log(`violation: seed ${seed}, ${about}: ${found}`);
  process.exitCode = 1;
  if (values["until-violation"]) break;
}
console.log(JSON.stringify(total));
