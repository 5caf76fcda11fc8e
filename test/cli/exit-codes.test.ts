import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Emulator, startEmulator } from "../../src/emulator/index.ts";
import { type KustoAdmin, kustoAdmin } from "../../src/kusto.ts";
import { cli, lastJson, mainScript, type Outcome, startCli } from "./run-cli.ts";

// Exit code 0 means that everything arrived: every other way out, by real processes.

let emulator: Emulator;
let admin: KustoAdmin;
let folder: string;
let at: string[];
let source: string;
const rows = 3_000;

before(async () => {
  emulator = await startEmulator({ databases: ["demo"] });
  admin = await kustoAdmin({ cluster: emulator.url, database: "demo" });
  folder = await mkdtemp(join(tmpdir(), "millrace-exit-"));
  at = ["--cluster", emulator.url, "--database", "demo"];
  source = join(folder, "rows.ndjson");
  const noise = (id: number) => Math.sin(id).toString(36).repeat(4);
  await writeFile(source, Array.from({ length: rows }, (_, id) => `{"id":${id},"text":"${noise(id)}"}\n`).join(""));
});
after(async () => {
  admin?.close();
  await emulator?.close();
  await rm(folder, { recursive: true, force: true });
});

async function countIn(table: string): Promise<number> {
  const { rows: found } = await admin.query(`${table} | count`);
  return Number(found[0]?.[0]);
}

async function makeTable(table: string): Promise<string> {
  await admin.execute(`.create table ${table} (id:long, text:string)`);
  return table;
}

