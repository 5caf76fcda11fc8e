import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Emulator } from "../../../src/emulator/emulator.ts";
import type { KustoAdmin } from "../../../src/index.ts";
import { seeded } from "../model/service.ts";
import { type ChildPlan, type Ill, ills, type KillPoint, killPoints } from "./points.ts";

export interface CrashTrial {
  readonly seed: number;
  readonly mode: ChildPlan["mode"];
  readonly kills: readonly KillPoint[];
  readonly ill: Ill;
  readonly starts: number;
  readonly lost: number[];
  readonly duplicated: number[];
  /** Records that the dead letter has. */
  readonly letters: number;
  /** Why the trial did not come to its end, with the last words of the child. */
  readonly stuck: string | undefined;
}

export interface CrashBench {
  readonly emulator: Emulator;
  readonly admin: KustoAdmin;
  /** The child, bundled. */
  readonly program: string;
  /** A folder for states and sources. */
  readonly folder: string;
  readonly database: string;
}

const mostStarts = 12;
/**
 * Of the target, one a start. A process whose target is altered between staging and commit fails, and the next one makes its staging anew:
 * were every start met by one, no process on a slow machine would come to its first commit.
 */
const mostAlterations = 4;
/** A start that takes longer hangs. */
const startTimeoutSeconds = 60;
/** Rows that hold this word are refused by the service, where the ill says so. */
export const poison = "POISON";

/**
 * One trial: a writer is killed up to three times, at points drawn by the seed, while one ill befalls it; then it runs to its
 * end, and the rows of the table are compared with the source.
 */
export async function crashTrial(bench: CrashBench, seed: number, mode: ChildPlan["mode"]): Promise<CrashTrial> {
  const random = seeded(seed * 7919 + 17);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const points = Object.keys(killPoints) as KillPoint[];
  // Every point has its turn, and the later kills are drawn.
  const first = points[seed % points.length]!;
  const kills: KillPoint[] = [first, ...Array.from({ length: Math.floor(random() * 3) }, () => pick(points))];
  const allowed = (Object.keys(ills) as Ill[]).filter((ill) => fits(ill, mode));
  const ill = random() < 0.4 ? "nothing else" : pick(allowed);

  const name = `crash_${mode.replaceAll("-", "_")}_${seed}`;
  const folder = join(bench.folder, name);
  const total = await writeSource(folder, random, ill);
  await bench.admin.execute(`.create table ${name} (id:long, text:string)`);
  const plan: ChildPlan = {
    cluster: bench.emulator.url,
    database: bench.database,
    table: name,
    state: join(folder, "state"),
    job: "crash",
    source: join(folder, "source"),
    deadLetter: join(folder, "refused.ndjson"),
    mode,
    parallelism: 1,
    // Each batch a blob, or some of them, or all of an epoch.
    blobBytesLimit: pick([1, 1_000, 1_000_000]),
    kill: undefined,
    fullDisk: ill === "the disk is full for a while" ? 3 : 0,
  };
  let starts = 0;
  let stuck: string | undefined;
  try {
    for (const point of [...kills, undefined]) {
      const kill = point && { point, nth: 1 + Math.floor(random() * 3), afterMs: 300 + random() * 1_200 };
      befall(bench, ill, name, random);
      const parallelism = ill === "the next start has other subtasks" ? starts % 3 : 1;
      let ended: "killed" | "done" | string = "killed";
      // A kill that is not reached ends the trial early; a last start that fails is tried again.
      for (let again = 0; again < mostStarts; again++) {
        starts++;
        const altering =
          ill === "the target gets another column" &&
          starts <= mostAlterations &&
          alterSoon(bench, name, starts, random);
        ended = await life(
          bench.program,
          { ...plan, parallelism, kill },
          ill === "a zombie wakes up" && starts === 1,
          random,
        );
        await altering;
        if (ended === "killed" || ended === "done") break;
        await pause(100);
      }
      if (ended !== "killed" && ended !== "done") stuck = ended;
      if (ended !== "killed") break;
    }
  } finally {
    bench.emulator.faults.clear();
  }
  const { lost, duplicated, letters } = await compare(bench, name, total, plan.deadLetter);
  if (!stuck && lost.length + duplicated.length === 0) await rm(folder, { recursive: true });
  await bench.admin.execute(`.drop table ${name} ifexists`);
  return { seed, mode, kills, ill, starts, lost, duplicated, letters, stuck };
}

function fits(ill: Ill, mode: ChildPlan["mode"]): boolean {
  // The service loads a blob twice in spite of its own check: mode "tag" is as good as that check.
  if (ill === "blobs are loaded twice") return mode !== "tag";
  if (ill === "the answer of a move is lost") return mode === "move";
  // Without staging a batch that the service refuses fails the sink, as documented.
  if (ill === "the service refuses some rows") return mode !== "at-least-once";
  return ill !== "the target gets another column" || (mode !== "tag" && mode !== "at-least-once");
}

async function writeSource(folder: string, random: () => number, ill: Ill): Promise<number> {
  const source = join(folder, "source");
  await mkdir(source, { recursive: true });
  let id = 0;
  // Some ten batches of 20: more of them would make a trial longer, and no point nearer.
  for (let file = 0; file < 4; file++) {
    const lines = Array.from({ length: 20 + Math.floor(random() * 50) }, () => {
      const isPoison = ill === "the service refuses some rows" && random() < 0.01;
      return JSON.stringify({ id: id++, text: isPoison ? `${poison} ${id}` : `text, "${id}"` });
    });
    await writeFile(join(source, `part-${file}.ndjson`), `${lines.join("\n")}\n`);
  }
  return id;
}

