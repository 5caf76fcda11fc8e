import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { onEmulator } from "./on-emulator.ts";
import { cli, lastJson, mainScript, type RunningCli, startCli } from "./run-cli.ts";

// Signals to real processes: what was read arrives, what did not is told, and the command that goes on does so.

const on = onEmulator("signals");
const { folder } = on;

const upTo = (end: number, from = 0) => Array.from({ length: end - from }, (_, i) => from + i);
const lines = (ids: readonly number[]) => ids.map((id) => `{"id":${id}}\n`).join("");

async function idsIn(table: string): Promise<number[]> {
  const { rows } = await on.admin.query(`${table} | project id | sort by id asc`);
  return rows.map(([id]) => Number(id));
}

async function makeTable(table: string): Promise<void> {
  await on.admin.execute(`.create table ${table} (id:long)`);
}

/** A run of standard input that has been given these records, has written most of them, and waits for more. */
async function waiting(table: string, ids: readonly number[], ...more: string[]): Promise<RunningCli> {
  const batch = ["--batch-size", String(Math.floor(ids.length * 0.8)), "--parallelism", "0"];
  const running = startCli(["ingest", "-", "--table", table, ...on.at, "--json", "--verbose", ...batch, ...more]);
  running.child.stdin.write(lines(ids));
  await seen(running, / sealed by /);
  return running;
}

/** Waits for a line of stderr. */
function seen({ child }: RunningCli, what: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stderr.on("data", (chunk) => {
      text += chunk;
      if (what.test(text)) resolve();
    });
    child.on("close", () => reject(new Error(`ended without ${what}: ${text}`)));
  });
}

/** Exactly one line, of JSON. */
function onlyLine(out: string): Record<string, unknown> {
  assert.equal(out.trimEnd().split("\n").length, 1, out);
  return lastJson(out);
}

for (const [name, exitCode] of [
  ["SIGTERM", 143],
  ["SIGINT", 130],
  ["SIGHUP", 129],
] as const)
  test(`${name} on standard input: what was read is delivered`, async () => {
    const table = `Stopped_${name}`;
    await makeTable(table);
    const ids = upTo(5_000);
    const running = await waiting(table, ids);
    running.child.kill(name);
    const { code, out, err } = await running.done;
    assert.equal(code, exitCode, err);
    const { ok, error, signal, read, delivered, notDelivered } = onlyLine(out);
    assert.deepEqual(
      { ok, signal, read, delivered, notDelivered },
      { ok: false, signal: name, read: 5_000, delivered: 5_000, notDelivered: 0 },
    );
    assert.deepEqual(error, {
      code: "ABORTED",
      message: `interrupted by ${name}: every record that was read is delivered`,
    });
    assert.deepEqual(await idsIn(table), ids);
  });

test("Ctrl-C in a terminal ends the producer as well: what it wrote arrives, but for a record that it broke off", async () => {
  await makeTable("Piped");
  const running = await waiting("Piped", upTo(100));
  running.child.stdin.end(`${lines(upTo(3_000, 100))}{"id":30`);
  running.child.kill("SIGINT");
  const { code, out, err } = await running.done;
  assert.equal(code, 130);
  assert.match(err, /note: stdin: it was stopped in the midst of the record that begins at line 3001/);
  assert.equal(onlyLine(out).delivered, 3_000);
  assert.deepEqual(await idsIn("Piped"), upTo(3_000));
});

test("a signal while the table is still to be inferred: the table is made of what came, and holds it", async () => {
  // The files are looked at first: whoever asks the service has begun to read.
  on.emulator.faults.answer("mgmt", 503, { requests: 2 });
  const running = startCli(["ingest", "-", "--table", "Inferred", "--create-table", ...on.at, "--json"]);
  running.child.stdin.write(lines(upTo(50)));
  await seen(running, /attempt 1 failed/);
  running.child.kill("SIGTERM");
  const { code, out, err } = await running.done;
  assert.equal(code, 143, err);
  assert.equal(onlyLine(out).delivered, 50);
  assert.deepEqual(await idsIn("Inferred"), upTo(50));
});

