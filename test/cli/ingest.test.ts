import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { cli, lastJson, type RunningCli, startCli } from "./run-cli.ts";

// One emulator, itself run by the command line, for all of these.

const folder = mkdtempSync(join(tmpdir(), "millrace-ingest-"));
let emulator: RunningCli;
let at: string[];

before(async () => {
  emulator = startCli(["emulator", "--json", "--database", "iot"]);
  const { url, databases } = JSON.parse(await emulator.firstLine);
  assert.ok(databases.includes("iot"));
  at = ["--cluster", url, "--database", "iot"];
});

after(async () => {
  emulator.child.kill("SIGTERM");
  const { code, err } = await emulator.done;
  rmSync(folder, { recursive: true });
  assert.equal(err, "");
  assert.equal(code, 0, "an emulator that is told to stop has done what it should");
});

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function rowsOf(query: string): Promise<unknown[]> {
  const { code, out, err } = await cli(["query", query, ...at, "--json"]);
  assert.equal(code, 0, err);
  return (lastJson(out) as { rows: unknown[] }).rows;
}

const ingest = (path: string, table: string, ...more: string[]) =>
  cli(["ingest", path, "--table", table, ...at, ...more]);

test("an unknown table is named, with the way out", async () => {
  const path = file("a.csv", "id\n1\n");
  const { code, err } = await ingest(path, "Nowhere");
  assert.equal(code, 1);
  assert.match(err, /^millrace: Table Nowhere does not exist in database iot; --create-table makes it/);
  assert.equal(err.trimEnd().split("\n").length, 1);
});

test("CSV into a new table, then more into the same one, in its own order", async () => {
  const first = file("first.csv", "id,when,Cost $\n1,2024-05-06T07:08:09.1234567Z,1.5\n9007199254740993,,\n");
  const created = await ingest(first, "Orders", "--create-table");
  assert.equal(created.code, 0, created.err);
  assert.match(created.err, /created table Orders with 3 columns\n/);
  assert.match(created.out, /^Orders: 2 records of 2 delivered, 0 rejected, in 1 batch, /);
  assert.ok(!`${created.err}${created.out}`.includes("\u001b"), "no escape codes in files");

  const second = file("second.ndjson.gz", gzipSync('{"Cost $":2,"extra":{"a":1},"id":3}\n'));
  const { code, err, out } = await ingest(second, "Orders", "--json");
  assert.equal(code, 0, err);
  assert.match(err, /field "extra" \(in 1 record\) has no column in Orders and was left out/);
  const summary = lastJson(out);
  assert.equal(out.trimEnd().split("\n").length, 1);
  assert.deepEqual([summary.ok, summary.read, summary.delivered, summary.rejected], [true, 1, 1, 0]);
  assert.deepEqual(summary.unknownFields, { extra: 1 });

  const { out: text } = await cli(["query", "Orders | order by id asc", ...at, "--csv"]);
  assert.equal(text, "id,when,Cost _\n1,2024-05-06T07:08:09.1234567Z,1.5\n3,,2\n9007199254740993,,\n");
});