/** Some requests of the next life fail, as the ill has it. */
function befall({ emulator: { faults } }: CrashBench, ill: Ill, table: string, random: () => number): void {
  const some = 1 + Math.floor(random() * 3);
  faults.clear();
  switch (ill) {
    case "queue posts lose their answers":
      faults.reset("queue", "after", { requests: some });
      break;
    case "commands lose their answers":
      faults.reset("mgmt", "after", { requests: some * 3 });
      break;
    case "connections break":
      faults.reset("blob", "before", { requests: some });
      faults.reset("mgmt", "before", { requests: some });
      break;
    case "the service is throttled":
      faults.answer("mgmt", 429, { requests: some, retryAfterSeconds: 0 });
      faults.answer("blob", 503, { requests: some });
      break;
    case "SAS expire":
      faults.expireSas({ place: "blob", requests: some });
      faults.expireSas({ place: "queue", requests: some });
      break;
    case "the answer of a move is lost":
      faults.play({ faults: [{ do: "reset", at: "mgmt", when: "after", command: ".move extents", times: some }] });
      break;
    case "blobs are loaded twice":
      faults.play({ faults: [{ do: "load-twice", table, times: some }] });
      break;
    case "messages come out of order":
      faults.play({ faults: [{ do: "deliver-out-of-order", table, messages: some + 1 }] });
      break;
    case "messages are delivered twice":
      faults.deliverTwice({ messages: some, table });
      break;
    case "messages are delivered twice, late":
      faults.deliverTwice({ messages: some, delayMs: 1_500, table });
      break;
    case "messages are lost":
      faults.loseMessages({ messages: some, table });
      break;
    case "the service refuses some rows":
      faults.refuseRows({ containing: poison });
      break;
    default:
  }
}

/** Another column in the midst of a life: staging has the columns of before, and its move is refused. */
async function alterSoon({ admin }: CrashBench, table: string, start: number, random: () => number): Promise<void> {
  await pause(600 + random() * 900);
  await admin.execute(`.alter-merge table ${table} (more${start}:string)`).catch(() => {}); // a fault may strike this, too
}

/** One process from its start to its end: "killed", "done", or what it said when it failed. */
async function life(program: string, plan: ChildPlan, isZombie: boolean, random: () => number): Promise<string> {
  const child = start(program, plan);
  if (isZombie) return zombieLife(program, plan, child, random);
  return ending(child);
}

/** Paused in the midst, replaced by another that takes its lock away, and woken up again. */
async function zombieLife(program: string, plan: ChildPlan, child: Started, random: () => number): Promise<string> {
  await Promise.race([pause(500 + random() * 1_000), ending(child)]);
  if (child.process.exitCode !== null || child.process.signalCode !== null) return ending(child);
  child.process.kill("SIGSTOP");
  await rm(join(plan.state, "lock"), { force: true });
  const next = start(program, { ...plan, kill: undefined });
  await Promise.race([pause(200 + random() * 1_500), ending(next)]);
  child.process.kill("SIGCONT");
  const [, ended] = await Promise.all([ending(child), ending(next)]);
  return ended;
}

interface Started {
  readonly process: ChildProcess;
  readonly words: { text: string };
  readonly ended: Promise<unknown>;
}

function start(program: string, plan: ChildPlan): Started {
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, MILLRACE_CRASH_PLAN: JSON.stringify(plan), NODE_OPTIONS: "" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  // A kit that is ended itself leaves nobody behind.
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  child.once("exit", () => process.off("exit", end));
  const words = { text: "" };
  child.stderr!.on("data", (data) => {
    words.text = `${words.text}${data}`.slice(-2_000);
  });
  return { process: child, words, ended: once(child, "exit") };
}

async function ending({ process: child, words, ended }: Started): Promise<string> {
  // Seconds of this process's own: a virtual machine that is put to sleep has every child late by the clock.
  let seconds = 0;
  const timer = setInterval(() => {
    if (++seconds === startTimeoutSeconds) child.kill("SIGKILL");
  }, 1_000);
  await ended;
  clearInterval(timer);
  if (seconds >= startTimeoutSeconds) return `it hung. ${words.text}`;
  if (child.signalCode === "SIGKILL") return "killed";
  return child.exitCode === 0 ? "done" : `exit ${child.exitCode ?? child.signalCode}: ${words.text}`;
}

async function compare({ admin }: CrashBench, table: string, total: number, deadLetter: string) {
  const counts = new Map<number, number>();
  const { rows } = await admin.query(`${table} | summarize n = count() by id`);
  for (const [id, n] of rows) counts.set(Number(id), Number(n));
  const letters = await lettersIn(deadLetter);
  const ids = Array.from({ length: total }, (_, id) => id);
  return {
    lost: ids.filter((id) => !counts.has(id) && !letters.has(id)),
    duplicated: ids.filter((id) => (counts.get(id) ?? 0) > 1 || (counts.has(id) && letters.has(id))),
    letters: letters.size,
  };
}

/** The ids in the originals, which are CSV rows as they were sent. */
async function lettersIn(path: string): Promise<Set<number>> {
  try {
    const lines = (await readFile(path, "utf8")).split("\n").filter((line) => line !== "");
    return new Set(lines.map((line) => Number.parseInt((JSON.parse(line) as { original: string }).original, 10)));
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return new Set();
    throw error;
  }
}