test("the second signal aborts at once and says what was not delivered; so does the end of --stop-timeout-ms", async () => {
  await makeTable("Twice");
  on.emulator.faults.answer("blob", 503, { requests: 100_000 });
  try {
    const running = await waiting("Twice", upTo(1_000));
    running.child.kill("SIGTERM");
    await seen(running, /no more is read; .* at most 25\.0 s \(--stop-timeout-ms\)/);
    running.child.kill("SIGTERM");
    const twice = await running.done;
    assert.equal(twice.code, 143);
    assert.match(twice.err, /interrupted by SIGTERM: 1 000 records of the 1 000 read had not been delivered/);
    assert.deepEqual([onlyLine(twice.out).delivered, onlyLine(twice.out).notDelivered], [0, 1_000]);

    const late = await waiting("Twice", upTo(1_000), "--stop-timeout-ms", "300");
    late.child.kill("SIGINT");
    const { code, out } = await late.done;
    assert.equal(code, 130);
    assert.equal(onlyLine(out).notDelivered, 1_000);
  } finally {
    on.emulator.faults.clear();
  }
});

test("standard input with a state: what could not be delivered in time is safe, and the next run delivers it first", async () => {
  await makeTable("Kept");
  const state = join(folder, "kept");
  const flags = ["--state", state, "--guarantee", "exactly-once"];
  on.emulator.faults.answer("blob", 503, { requests: 100_000 });
  const running = await waiting("Kept", upTo(1_000), ...flags, "--stop-timeout-ms", "2000");
  running.child.kill("SIGTERM");
  const { code, out, err } = await running.done;
  on.emulator.faults.clear();
  assert.equal(code, 143);
  assert.match(err, /every record that was read is delivered or safe in the state/);
  const { inState, notDelivered, continueWith } = onlyLine(out);
  assert.deepEqual([inState, notDelivered], [1_000, 0]);
  assert.match(String(continueWith), /^millrace ingest - .*--state \S+kept.* < \/dev\/null$/);
  assert.match((await cli(["status", "--state", state])).out, /\npositions {3}none\n/);

  const next = await cli(["ingest", "-", "--table", "Kept", ...on.at, ...flags], { input: lines(upTo(1_500, 1_000)) });
  assert.equal(next.code, 0, next.err);
  assert.match(next.out, /^Kept: 500 records of 500 delivered, 0 rejected, 1 000 more from an earlier run delivered, /);
  assert.deepEqual(await idsIn("Kept"), upTo(1_500));
});

test("standard input with a state, killed: what a checkpoint held arrives once, and the next input is read from its start", async () => {
  await makeTable("KilledInput");
  const state = join(folder, "killed-input");
  const flags = ["--state", state, "--guarantee", "exactly-once", "--checkpoint-ms", "100"];
  const expected: number[] = [];
  for (let round = 0; round < 3; round++) {
    const first = round * 100_000;
    const before = round === 0 ? 0 : Number((await statusOf(state)).records);
    const running = startCli(["ingest", "-", "--table", "KilledInput", ...on.at, "--quiet", ...flags]);
    let isKilled = false;
    const feeding = (async () => {
      for (let id = first; !isKilled && id < first + 50_000; id += 50) {
        running.child.stdin.write(lines(upTo(id + 50, id)));
        await pause(2);
      }
    })();
    // Somewhere behind its second checkpoint.
    for (;;) {
      await pause(50);
      const { code, out } = await cli(["status", "--state", state, "--json"]);
      if (code === 0 && Number(lastJson(out).records) > before + 50) break;
    }
    running.child.kill("SIGKILL");
    isKilled = true;
    await Promise.all([running.done, feeding]);
    const { records, positions } = await statusOf(state);
    assert.deepEqual(positions, {});
    expected.push(...upTo(first + Number(records) - before, first));
  }
  const last = await cli(["ingest", "-", "--table", "KilledInput", ...on.at, ...flags], { input: lines([900_000]) });
  assert.equal(last.code, 0, last.err);
  assert.deepEqual(await idsIn("KilledInput"), [...expected, 900_000]);
});

async function statusOf(state: string): Promise<Record<string, unknown>> {
  return lastJson((await cli(["status", "--state", state, "--json"])).out);
}

