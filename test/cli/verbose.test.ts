import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { WriteStream } from "node:tty";
import { wantsColor } from "../../src/cli/terminal.ts";
import { cli, lastJson, mainScript, type RunningCli, startCli } from "./run-cli.ts";

// What a person sees of a load who asks for it, and that others see nothing of it.

const folder = mkdtempSync(join(tmpdir(), "millrace-verbose-"));
let emulator: RunningCli;
let at: string[];

before(async () => {
  emulator = startCli(["emulator", "--json", "--database", "iot"]);
  const { url } = JSON.parse(await emulator.firstLine);
  at = ["--cluster", url, "--database", "iot", "--create-table"];
});

after(async () => {
  emulator.child.kill("SIGTERM");
  await emulator.done;
  rmSync(folder, { recursive: true });
});

const numbers = join(folder, "numbers.csv");
writeFileSync(numbers, `n\n${Array.from({ length: 50 }, (_, n) => n).join("\n")}\n`);
const ingest = (target: string, ...more: string[]) => ["ingest", numbers, "--table", target, ...at, ...more];

const line = (text: string) => new RegExp(`^\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z ${text}$`, "gm");
const uuid = "([0-9a-f]{8}-[0-9a-f-]{27})";
const ms = "[\\d.]+ m?s";

test("--verbose: each step of each batch, with its time and Kusto's source id", async () => {
  const { code, out, err } = await cli(ingest("Told", "--batch-size", "20", "--verbose"));
  assert.equal(code, 0, err);
  const ids = (pattern: RegExp) => [...err.matchAll(pattern)].map(([, id]) => id!).sort();
  const sealed = ids(
    line(
      `Told batch ${uuid} sealed by (?:records|flush): [12]0 rows, [\\d.]+ B as [\\d.]+ B, first record ${ms} before`,
    ),
  );
  assert.equal(sealed.length, 3, err);
  assert.deepEqual(ids(line(`Told batch ${uuid} staged in ${ms}`)), sealed);
  assert.deepEqual(ids(line(`Told batch ${uuid} taken in ${ms}`)), sealed);
  assert.deepEqual(ids(line(`Told batch ${uuid} landed, ${ms} after its first record`)), sealed);
  assert.match(out, /^Told: 50 records of 50 delivered/);
});

test("without it: nothing of the kind", async () => {
  const { code, err } = await cli(ingest("Quiet", "--batch-size", "20"));
  assert.equal(code, 0, err);
  assert.equal(err, "created table Quiet with 1 column\n");
});

test("--verbose with a state: the log, checkpoints and commits", async () => {
  const state = join(folder, "state");
  const exactly = ["--guarantee", "exactly-once", "--state", state];
  const { code, out, err } = await cli([...ingest("Once", ...exactly), "--json", "--quiet", "--verbose"]);
  assert.equal(code, 0, err);
  assert.match(err, line(`Once batch ${uuid} logged in ${ms}`));
  assert.match(err, line(`Once blob ${uuid} of batch ${uuid} staged in ${ms}: 50 rows, [\\d.]+ B`));
  assert.match(err, line(`Once blob ${uuid} taken in ${ms}`));
  assert.match(err, line(`Once checkpoint 1: 50 records in ${ms}`));
  assert.match(err, line(`Once checkpoint 1 committed: 50 rows in 1 batch, ${ms} after it`));
  assert.equal(out.trimEnd().split("\n").length, 1, "stdout is the program's");
  assert.equal(lastJson(out).delivered, 50);
});

test("--verbose tells of retries with their code", async () => {
  const scenario = join(folder, "faults.json");
  writeFileSync(scenario, JSON.stringify({ faults: [{ do: "answer", at: "blob", status: 503, times: 2 }] }));
  const ill = startCli(["emulator", "--json", "--database", "iot", "--faults", scenario]);
  try {
    const { url } = JSON.parse(await ill.firstLine);
    const to = ["--cluster", url, "--database", "iot", "--create-table"];
    const { code, err } = await cli(["ingest", numbers, "--table", "Retried", ...to, "--verbose"]);
    assert.equal(code, 0, err);
    const retry = `Retried retry of batch ${uuid}, stage: attempt [12] failed, again in ${ms}: THROTTLED: .*`;
    assert.equal([...err.matchAll(line(retry))].length, 2, err);
  } finally {
    ill.child.kill("SIGTERM");
    await ill.done;
  }
});

test("no escape codes in files, unless they are asked for", () => {
  const run = (name: string, env: NodeJS.ProcessEnv, ...more: string[]) => {
    const [out, err] = [join(folder, `${name}.out`), join(folder, `${name}.err`)];
    const { status } = spawnSync(process.execPath, [mainScript(), ...ingest("Files", "--verbose", ...more)], {
      stdio: ["ignore", openSync(out, "w"), openSync(err, "w")],
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    });
    assert.equal(status, 0);
    return { out: readFileSync(out, "utf8"), err: readFileSync(err, "utf8") };
  };
  for (const env of [{}, { NO_COLOR: "1" }, { FORCE_COLOR: "0" }, { TERM: "xterm-256color", COLORTERM: "truecolor" }]) {
    const { out, err } = run("plain", env);
    assert.match(err, / landed, /);
    assert.doesNotMatch(out + err, /\u001b/, JSON.stringify(env));
  }
  const forced = run("forced", { FORCE_COLOR: "1", NO_COLOR: "1" });
  assert.match(forced.err, /^\u001b\[2m[\d:.]+Z\u001b\[22m \u001b\[32mFiles batch \S+ landed, .*\u001b\[39m$/m);
  assert.doesNotMatch(forced.out, /\u001b/, "results are results");
});

test("who wants colours: as Node decides", () => {
  // But for an empty NO_COLOR, which Node heeds and no-color.org does not.
  assert.equal(wantsColor({ NO_COLOR: "" }, true), true);
  for (const FORCE_COLOR of [undefined, "", "0", "1", "2", "3", "true", "false", "no"])
    for (const NO_COLOR of [undefined, "1"]) {
      const env = {
        TERM: "xterm",
        ...(FORCE_COLOR !== undefined && { FORCE_COLOR }),
        ...(NO_COLOR !== undefined && { NO_COLOR }),
      };
      assert.equal(wantsColor(env, true), nodeWants(env), JSON.stringify(env));
      assert.equal(wantsColor(env, false), FORCE_COLOR !== undefined && nodeWants(env), JSON.stringify(env));
    }
});

/** `getColorDepth` reads nothing but its argument where that has been given. */
function nodeWants(env: NodeJS.ProcessEnv): boolean {
  return WriteStream.prototype.getColorDepth.call(undefined, env) > 1;
}

test("the library prints nothing", () => {
  const script = `
    import { memory, memoryDeadLetter, memoryState, open, k, table } from ${JSON.stringify(resolve("src/index.ts"))};
    const target = table("T", { n: k.int() });
    for (const options of [{}, { parallelism: 2 }, { state: memoryState(), deliveryGuarantee: "exactly-once" }]) {
      const sink = await open({ table: target, to: memory(), deadLetter: memoryDeadLetter(), batchSize: 5, ...options });
      for (let n = 0; n < 100; n++) if (!sink.write({ n })) await sink.ready;
      sink.write({ n: "refused" });
      await sink.checkpoint();
      await sink.close();
      if (sink.stats.delivered !== 100) throw new Error("not all was delivered");
    }`;
  const path = join(folder, "library.mjs");
  writeFileSync(path, script);
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", path], { encoding: "utf8" });
  assert.equal(stdout + stderr, "");
  assert.equal(status, 0);
});
