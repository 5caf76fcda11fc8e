import { fork } from "node:child_process";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { startCrashBench } from "./bench.ts";
import { isPossible, moves, movesOf } from "./moves.ts";
import { type ChildPlan, destinations, modes, pointsOf } from "./points.ts";
import { rangesOf } from "./target-rows.ts";
import { type CrashTrial, crashTrial } from "./trial.ts";

const help = `npm run test:crash -- [options]
  --trials N   default 100
  --seed S     of the first trial; the others count on from it. Default 1
  --destination D  kusto (default): the emulator; files: a folder
  --mode M     kusto: move (default), append, tag or at-least-once; files: exactly-once (default) or at-least-once
  --move NAME  only trials with this move: kill, restore, clone, cut or slow. A folder is not cut and not slow: these turns
               are trials without a move but kills, and count as 0
  --seconds N  no trial begins after so many seconds
  --workers N  emulators, or writers of files, side by side. Default 2
  --json       only the last line
A trial that fails is run again by: --trials 1 --seed ITS --destination D --mode M`;

const { values } = parseArgs({
  options: {
    trials: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    destination: { type: "string", default: "kusto" },
    mode: { type: "string" },
    move: { type: "string" },
    seconds: { type: "string", default: "1000000" },
    workers: { type: "string", default: "2" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const destination = chosen("--destination", values.destination, destinations);
const mode = chosen<ChildPlan["mode"]>("--mode", values.mode ?? modes[destination][0], modes[destination]);
const possible = moves.filter((each) => isPossible(each, destination));
const move = values.move === undefined ? undefined : chosen("--move", values.move, possible);
const trials = Number(values.trials);
const firstSeed = Number(values.seed);
const workers = Math.max(1, Math.min(Number(values.workers), trials));

if (values.help) console.log(help);
else if (process.send) await asWorker();
else await asParent();

function chosen<T extends string>(option: string, value: string, from: readonly T[]): T {
  if ((from as readonly string[]).includes(value)) return value as T;
  console.error(`${option} ${value}: it is one of ${from.join(", ")}.`);
  process.exit(2);
}

/** Runs the seeds that the parent names, one after another. */
async function asWorker(): Promise<void> {
  const bench = await startCrashBench(destination);
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
  for (const point of pointsOf(destination)) points[point] = 0;
  const sum = { trials: 0, lost: 0, duplicated: 0, stuck: 0, refused: 0, starts: 0, letters: 0 };
  const made: Record<string, number> = {};
  for (const each of moves) made[each] = 0;
  const refusals: Record<string, number> = {};
  const illsSeen: Record<string, number> = {};
  const illsMet: Record<string, number> = {};
  let next = firstSeed;
  let taken = 0;

  function take(): number | undefined {
    if (taken >= trials || performance.now() - started > Number(values.seconds) * 1_000) return undefined;
    taken++;
    while (move !== undefined && !movesOf(next, destination).has(move)) next++;
    return next++;
  }

  function count(trial: CrashTrial): void {
    sum.trials++;
    sum.lost += trial.lost.length;
    sum.duplicated += trial.duplicated.length;
    sum.starts += trial.starts;
    sum.letters += trial.letters;
    if (trial.refusals.length > 0) sum.refused++;
    for (const code of trial.refusals) add(refusals, code);
    for (const each of trial.moves) add(made, each);
    for (const point of trial.kills) add(points, point);
    add(illsSeen, trial.ill);
    if (trial.isIllMet) add(illsMet, trial.ill);
    const isDuplicateAllowed = mode === "at-least-once";
    const isBad = trial.lost.length > 0 || (trial.duplicated.length > 0 && !isDuplicateAllowed) || trial.stuck;
    if (trial.stuck) sum.stuck++;
    if (isBad) {
      process.exitCode = 1;
      console.error(
        `\nseed ${trial.seed}: ${JSON.stringify({ ...trial, lost: rangesOf(trial.lost), duplicated: rangesOf(trial.duplicated) })}\nTo repeat it: npm run test:crash -- --trials 1 --seed ${trial.seed} --destination ${destination} --mode ${mode}`,
      );
    }
    if (process.stderr.isTTY && !values.json)
      process.stderr.write(
        `\r${sum.trials}/${trials} trials, ${sum.starts} starts, lost ${sum.lost}, duplicated ${sum.duplicated}, stuck ${sum.stuck}, refused ${sum.refused} `,
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
  console.log(
    JSON.stringify({
      destination,
      mode,
      seed: firstSeed,
      ...sum,
      moves: made,
      refusals,
      seconds,
      ills: illsSeen,
      illsMet,
      points,
    }),
  );
}

function add(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