/** Runs a printed command as a user would. */
function asTyped(command: string): Promise<{ code: number | null; out: string }> {
  const script = `millrace() { "${process.execPath}" "${mainScript()}" "$@"; }; ${command}`;
  const child = spawn("bash", ["-c", script], { stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((resolve) => {
    let out = "";
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.on("close", (code) => resolve({ code, out }));
  });
}

/** Files whose second breaks off; its name wants quoting. */
async function threeFiles(name: string): Promise<{ paths: string[]; mend(): Promise<void> }> {
  const paths = ["a", "b's second", "c"].map((each) => join(folder, `${name} ${each}.json`));
  const array = (ids: number[]) => `[${ids.map((id) => `{"id":${id}}`).join(",\n")}]`;
  await writeFile(paths[0]!, array(upTo(100)));
  const second = array(upTo(200, 100));
  await writeFile(paths[1]!, second.slice(0, second.indexOf('{"id":150}')));
  await writeFile(paths[2]!, array(upTo(300, 200)));
  return { paths, mend: () => writeFile(paths[1]!, second) };
}

test("an error in the midst of several files: what landed of each is said, and the printed command ingests the rest", async () => {
  await makeTable("Midst");
  const { paths, mend } = await threeFiles("midst");
  const failed = await cli(["ingest", ...paths, "--table", "Midst", ...on.at, "--json"]);
  assert.equal(failed.code, 1);
  const { error, files, continueWith, read, delivered } = onlyLine(failed.out);
  assert.equal((error as { code: string }).code, "BAD_SOURCE");
  assert.deepEqual([read, delivered], [150, 150]);
  assert.deepEqual(files, [
    { path: paths[0], state: "read", read: 100, rejected: 0, delivered: 100, inState: 0 },
    { path: paths[1], state: "in part", read: 50, rejected: 0, delivered: 50, inState: 0 },
    { path: paths[2], state: "not read", read: 0, rejected: 0, delivered: 0, inState: 0 },
  ]);
  assert.match(
    failed.err,
    /a\.json: 100 records read, 100 delivered\n.*second\.json: 50 records read so far, 50 delivered\n.*c\.json: not read\n/,
  );
  assert.match(failed.err, /50 records that are in the table already will arrive twice/);
  assert.deepEqual(await idsIn("Midst"), upTo(150));

  await mend();
  assert.equal((await asTyped(String(continueWith))).code, 0);
  assert.deepEqual(
    await idsIn("Midst"),
    [...upTo(300), ...upTo(150, 100)].sort((a, b) => a - b),
  );
});

test("the same with a state: the same command goes on, and nothing arrives twice", async () => {
  await makeTable("MidstExact");
  const { paths, mend } = await threeFiles("exact");
  const flags = ["--state", join(folder, "it's a state"), "--guarantee", "exactly-once"];
  const failed = await cli(["ingest", ...paths, "--table", "MidstExact", ...on.at, ...flags, "--json"]);
  assert.equal(failed.code, 1);
  assert.match(failed.err, /to go on behind the newest checkpoint \(no record arrives twice\):\n {2}millrace ingest /);
  assert.deepEqual(await idsIn("MidstExact"), upTo(150));
  await mend();
  const { code, out } = await asTyped(String(onlyLine(failed.out).continueWith));
  assert.equal(code, 0);
  assert.equal(onlyLine(out).read, 150);
  assert.deepEqual(await idsIn("MidstExact"), upTo(300));
});

test("a service that fails in the midst of a run: each file says what had arrived", async () => {
  await makeTable("Outage");
  const paths = await Promise.all(
    ["a", "b", "c"].map(async (name, i) => {
      const path = join(folder, `outage-${name}.ndjson`);
      await writeFile(path, lines(upTo((i + 1) * 1_000, i * 1_000)));
      return path;
    }),
  );
  // The first batches arrive, then the storage answers no more.
  on.emulator.faults.play({ faults: [{ at: "blob", do: "answer", status: 400, after: 8, times: 100_000 }] });
  const args = ["--batch-size", "200", "--retry-timeout-ms", "0", "--json", ...on.at];
  const { code, out } = await cli(["ingest", ...paths, "--table", "Outage", ...args]);
  on.emulator.faults.clear();
  assert.equal(code, 1);
  const { delivered, files } = onlyLine(out) as { delivered: number; files: { delivered: number; read: number }[] };
  const ids = await idsIn("Outage");
  assert.ok(delivered > 0 && delivered < 3_000, `${delivered}`);
  // A batch whose answer nobody waited for may have arrived.
  assert.ok(ids.length >= delivered, `${ids.length} arrived, ${delivered} delivered`);
  assert.equal(
    files.reduce((sum, file) => sum + file.delivered, 0),
    delivered,
  );
  for (const [i, file] of files.entries())
    assert.ok(file.delivered <= ids.filter((id) => Math.floor(id / 1_000) === i).length, JSON.stringify(files));
});
