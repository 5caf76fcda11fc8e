import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { PlayedScenario } from "../../../src/emulator/faults.ts";
import type { FilesDestinationOptions } from "../../../src/index.ts";
import { start as startCuttingProxy } from "../../connectors/kusto/cutting-proxy.ts";
import { seeded } from "../model/service.ts";
import { faultsOf, fits, type Ill, ills, poison } from "./ills.ts";
import { type Move, movesOf, randomCuts, slowAttemptTimeoutMs, slowFaults } from "./moves.ts";
import { type ChildPlan, type CrashDestination, type KillPoint, pointsOf } from "./points.ts";
import type { CrashService } from "./service.ts";
import { copyState, headOf, moveToOtherMachine, type StateHead, snapshotState } from "./state-copy.ts";
import { compared, lettersOf, rangesOf } from "./target-rows.ts";
import { type Ended, endBehindZombie, endOf, isRunning, startWriter, type Writer } from "./writer.ts";

export interface CrashTrial {
  readonly seed: number;
  readonly mode: ChildPlan["mode"];
  readonly kills: readonly KillPoint[];
  readonly ill: Ill;
  /** The emulator's faults for the ill met a request or a message. */
  readonly isIllMet: boolean;
  /** Those that were made: a writer that ends early escapes some that were planned. */
  readonly moves: readonly Move[];
  /** The codes with which writers were refused, in trials that put old copies in their way. */
  readonly refusals: readonly string[];
  readonly starts: number;
  readonly lost: number[];
  readonly duplicated: number[];
  /** Records that the dead letter has. */
  readonly letters: number;
  /** Why the trial did not come to its end, with the last words of the child. */
  readonly stuck: string | undefined;
}

export interface CrashBench {
  readonly destination: CrashDestination;
  readonly service: CrashService;
  /** The child, bundled. */
  readonly program: string;
  /** A folder for states and sources. */
  readonly folder: string;
}

const mostStarts = 12;
/**
 * Of the target, one a start. A process whose target is altered between staging and commit fails, and the next one makes its staging anew:
 * were every start met by one, no process on a slow machine would come to its first commit.
 */
const mostAlterations = 4;

/** What a machine has of its own. */
interface Machine {
  readonly state: string;
  readonly deadLetter: string;
}

/** A trial under way. */
interface Running {
  readonly bench: CrashBench;
  readonly plan: ChildPlan;
  readonly ill: Ill;
  readonly planned: ReadonlySet<Move>;
  readonly made: Set<Move>;
  readonly refusals: string[];
  readonly machines: Machine[];
  readonly random: () => number;
  /** Draws of the moves, apart from those of kills and ills. */
  readonly moveRandom: () => number;
  /** By what has struck they tell whether an ill or a move was met. */
  readonly played: { readonly of: "ill" | "slow"; readonly scene: PlayedScenario }[];
  starts: number;
}

/**
 * One trial: a writer is killed up to three times, at points drawn by the seed, while one ill befalls it and some of the
 * moves are made; then it runs to its end, and the rows of the table are compared with the source.
 */
