import { fork } from "node:child_process";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { startCrashBench } from "./bench.ts";
import { type ChildPlan, killPoints } from "./points.ts";
import { type CrashTrial, crashTrial } from "./trial.ts";

const help = `npm run test:crash -- [options]
  --trials N   default 100
  --seed S     of the first trial; the others count on from it. Default 1
  --mode M     move (default), append, tag or at-least-once
  --seconds N  no trial begins after so many seconds
  --workers N  emulators side by side. Default 2
  --json       only the last line
A trial that fails is run again by: --trials 1 --seed ITS --mode M`;

const { values } = parseArgs({
  options: {
    trials: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    mode: { type: "string", default: "move" },
    seconds: { type: "string", default: "1000000" },
    workers: { type: "string", default: "2" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const mode = values.mode as ChildPlan["mode"];
const trials = Number(values.trials);
const firstSeed = Number(values.seed);
const workers = Math.max(1, Math.min(Number(values.workers), trials));

if (values.help) console.log(help);
else if (process.send) await asWorker();
else await asParent();

/** Runs the seeds that the parent names, one after another. */
async function asWorker(): Promise<void> {
  const bench = await startCrashBench();
  process.send!({ ready: true });
  process.once("disconnect", () => process.exit()); // The parent is gone, by its own will or not.
  process.on("message", async (message: { seed?: number }) => {
    if (message.seed === undefined) {
      await bench.close();
      process.disconnect();
      return;
    }
    process.send!({ trial: await crashTrial(bench, message.seed, mode) });
  });
}

async function asParent(): Promise<void> {
  const started = performance.now();
  const points: Record<string, number> = {};
  for (const point of Object.keys(killPoints)) points[point] = 0;
  const sum = { trials: 0, lost: 0, duplicated: 0, stuck: 0, starts: 0, letters: 0 };
  const illsSeen: Record<string, number> = {};
  let next = firstSeed;

  function take(): number | undefined {
    if (next >= firstSeed + trials || performance.now() - started > Number(values.seconds) * 1_000) return undefined;
    return next++;
  }

  function count(trial: CrashTrial): void {
    sum.trials++;
    sum.lost += trial.lost.length;
    sum.duplicated += trial.duplicated.length;
    sum.starts += trial.starts;
    sum.letters += trial.letters;
    for (const point of trial.kills) points[point]!++;
    illsSeen[trial.ill] = (illsSeen[trial.ill] ?? 0) + 1;
    const isDuplicateAllowed = mode === "at-least-once";
    const isBad = trial.lost.length > 0 || (trial.duplicated.length > 0 && !isDuplicateAllowed) || trial.stuck;
    if (trial.stuck) sum.stuck++;
    if (isBad) {
      process.exitCode = 1;
      console.error(`\nseed ${trial.seed}: ${JSON.stringify(trial)}`);
    }
    if (process.stderr.isTTY && !values.json)
      process.stderr.write(
        `\r${sum.trials}/${trials} trials, ${sum.starts} starts, lost ${sum.lost}, duplicated ${sum.duplicated} `,
      );
  }

  await Promise.all(
    Array.from({ length: workers }, async () => {
      const worker = fork(process.argv[1]!, process.argv.slice(2), { execArgv: process.execArgv });
      worker.on("message", (message: { ready?: boolean; trial?: CrashTrial }) => {
        if (message.trial) count(message.trial);
        worker.send({ seed: take() });
      });
      const [code] = await once(worker, "exit");
      if (code !== 0) {
        process.exitCode = 1;
        console.error(`a worker ended with ${code}`);
      }
    }),
  );
  if (process.stderr.isTTY && !values.json) process.stderr.write("\n");
  const seconds = Math.round((performance.now() - started) / 1_000);
  console.log(JSON.stringify({ mode, seed: firstSeed, ...sum, seconds, ills: illsSeen, points }));
}