test("bad lines are rejected by place and reason, the others arrive, and the exit code says it", async () => {
  const path = file("bad.ndjson", '{"n":1}\n{"n":"x"}\n{"n":\n[]\n{"n":2}\n');
  const schema = file("bad.schema.json", '{"table":"Bad","columns":{"n":"int"}}');
  const letters = join(folder, "letters.ndjson");
  const args = ["--schema", schema, "--create-table"];

  const { code, err, out } = await ingest(path, "Bad", ...args, "--dead-letter", letters, "--json");
  assert.equal(code, 1);
  assert.match(err, new RegExp(`rejected ${path}:2: column n \\(int\\) got "x": it is not an integer`));
  assert.match(err, new RegExp(`rejected ${path}:3: .*JSON`));
  assert.match(err, new RegExp(`rejected ${path}:4: a record is a JSON object, and this is an array`));
  const summary = lastJson(out) as {
    ok: boolean;
    read: number;
    delivered: number;
    rejected: number;
    rejections: { place: string }[];
  };
  assert.deepEqual([summary.ok, summary.read, summary.delivered, summary.rejected], [false, 5, 2, 3]);
  assert.deepEqual(
    summary.rejections.map((r) => r.place).sort(),
    [2, 3, 4].map((n) => `${path}:${n}`),
  );
  const kept = readFileSync(letters, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(kept.map((l) => l.place).sort(), summary.rejections.map((r) => r.place).sort());
  assert.deepEqual(await rowsOf("Bad | order by n asc"), [{ n: 1 }, { n: 2 }]);

  assert.equal((await ingest(path, "Bad", ...args, "--max-rejected", "3", "--quiet")).code, 0);
  const tooMany = await ingest(path, "Bad", ...args, "--max-rejected", "1", "--quiet");
  assert.equal(tooMany.code, 1);
  assert.match(tooMany.err, /^millrace: More than 1 records were rejected, the last at .*bad\.ndjson:\d/);
});

test("a schema that contradicts the table is refused before anything is sent", async () => {
  const path = file("c.csv", "n\n1\n");
  const schema = file("c.kql", ".create table Contra (n:int)");
  assert.equal((await ingest(path, "Contra", "--schema", schema, "--create-table", "--quiet")).code, 0);
  const other = file("other.kql", "n:string");
  const { code, err } = await ingest(path, "Contra", "--schema", other);
  assert.equal(code, 1);
  assert.match(err, /^millrace: Table Contra in database iot: column n is int, and the schema says string/);
  assert.deepEqual(await rowsOf("Contra | count"), [{ Count: 1 }]);
});

test("standard input, inferred and created", async () => {
  const input = Array.from({ length: 3_000 }, (_, i) => JSON.stringify({ i, g: i % 3 ? "a" : "b" })).join("\n");
  const args = ["ingest", "-", "--table", "Piped", "--create-table", ...at];
  const { code, err, out } = await cli(args, { input });
  assert.equal(code, 0, err);
  assert.match(out, /3 000 records of 3 000 delivered/);
  assert.deepEqual(await rowsOf("Piped | summarize n = count() by g | order by g asc"), [
    { g: "a", n: 2_000 },
    { g: "b", n: 1_000 },
  ]);
  const broken = await cli(["ingest", "-", "--table", "Piped", ...at], { input: "hello" });
  assert.equal(broken.code, 1);
  assert.match(broken.err, /^millrace: Cannot tell the format of stdin/);
  const none = ["ingest", "-", "--format", "ndjson", "--table", "Nothing", "--create-table", ...at];
  const torn = await cli(none, { input: '{"a":\n{"a":1]\n' });
  assert.equal(torn.code, 1);
  assert.match(torn.err, /Table Nothing cannot be inferred: no record could be read, the first at stdin:1: /);
});

test("several files, by a pattern", async () => {
  file("part-1.csv", "a\n1\n");
  file("part-2.csv", "a\n2\n3\n");
  const { code, err, out } = await ingest(join(folder, "part-*.csv"), "Parts", "--create-table");
  assert.equal(code, 0, err);
  assert.match(out, /3 records of 3 delivered/);
  assert.deepEqual(await rowsOf("Parts | count"), [{ Count: 3 }]);
});

test("the environment names the cluster; commands and tables in the terminal", async () => {
  const env = { MILLRACE_CLUSTER: at[1]!, MILLRACE_DATABASE: "iot" };
  const { code, out, err } = await cli(["query", ".show tables | project TableName | where TableName == 'Parts'"], {
    env,
  });
  if (code !== 0) assert.match(err, /millrace: /);
  else assert.match(out, /TableName\n-+\nParts\n/);
  const plain = await cli(["query", "Parts | order by a asc", ...at]);
  assert.equal(plain.out, "a\n-\n1\n2\n3\n");
  assert.equal(plain.err, "3 rows\n");
  const bad = await cli(["query", "Parts | nonsense", ...at]);
  assert.equal(bad.code, 1);
  assert.match(bad.err, /^millrace: /);
  assert.equal(bad.err.trimEnd().split("\n").length, 1);
});

test("a dead letter that cannot be written fails the run, and nobody is sent to look for it", async () => {
  const path = join(folder, "unkept.ndjson");
  writeFileSync(path, '{"n":1}\n{oops\n');
  const { code, err } = await ingest(path, "Unkept", "--create-table", "--dead-letter", join(folder, "no", "letters"));
  assert.equal(code, 1);
  assert.match(err, /\nmillrace: .*dead letter .*letters cannot be written: ENOENT/);
  assert.doesNotMatch(err, /rejected records are in/);
});

test("Ctrl-C ends a run in good order, with 130 and what had been delivered", async () => {
  const running = startCli([
    "ingest",
    "-",
    "--table",
    "Stopped",
    "--create-table",
    "--json",
    "--infer-records",
    "1",
    ...at,
  ]);
  running.child.stdin.write(`${JSON.stringify({ a: "x".repeat(100) })}\n`.repeat(20_000));
  await until(() => running.child.stdin.writableLength === 0);
  await new Promise((resolve) => setTimeout(resolve, 500));
  running.child.kill("SIGINT");
  const { code, err, out } = await running.done;
  assert.equal(code, 130);
  assert.match(err, /millrace: interrupted/);
  assert.doesNotMatch(err, /\n {4}at /);
  assert.deepEqual(lastJson(out).ok, false);
  assert.ok(existsSync(folder));
});

/** Has a process of Node say when it begins to listen for Ctrl-C; before that it would simply be killed. */
const tellsWhenListening = `--import=data:text/javascript,${encodeURIComponent(
  "process.on('newListener', (name) => { if (name === 'SIGINT') process.stderr.write('listening;') })",
)}`;

test("Ctrl-C ends the wait for standard input", async () => {
  const running = startCli(["ingest", "-", "--table", "Events", ...at], { NODE_OPTIONS: tellsWhenListening });
  await once(running.child.stderr, "data");
  running.child.kill("SIGINT");
  const { code, err } = await running.done;
  assert.equal(code, 130);
  assert.match(err, /^listening;millrace: interrupted\. Aborted while reading stdin/);
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}