export async function crashTrial(bench: CrashBench, seed: number, mode: ChildPlan["mode"]): Promise<CrashTrial> {
  const random = seeded(seed * 7919 + 17);
  const moveRandom = seeded(seed * 15_485_863 + 3);
  const { destination, service } = bench;
  const points = pointsOf(destination);
  // Every point has its turn, and the later kills are drawn.
  const first = points[seed % points.length]!;
  const kills: KillPoint[] = [first, ...Array.from({ length: Math.floor(random() * 3) }, () => pick(points, random))];
  const allowed = (Object.keys(ills) as Ill[]).filter((ill) => fits(ill, { destination, mode }));
  const ill = random() < 0.4 ? "nothing else" : pick(allowed, random);
  const planned = movesOf(seed, destination);

  const name = `crash_${destination === "files" ? "files_" : ""}${mode.replaceAll("-", "_")}_${seed}`;
  const folder = join(bench.folder, name);
  // With a longer source there are checkpoints behind an old copy, and two writers are at work at the same time.
  const isLong = planned.has("restore") || planned.has("clone");
  const total = await writeSource(folder, random, ill, isLong ? 8 : 4, destination);
  await service.create(name);
  const machine: Machine = { state: join(folder, "state"), deadLetter: join(folder, "refused.ndjson") };
  const proxy = planned.has("cut")
    ? await startCuttingProxy({ target: service.url, cut: randomCuts(moveRandom), seed })
    : undefined;
  const running: Running = {
    bench,
    plan: {
      destination,
      into: join(folder, "data"),
      // An epoch on its way keeps the format of its batches.
      format: destination === "files" && seed % 3 === 0 ? "ndjson" : "csv",
      layout: { header: seed % 2 === 0 },
      cluster: proxy?.url ?? service.url,
      database: service.database,
      table: name,
      ...machine,
      job: "crash",
      source: join(folder, "source"),
      mode,
      parallelism: 1,
      sliceMs: isLong ? pick([40, 80, 150], moveRandom) : 10,
      attemptTimeoutMs: planned.has("slow") ? slowAttemptTimeoutMs : 4_000,
      // Each batch a blob, or some of them, or all of an epoch.
      blobBytesLimit: pick([1, 1_000, 1_000_000], random),
      kill: undefined,
      fullDisk: ill === "the disk is full for a while" ? 3 : 0,
    },
    ill,
    planned,
    made: new Set(),
    refusals: [],
    machines: [machine],
    random,
    moveRandom,
    played: [],
    starts: 0,
  };
  let ended: Ended;
  try {
    ended = await allLegs(running, machine, kills);
  } finally {
    bench.service.clearFaults();
    await proxy?.close();
  }
  const stuck = ended.how === "refused" || ended.how === "failed" ? ended.why : undefined;
  if (proxy && proxy.damaged.size > 0) running.made.add("cut");
  if (isMet(running, "slow")) running.made.add("slow");
  const { lost, duplicated, letters } = await compare(running, total);
  const isDuplicateAllowed = mode === "at-least-once";
  if (!stuck && lost.length === 0 && (duplicated.length === 0 || isDuplicateAllowed))
    await rm(folder, { recursive: true });
  await service.drop(name);
  return {
    seed,
    mode,
    kills,
    ill,
    isIllMet: isMet(running, "ill"),
    moves: [...running.made],
    refusals: running.refusals,
    starts: running.starts,
    lost,
    duplicated,
    letters: letters.size,
    stuck,
  };
}

function pick<T>(from: readonly T[], random: () => number): T {
  return from[Math.floor(random() * from.length)]!;
}

function isMet({ played }: Running, of: "ill" | "slow"): boolean {
  return played.some((each) => each.of === of && each.scene.struck.some((times) => times > 0));
}

async function compare({ bench, plan, machines }: Running, total: number) {
  const letters = await lettersOf(machines.map(({ deadLetter }) => deadLetter));
  return { ...compared(await bench.service.counts(plan), letters, total), letters };
}

async function writeSource(
  folder: string,
  random: () => number,
  ill: Ill,
  files: number,
  destination: CrashDestination,
): Promise<number> {
  const source = join(folder, "source");
  await mkdir(source, { recursive: true });
  let id = 0;
  // Some ten batches of 20: more of them would make a trial longer, and no point nearer.
  for (let file = 0; file < files; file++) {
    const lines = Array.from({ length: 20 + Math.floor(random() * 50) }, () => {
      const isPoison = ill === "the service refuses some rows" && random() < 0.01;
      const shelf = destination === "files" ? { shelf: `shelf ${id % 3}` } : {};
      return JSON.stringify({ id: id++, text: isPoison ? `${poison} ${id}` : `text, "${id}"`, ...shelf });
    });
    await writeFile(join(source, `part-${file}.ndjson`), `${lines.join("\n")}\n`);
  }
  return id;
}