/** In a shell, where `$MILLRACE` is the command. Its exit code is that of the command, whatever it is piped into. */
function inShell(script: string): Promise<Outcome> {
  const env = { ...process.env, MILLRACE: `${process.execPath} ${mainScript()}` };
  const child = spawn("bash", ["-c", `${script}\nexit \${PIPESTATUS[0]}`], { stdio: ["ignore", "pipe", "pipe"], env });
  return new Promise((resolve) => {
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

function onlyJson(out: string): Record<string, unknown> {
  assert.equal(out.trimEnd().split("\n").length, 1, out);
  return lastJson(out);
}

test("readers that close stdout and stderr stop no run", async () => {
  const table = await makeTable("Unread");
  const command = `$MILLRACE ingest '${source}' --table ${table} --verbose --batch-size 500 ${at.join(" ")}`;
  assert.equal((await inShell(`${command} 2>/dev/null | true`)).code, 0);
  assert.equal(await countIn(table), rows);
  assert.equal((await inShell(`${command} 2>&1 >/dev/null | true`)).code, 0);
  assert.equal(await countIn(table), 2 * rows);
});

test("a summary that cannot be written is a failure", { skip: process.platform !== "linux" }, async () => {
  const table = await makeTable("Full");
  const { code } = await inShell(`$MILLRACE ingest '${source}' --table ${table} --json ${at.join(" ")} > /dev/full`);
  assert.notEqual(code, 0);
});

test("a state that cannot be written: the place and the reason", async () => {
  const table = await makeTable("Unwritable");
  const state = join(source, "state"); // below a file
  const { code, out, err } = await cli(["ingest", source, "--table", table, ...at, "--state", state, "--json"]);
  assert.equal(code, 1);
  assert.match(err, /rows\.ndjson/);
  const { ok, error } = onlyJson(out) as { ok: boolean; error: { code: string } };
  assert.deepEqual([ok, error.code], [false, "STATE_UNWRITABLE"]);
});

test("a disk that is full in the midst of a run: what landed and how to go on, and then nothing is lost", {
  skip: process.platform === "win32",
}, async () => {
  const table = await makeTable("DiskFull");
  const flags = ["--state", join(folder, "full"), "--guarantee", "exactly-once", "--retry-timeout-ms", "500"];
  const args = ["ingest", source, "--table", table, ...at, ...flags, "--batch-size", "500", "--json"];
  // Files of 32 KiB at most, in blocks of 1 KiB.
  const { code, out } = await inShell(`ulimit -f 32; $MILLRACE ${args.map((arg) => `'${arg}'`).join(" ")}`);
  assert.equal(code, 1);
  const report = onlyJson(out) as { ok: boolean; error: { code: string }; notDelivered: number; continueWith: string };
  assert.deepEqual([report.ok, report.error.code], [false, "STATE_UNWRITABLE"]);
  assert.ok(report.notDelivered > 0);
  assert.match(report.continueWith, /^millrace ingest /);
  const again = await cli(args);
  assert.equal(again.code, 0, again.err);
  assert.equal(await countIn(table), rows);
});

test("batches that delivery none gave up", async () => {
  const table = await makeTable("Lost");
  emulator.faults.play({ faults: [{ at: "blob", do: "answer", status: 400, times: 100_000 }] });
  const args = ["--guarantee", "none", "--retry-timeout-ms", "0", "--json", ...at];
  const { code, out } = await cli(["ingest", source, "--table", table, ...args]);
  emulator.faults.clear();
  assert.equal(code, 1);
  const { ok, delivered, notDelivered } = onlyJson(out);
  assert.deepEqual([ok, delivered, notDelivered], [false, 0, rows]);
});

test("a service that goes away", async () => {
  const own = await startEmulator({ databases: ["demo"] });
  const to = ["--cluster", own.url, "--database", "demo"];
  const running = startCli([
    ...["ingest", "-", "--table", "Gone", ...to, "--schema", join(folder, "gone.json"), "--create-table"],
    ...["--batch-size", "100", "--parallelism", "0", "--retry-timeout-ms", "300", "--json", "--verbose"],
  ]);
  await writeFile(join(folder, "gone.json"), '{"table":"Gone","columns":{"id":"long"}}');
  running.child.stdin.write('{"id":1}\n'.repeat(150));
  await new Promise<void>((resolve) => {
    running.child.stderr.on("data", (chunk) => /landed/.test(String(chunk)) && resolve());
    running.child.on("close", () => resolve());
  });
  await own.close();
  running.child.stdin.end('{"id":2}\n'.repeat(150));
  const { code, out, err } = await running.done;
  assert.equal(code, 1, err);
  const { ok, delivered, notDelivered } = onlyJson(out);
  assert.deepEqual([ok, delivered, notDelivered], [false, 100, 200], err);
});

test("a defect: an exception and a rejection that nobody catches", async () => {
  const table = await makeTable("Defect");
  for (const act of ["throw new Error('a defect')", "Promise.reject(new Error('a defect'))"]) {
    // Once it listens for signals, it waits for its input.
    const preload = `process.on('newListener', (name) => { if (name === 'SIGTERM') setTimeout(() => { ${act} }, 500); })`;
    const running = startCli(["ingest", "-", "--table", table, ...at, "--json"], {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}`,
    });
    running.child.stdin.write('{"id":1}\n');
    const { code, out, err } = await running.done;
    assert.equal(code, 1, err);
    assert.match(err, /a defect/);
    assert.equal((onlyJson(out) as { error: { code: string } }).error.code, "INTERNAL");
  }
});

test("--json ends with one line where the command line makes no sense, and where a run is refused", async () => {
  for (const [args, expected] of [
    [["--nonsense"], 2],
    [["--guarantee", "exactly-once"], 2],
    [["--schema", join(folder, "none.json")], 1],
  ] as const) {
    const { code, out } = await cli(["ingest", source, "--table", "T", ...at, "--json", ...args]);
    assert.equal(code, expected);
    assert.equal(onlyJson(out).ok, false);
  }
});

test("a table that cannot be inferred: each record says why, as millrace schema does", async () => {
  const bad = join(folder, "bad.ndjson");
  await writeFile(bad, "{oops\n[1]\n");
  const said = await cli(["schema", bad]);
  assert.equal(said.code, 1);
  for (const input of [bad, "-"]) {
    const { code, err } = await cli(
      ["ingest", input, "--format", "ndjson", "--table", "Bad", "--create-table", ...at],
      {
        input: "{oops\n[1]\n",
      },
    );
    assert.equal(code, 1);
    for (const reason of said.err.matchAll(/^unreadable \S+?:\d+: (.*)$/gm)) assert.ok(err.includes(reason[1]!), err);
    assert.match(err, /unreadable \S+:1: /);
  }
});
