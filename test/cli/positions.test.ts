import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, copyFileSync, mkdirSync, renameSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { onEmulator } from "./on-emulator.ts";
import { cli, lastJson, mainScript, startCli } from "./run-cli.ts";

// Files that change between two runs of one state.

const on = onEmulator("cli-positions");
const { folder: root } = on;

interface Job {
  folder: string;
  /** Runs the job with one state, and says what its table holds then. */
  run(
    files: readonly string[],
    ...flags: string[]
  ): Promise<{ code: number | null; err: string; error?: string; ids: number[] }>;
}

async function job(table: string): Promise<Job> {
  const folder = join(root, table);
  mkdirSync(folder);
  await on.admin.execute(`.create table ${table} (id:long)`);
  return {
    folder,
    async run(files, ...flags) {
      const state = ["--guarantee", "exactly-once", "--state", join(folder, "state")];
      const { code, out, err } = await cli([
        "ingest",
        ...files,
        "--table",
        table,
        ...state,
        ...on.at,
        "--json",
        ...flags,
      ]);
      const { error } = lastJson(out) as { error?: { code: string } };
      return { code, err, ids: await idsIn(table), ...(error && { error: error.code }) };
    },
  };
}

async function idsIn(table: string): Promise<number[]> {
  const { rows } = await on.admin.query(`${table} | project id | sort by id asc`);
  return rows.map(([id]) => Number(id));
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const lines = (from: number, to: number): string =>
  range(from, to)
    .map((id) => `{"id":${id}}\n`)
    .join("");

test("a log that is rotated, by renaming and by copying and truncating, arrives once", async () => {
  const { folder, run } = await job("Rotated");
  const log = join(folder, "app.log");
  const args = [[join(folder, "app.log*")], "--format", "ndjson"] as const;
  writeFileSync(log, lines(0, 100));
  assert.deepEqual((await run(...args)).ids, range(0, 100));
  appendFileSync(log, lines(100, 110));
  renameSync(log, `${log}.1`);
  writeFileSync(log, lines(110, 300));
  const renamed = await run(...args);
  assert.equal(renamed.code, 0, renamed.err);
  assert.deepEqual(renamed.ids, range(0, 300));
  renameSync(`${log}.1`, `${log}.2`);
  appendFileSync(log, lines(300, 310));
  copyFileSync(log, `${log}.1`);
  truncateSync(log, 0);
  appendFileSync(log, lines(310, 900));
  const truncated = await run(...args);
  assert.equal(truncated.code, 0, truncated.err);
  assert.deepEqual(truncated.ids, range(0, 900));
  const again = await run(...args);
  assert.deepEqual([again.code, again.ids.length], [0, 900], again.err);
});

test("a file that was replaced is an error that says what to do, and then done", async () => {
  const { folder, run } = await job("Replaced");
  const path = join(folder, "a.ndjson");
  writeFileSync(path, lines(0, 150));
  assert.equal((await run([path])).code, 0);
  writeFileSync(path, lines(200, 350).slice(0, lines(0, 150).length));
  const refused = await run([path]);
  assert.deepEqual([refused.code, refused.error], [1, "SOURCE_CHANGED"], refused.err);
  assert.match(refused.err, /millrace: .*a\.ndjson is not the file that was read before: .*--on-changed/);
  assert.deepEqual(refused.ids, range(0, 150));
  const skipped = await run([path], "--on-changed", "skip");
  assert.deepEqual([skipped.code, skipped.ids.length], [0, 150], skipped.err);
  assert.match(skipped.err, /note: .*a\.ndjson .* left out/);
  writeFileSync(path, lines(200, 350));
  const read = await run([path], "--on-changed", "read-again");
  assert.equal(read.code, 0, read.err);
  assert.deepEqual(read.ids, [...range(0, 150), ...range(200, 350)]);
});

test("a file that is read on because it begins like one that is gone: a warning, also with --quiet", async () => {
  const { folder, run } = await job("Claimed");
  writeFileSync(join(folder, "mon.ndjson"), lines(0, 100));
  assert.equal((await run([join(folder, "*.ndjson")])).code, 0);
  renameSync(join(folder, "mon.ndjson"), join(folder, "kept"));
  writeFileSync(join(folder, "tue.ndjson"), lines(0, 101));
  const { code, err, ids } = await run([join(folder, "*.ndjson")], "--quiet");
  assert.deepEqual([code, ids], [0, range(0, 101)], err);
  assert.match(err, /^warning: .*tue\.ndjson: its first \d+ bytes are those of .*mon\.ndjson, .* is gone/m);
});

test("text in another encoding that is being written is left for the next run", async () => {
  const { folder, run } = await job("GrowingUtf16");
  const path = join(folder, "a.csv");
  const bytes = Buffer.from("\ufeffid\n1\n23\n", "utf16le");
  writeFileSync(path, bytes.subarray(0, bytes.length - 5));
  const first = await run([path]);
  assert.deepEqual([first.code, first.ids], [0, [1]], first.err);
  assert.match(first.err, /note: .*a\.csv:3: the last line has no end yet; it is left for the next run/);
  appendFileSync(path, bytes.subarray(bytes.length - 5));
  assert.deepEqual((await run([path])).ids, [1, 23]);
});

test("one file under four names arrives once", async () => {
  const { folder, run } = await job("Names");
  mkdirSync(join(folder, "in"));
  symlinkSync(join(folder, "in"), join(folder, "linked"));
  const path = join(folder, "in", "a.ndjson");
  writeFileSync(path, lines(0, 20));
  const near = relative(process.cwd(), path);
  for (const name of [near, `./${near}`, path, join(folder, "linked", "a.ndjson")])
    assert.deepEqual((await run([name])).ids, range(0, 20), name);
  const both = await run([near, path]);
  assert.match(both.err, /note: a file under several names is read once/);
});

test("a line that is being written is left for the next run; --final reads it", async () => {
  const { folder, run } = await job("Growing");
  const path = join(folder, "a.csv");
  writeFileSync(path, "id\n1\n2");
  const first = await run([path]);
  assert.deepEqual([first.code, first.ids], [0, [1]], first.err);
  assert.match(first.err, /note: .*a\.csv:3: the last line has no end yet; 1 byte is left for the next run/);
  appendFileSync(path, "0\n3");
  assert.deepEqual((await run([path])).ids, [1, 20]);
  assert.deepEqual((await run([path], "--final")).ids, [1, 3, 20]);
});

test("a packed file that is cut off is an error, what lies before it arrives, and its rest when it is whole", async () => {
  const { folder, run } = await job("Packed");
  const path = join(folder, "a.ndjson.gz");
  const packed = Buffer.concat([gzipSync(lines(0, 500)), Buffer.alloc(64), gzipSync(lines(500, 600))]);
  writeFileSync(path, packed.subarray(0, packed.length - 4));
  const cut = await run([path]);
  assert.deepEqual([cut.code, cut.error], [1, "BAD_SOURCE"], cut.err);
  assert.match(cut.err, /a\.ndjson\.gz: its gzip data is cut off/);
  assert.deepEqual(cut.ids, range(0, cut.ids.length));
  assert.ok(cut.ids.length >= 500, `${cut.ids.length} rows`);
  writeFileSync(path, packed);
  const whole = await run([path]);
  assert.equal(whole.code, 0, whole.err);
  assert.deepEqual(whole.ids, range(0, 600));
});

test("CSV without a state: the row with an open quote is rejected by its line, its neighbours arrive", async () => {
  const path = join(root, "open.csv");
  writeFileSync(path, 'id,text\n1,a\n2,"b\n');
  const { code, err } = await cli(["ingest", path, "--table", "Open", "--create-table", ...on.at]);
  assert.equal(code, 1);
  assert.match(err, /rejected .*open\.csv:3: a quote opens a field on line 3 and is not closed/);
  assert.deepEqual(await idsIn("Open"), [1]);
});

test("pipes: a shell's <(...), /dev/stdin, and a pipe nobody writes to, which a signal ends", {
  skip: process.platform === "win32",
}, async () => {
  await on.admin.execute(".create table Piped (id:long)");
  const { code, err } = await cli(["ingest", "/dev/stdin", "--table", "Piped", ...on.at], { input: lines(0, 3) });
  assert.equal(code, 0, err);
  const script = `"$0" "$@" <(echo '{"id":3}') <(echo '{"id":4}')`;
  const shell = ["-c", script, process.execPath, mainScript(), "ingest", "--table", "Piped", ...on.at];
  const [status] = await once(spawn("bash", shell, { stdio: "inherit" }), "exit");
  assert.equal(status, 0);
  assert.deepEqual(await idsIn("Piped"), range(0, 5));

  const path = join(root, "pipe");
  execFileSync("mkfifo", [path]);
  const stated = await cli(["ingest", path, "--table", "Piped", "--state", join(root, "none"), ...on.at]);
  assert.equal(stated.code, 2);
  assert.match(stated.err, /cannot be read again/);
  const waiting = startCli(["ingest", path, "--table", "Piped", ...on.at], { NODE_OPTIONS: tellsWhenListening });
  await once(waiting.child.stderr, "data");
  waiting.child.kill("SIGTERM");
  const { code: ended, err: said } = await waiting.done;
  assert.equal(ended, 143);
  assert.match(said, /millrace: interrupted\. Aborted while reading .*pipe/);
});

/** Has a process of Node say when it begins to listen for SIGTERM; before that it would simply be killed. */
const tellsWhenListening = `--import=data:text/javascript,${encodeURIComponent(
  "process.on('newListener', (name) => { if (name === 'SIGTERM') process.stderr.write('listening;') })",
)}`;