/** The writer from kill to kill, and to its end. A kill that is not reached ends the trial early. */
async function allLegs(running: Running, machine: Machine, kills: readonly KillPoint[]): Promise<Ended> {
  const { planned, moveRandom } = running;
  const isSnapshot = moveRandom() < 0.5;
  // A copy of a dead writer's state needs one that was killed.
  const cloneAt = planned.has("clone") ? (isSnapshot ? 0 : 1) : undefined;
  // Late more often than early: the older the copy, the more was committed behind it.
  const restoreAt = planned.has("restore") ? 1 + Math.floor(Math.sqrt(moveRandom()) * (kills.length + 1)) : undefined;
  const copies: string[] = [];
  let at = machine;
  let ended: Ended = { how: "killed" };
  for (const [leg, point] of [...kills, undefined].entries()) {
    if (leg === restoreAt && copies.length > 0)
      return withRestored(running, at, copies, [point, ...kills.slice(leg + 1)]);
    if (leg === cloneAt) ({ ended, survivor: at } = await withClone(running, at, point, isSnapshot));
    else {
      const onStart = leg === 0 && planned.has("restore") ? snapshotInto(running, at, copies) : undefined;
      ended = await oneLeg(running, at, point, onStart);
    }
    if (ended.how === "done" && cloneAt === leg + 1)
      ({ ended, survivor: at } = await withClone(running, at, undefined, false));
    if (ended.how !== "killed") break;
    if (planned.has("restore")) await keepCopy(at, copies);
  }
  if (restoreAt === undefined || ended.how !== "done") return ended;
  // The writer was done before a copy was taken: one that is not behind, which must go on.
  if (copies.length === 0) await keepCopy(at, copies);
  return withRestored(running, at, copies, [pick(pointsOf(running.bench.destination), moveRandom)]);
}

async function keepCopy({ state }: Machine, copies: string[]): Promise<void> {
  const copy = `${state}-copy-${copies.length}`;
  if (await copyState(state, copy)) copies.push(copy);
}

/** A random moment behind the first checkpoint of a state, or the end of its writer. */
async function midLife({ moveRandom }: Running, { state }: Machine, { process: child, ended }: Writer): Promise<void> {
  const restMs = moveRandom() * 600;
  while (isRunning(child) && !((await headOf(state))?.epoch ?? 0)) await pause(20);
  await Promise.race([pause(restMs), ended]);
}

/** Takes a copy in the midst of the life of a process. */
function snapshotInto(running: Running, machine: Machine, copies: string[]) {
  const { state } = machine;
  return async (writer: Writer) => {
    await midLife(running, machine, writer);
    const copy = `${state}-copy-${copies.length}`;
    if (await snapshotState(writer, state, copy)) copies.push(copy);
  };
}

/**
 * Puts an old copy in the place of the state and goes on. A writer that is refused must have changed nothing, and must be
 * able to go on with the newest copy.
 */
async function withRestored(
  running: Running,
  at: Machine,
  copies: readonly string[],
  kills: readonly (KillPoint | undefined)[],
): Promise<Ended> {
  const { bench, plan, made, moveRandom, refusals } = running;
  bench.service.clearFaults();
  const newest = `${at.state}-newest`;
  await copyState(at.state, newest);
  const newestHead = (await headOf(newest))!;
  const before = await bench.service.counts(plan);
  const copy = pick(copies, moveRandom);
  const copyHead = (await headOf(copy))!;
  await copyState(copy, at.state);
  made.add("restore");
  for (const point of [...kills.filter((kill) => kill !== undefined), undefined]) {
    let ended = await oneLeg(running, at, point);
    // Mode `tag` has no staging table to drop: a blob of the later state may land after the opening, and its epoch is met at the commit.
    if (plan.mode === "tag" && ended.how === "refused" && ended.code === "STATE_FENCED")
      ended = await oneLeg(running, at, undefined);
    if (ended.how === "killed") continue;
    if (ended.how !== "refused" || !mayRefuse(ended.code, plan, copyHead)) return ended;
    refusals.push(ended.code);
    bench.service.clearFaults();
    const letters = await lettersOf(running.machines.map(({ deadLetter }) => deadLetter));
    const after = await bench.service.counts(plan);
    const wrong =
      refusalFault(before, after, letters, newestHead) ??
      unfounded(after, await bench.service.newestEpoch(plan), plan, newestHead, copyHead);
    if (wrong) return { how: "failed", why: `${ended.code}, and ${wrong}` };
    await copyState(newest, at.state);
    return oneLeg(running, at, undefined);
  }
  throw new Error("a leg without a kill ends otherwise than killed");
}

