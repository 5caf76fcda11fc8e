import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { corpus } from "../../bench/corpora/corpora.ts";
import type { Row } from "../../bench/row.ts";
import { recordsGroup } from "../../bench/suites/records.ts";
import { cli, lastJson } from "../cli/run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "millrace-bench-test-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function bench(script: string, args: readonly string[]) {
  return spawnSync(process.execPath, ["--import", "tsx", `bench/${script}.ts`, ...args], { encoding: "utf8" });
}

const keys = [
  ...["suite", "case", "corpus", "runtime", "unit", "value", "rival", "rivalValue", "ratio", "bytesIn", "bytesOut"],
  "spread",
];

test("a short run writes rows of the documented shape, whose sizes are those of real gzip", async () => {
  const [json, html] = [join(folder, "rows.json"), join(folder, "report.html")];
  const what = ["--suite", "records", "--corpus", "telemetry", "--records", "400", "--seconds", "0.05"];
  const run = bench("main", [...what, "--json", json, "--html", html]);
  assert.equal(run.status, 0, run.stderr);
  const rows: Row[] = JSON.parse(readFileSync(json, "utf8"));
  for (const row of rows) {
    assert.deepEqual(Object.keys(row), keys);
    assert.equal(row.runtime, `node ${process.versions.node}`);
    assert.ok(row.value > 0);
    assert.equal(row.ratio === null, row.rival === null);
  }
  assert.ok(rows.some((row) => row.rival === "CSV by hand + node:zlib level 1" && row.ratio! > 0));

  for (const { name, run } of recordsGroup(await corpus("telemetry", { mostRecords: 400 })).cases) {
    const { bytesIn, out } = await run();
    const member = Buffer.concat(out as Uint8Array[]);
    assert.equal(gunzipSync(member).length, bytesIn);
    const told = rows.find((row) => row.case === name && row.rival === null)!;
    assert.deepEqual([told.bytesIn, told.bytesOut], [bytesIn, member.length], name);
  }

  const page = readFileSync(html, "utf8");
  assert.match(page, /<svg[^>]*aria-label="records, telemetry: millrace CSV/);
  assert.doesNotMatch(page, /https?:|<script|<link|url\(/, "the report needs nothing but itself");
  assert.match(run.stdout, /Targets, node/);
});

test("the soak writes its samples, and the report shows them", () => {
  const [soak, html] = [join(folder, "soak.json"), join(folder, "soak.html")];
  const run = bench("soak", ["--gigabytes", "0.01", "--batch-mb", "2", "--json", soak]);
  assert.equal(run.status, 0, run.stderr);
  assert.match(run.stdout, /resident: idle/);
  const found = JSON.parse(readFileSync(soak, "utf8"));
  assert.ok(found.rawBytes >= 1e7 && found.batches >= 5 && found.samples.length >= 1);
  const rows = join(folder, "rows.json");
  const report = bench("main", ["--from", rows, "--soak", soak, "--html", html]);
  assert.equal(report.status, 0, report.stderr);
  assert.match(report.stdout, /soak: resident memory/);
  assert.match(readFileSync(html, "utf8"), /<h2>Memory while 0\.0 GB[\s\S]*<path d="M/);
});

test("a stranger's suite is refused, naming those that there are", () => {
  const { status, stderr } = bench("main", ["--suite", "record"]);
  assert.equal(status, 1);
  assert.match(stderr, /No suite record; there are records, encode/);
});

test("millrace bench packs a user's file, and shows its rivals", async () => {
  const file = "node_modules/vega-datasets/data/movies.json";
  const { code, out, err } = await cli(["bench", "--file", file, "--records", "500", "--seconds", "0.01"]);
  assert.equal(code, 0, err);
  assert.match(out, /millrace CSV +[\d ]+ .*\n[\s\S]*JSON\.stringify \+ node:zlib level 1 .*x/);
  assert.match(err, /500 records of 16 columns/);
});

test("millrace bench --json ends with one line of JSON", async () => {
  const file = "node_modules/vega-datasets/data/movies.json";
  const { code, out } = await cli(["bench", "--file", file, "--records", "500", "--seconds", "0.01", "--json"]);
  assert.equal(code, 0);
  const { ok, records, columns, cases } = lastJson(out) as {
    [name: string]: unknown;
    cases: { [name: string]: number }[];
  };
  assert.deepEqual({ ok, records, columns, cases: cases.length }, { ok: true, records: 500, columns: 16, cases: 6 });
  for (const c of cases) assert.ok(c.recordsPerSecond! > 0 && c.packedBytes! < c.rawBytes! && c.timesFaster! > 0);
});

test("millrace bench leaves out what would be rejected, and says so", async () => {
  const file = join(folder, "mixed.ndjson");
  // One that is no JSON, and one that does not fit the table of the first; a bigint is no reason to fall.
  writeFileSync(file, '{"id":1,"big":9007199254740993}\nnot JSON\n{"id":"x"}\n{"id":2}\n');
  const { code, out, err } = await cli([..."bench --seconds 0.01 --json --infer-records 1 --file".split(" "), file]);
  assert.equal(code, 0, err);
  assert.deepEqual([lastJson(out).records, lastJson(out).rejected], [2, 2]);
  assert.match(err, /2 records would be rejected and are left out/);
});

test("millrace bench without a file, or with one that is not there, says so", async () => {
  assert.equal((await cli(["bench"])).code, 2);
  const { code, err } = await cli(["bench", "--file", join(folder, "nope.csv")]);
  assert.equal(code, 1);
  assert.match(err, /nope\.csv: there is no such file/);
});