/** At least once goes on from any copy: its promise allows what is then doubled. A copy that knows no epoch is as a lost state. */
function mayRefuse(code: string, { mode }: ChildPlan, copy: StateHead): boolean {
  if (mode === "at-least-once") return false;
  return code === "STATE_OUTDATED" || (code === "STATE_LOST" && copy.epoch === 0);
}

/** What is wrong with a table behind a refusal; undefined where all is well. */
function refusalFault(
  before: ReadonlyMap<number, number>,
  after: ReadonlyMap<number, number>,
  letters: ReadonlySet<number>,
  newest: StateHead,
): string | undefined {
  const ids = [...after.keys()];
  const twice = ids.filter((id) => after.get(id)! > 1);
  if (twice.length > 0) return `the table holds these ids twice: ${rangesOf(twice)}`;
  const gone = [...before.keys()].filter((id) => !after.has(id));
  if (gone.length > 0) return `these ids are gone from the table: ${rangesOf(gone)}`;
  const early = ids.filter((id) => id >= newest.records);
  if (early.length > 0) return `the table holds ids that no checkpoint has: ${rangesOf(early)}`;
  let missing = 0;
  for (let id = 0; id < newest.records; id++) if (!after.has(id) && !letters.has(id)) missing++;
  if (missing > newest.pendingRows)
    return `the table lacks ${missing} rows of the newest checkpoint's ${newest.records}, of which ${newest.pendingRows} were not committed`;
  return undefined;
}

/** A refusal needs rows in the target that the copy has not, or the staging table of an opening that it does not know. */
function unfounded(
  after: ReadonlyMap<number, number>,
  newestEpoch: number,
  { mode }: ChildPlan,
  newest: StateHead,
  copy: StateHead,
): string | undefined {
  const isAhead = [...after.keys()].some((id) => id >= copy.records) || newestEpoch > copy.epoch;
  const hasStaging = mode === "move" || mode === "append";
  const isOpenedSince = hasStaging && newest.generation > copy.generation;
  if (isAhead || isOpenedSince) return undefined;
  return `the target is not ahead of the copy (epoch ${copy.epoch}, ${copy.records} records)`;
}

/**
 * Has two machines write from two copies of the state at once, each started again until it ends or is refused. Where both
 * are refused, one of them must be able to go on.
 */
async function withClone(
  running: Running,
  at: Machine,
  point: KillPoint | undefined,
  isSnapshot: boolean,
): Promise<{ ended: Ended; survivor: Machine }> {
  const { made, machines, moveRandom, refusals, bench, plan } = running;
  let cloned: StateHead | undefined;
  const other: Machine = { state: `${at.state}-other`, deadLetter: `${at.deadLetter}-other` };
  const otherPoint = moveRandom() < 0.3 ? pick(pointsOf(running.bench.destination), moveRandom) : undefined;
  const stagger = moveRandom() * 800;
  let second: Promise<Ended> | undefined;
  const startSecond = async () => {
    await moveToOtherMachine(other.state);
    cloned = await headOf(other.state);
    machines.push(other);
    made.add("clone");
    second = pause(stagger).then(() => toEnd(running, other, otherPoint));
  };
  if (!isSnapshot && (await copyState(at.state, other.state))) await startSecond();
  const firstEnd = await toEnd(running, at, point, async (writer) => {
    if (second) return;
    await midLife(running, at, writer);
    if (!second && (await snapshotState(writer, at.state, other.state))) await startSecond();
  });
  if (!second && (await copyState(at.state, other.state))) await startSecond();
  const ends = [
    { machine: at, ended: firstEnd },
    { machine: other, ended: (await second) ?? firstEnd },
  ];
  const isExpected = (ended: Ended) =>
    ended.how === "done" || (ended.how === "refused" && cloned !== undefined && mayFence(ended.code, plan, cloned));
  for (const { ended } of ends) if (ended.how === "refused" && isExpected(ended)) refusals.push(ended.code);
  const wrong = ends.find(({ ended }) => !isExpected(ended));
  if (wrong) return { ended: wrong.ended, survivor: wrong.machine };
  const done = ends.find(({ ended }) => ended.how === "done");
  if (done) return { ended: done.ended, survivor: done.machine };
  bench.service.clearFaults();
  const heads = await Promise.all(ends.map(async ({ machine }) => ({ machine, head: (await headOf(machine.state))! })));
  heads.sort((a, b) => b.head.epoch - a.head.epoch || b.head.generation - a.head.generation);
  let last: Ended = firstEnd;
  for (const { machine } of heads) {
    last = await oneLeg(running, machine, undefined);
    if (last.how !== "refused") return { ended: last, survivor: machine };
    refusals.push(last.code);
  }
  return { ended: { how: "failed", why: `both machines are refused for good. ${JSON.stringify(last)}` }, survivor: at };
}

/** A second machine is also refused in the midst of its life. */
function mayFence(code: string, plan: ChildPlan, cloned: StateHead): boolean {
  return mayRefuse(code, plan, cloned) || (code === "STATE_FENCED" && plan.mode !== "at-least-once");
}

/** As a supervisor runs it: started again after a kill. Neither killed nor failed at its end, or it is stuck. */
async function toEnd(
  running: Running,
  machine: Machine,
  point: KillPoint | undefined,
  onStart?: (writer: Writer) => Promise<void>,
): Promise<Ended> {
  const ended = await oneLeg(running, machine, point, onStart);
  return ended.how === "killed" ? oneLeg(running, machine, undefined, onStart) : ended;
}

/** Starts until the writer is killed, ends or is refused; a start that fails is repeated. */
async function oneLeg(
  running: Running,
  machine: Machine,
  point: KillPoint | undefined,
  onStart?: (writer: Writer) => Promise<void>,
): Promise<Ended> {
  const { bench, ill, random, made } = running;
  const kill = point && {
    point,
    // A job has one first claim.
    nth: point === "first claim made" ? 1 : 1 + Math.floor(random() * 3),
    afterMs: 300 + random() * 1_200,
  };
  befall(running);
  const parallelism = ill === "the next start has other subtasks" ? running.starts % 3 : 1;
  let ended: Ended | undefined;
  for (let again = 0; again < mostStarts; again++) {
    const start = ++running.starts;
    const layout = running.bench.destination === "files" ? drawnLayout(running) : running.plan.layout;
    const plan: ChildPlan = { ...running.plan, ...machine, layout, parallelism, kill };
    const altering =
      ill === "the target gets another column" &&
      start <= mostAlterations &&
      alterSoon(bench, plan.table, start, random);
    const writer = startWriter(bench.program, plan);
    const following = onStart?.(writer);
    ended =
      ill === "a zombie wakes up" && start === 1 && !following
        ? await endBehindZombie(bench.program, plan, writer, random)
        : await endOf(writer);
    await following;
    await altering;
    if (ended.how === "killed") made.add("kill");
    if (ended.how !== "failed") return ended;
    await pause(100);
  }
  return ended!;
}

/** Options may change between two starts: what was claimed goes by the claim. */
function drawnLayout({ plan, random }: Running): FilesDestinationOptions {
  return {
    ...plan.layout,
    compression: pick(["gzip", "none"] as const, random),
    maxFileBytes: pick([1, 400, 1_000_000], random),
    maxFileRows: pick([7, 1_000_000], random),
    partitionBy: random() < 0.3 ? ["shelf"] : [],
  };
}

/** Some requests of the next leg fail, as the ill has it, and the service is slow, if that is a move of the trial. */
function befall({ bench: { service }, ill, planned, random, moveRandom, played }: Running): void {
  service.clearFaults();
  const faults = faultsOf(ill, random);
  if (faults.length > 0) played.push({ of: "ill", scene: service.play(faults) });
  if (planned.has("slow")) played.push({ of: "slow", scene: service.play(slowFaults(moveRandom)) });
}

/** Another column in the midst of a life: staging has the columns of before, and its move is refused. */
async function alterSoon({ service }: CrashBench, table: string, start: number, random: () => number): Promise<void> {
  await pause(600 + random() * 900);
  await service.addColumn(table, `more${start}`).catch(() => {}); // a fault may strike this, too
}
