import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readSchema } from "../../src/schema/file.ts";
import { cli, lastJson, mainScript } from "./run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "millrace-cli-"));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const csv = file("in.csv", "id,when,Cost $\n1,2024-05-06,1.5\n2,,\n");
const to = ["--cluster", "http://127.0.0.1:9", "--database", "d"];

test("help: on stdout, exit code 0, with the exit codes", async () => {
  const { code, out, err } = await cli(["--help"]);
  assert.equal(code, 0);
  assert.match(out, /Exit codes:/);
  for (const command of ["ingest", "schema", "query", "emulator", "demo"])
    assert.match(out, new RegExp(`\\b${command}\\b`));
  assert.equal(err, "");
  assert.equal((await cli(["ingest", "--help"])).code, 0);
});

const usageErrors: [args: string[], message: RegExp][] = [
  [["nonsense"], /unknown command 'nonsense'/],
  [["ingest", csv], /required option '--table/],
  [["ingest", csv, "--table", "T", "--nonsense"], /unknown option '--nonsense'/],
  [["ingest", csv, "--table", "T", "--parallelism", "many"], /whole number/],
  [["ingest", csv, "--table", "T", "--gzip-level", "6"], /takes 1 or 2/],
  [["ingest", csv, "--table", "T", "--client-batch-size-limit", "big"], /300M/],
  [["ingest", csv, "--table", "T", "--format", "xml"], /Allowed choices/],
  [["ingest", csv, "--table", "T"], /no cluster: give --cluster/],
  [["ingest", csv, "--table", "T", "--cluster", "https://x.kusto.windows.net", "--database", "d"], /no login/],
  [
    ["ingest", csv, "--table", "T", "--cluster", "nonsense", "--database", "d", "--azure-cli"],
    /cluster "nonsense" is not a URL/,
  ],
  [["ingest", "-", csv, "--table", "T", ...to], /cannot be mixed/],
  [["schema", csv, "--json", "--kql"], /give one/],
  [["query", " ", ...to], /empty/],
  [["demo", "--json", "--nonsense"], /unknown option/],
];

for (const [args, message] of usageErrors)
  test(`usage: millrace ${args.map((a) => (a === csv ? "FILE" : a)).join(" ")}`, async () => {
    const { code, out, err } = await cli(args);
    assert.equal(code, 2);
    assert.match(err, message);
    if (args.includes("--json")) assert.equal(lastJson(out).ok, false);
    else assert.equal(out, "");
  });

const failures: [args: string[], message: RegExp][] = [
  [
    ["ingest", join(folder, "none.csv"), "--table", "T", ...to],
    /^millrace: Cannot read .*none\.csv: there is no such file\.\n$/,
  ],
  [["ingest", join(folder, "*.xyz"), "--table", "T", ...to], /^millrace: No file matches .*\*\.xyz\.\n$/],
  [
    ["ingest", csv, "--table", "T", "--schema", join(folder, "none.json"), ...to],
    /^millrace: Cannot read the schema .*none\.json/,
  ],
  [["ingest", csv, "--table", "T", "--schema", csv, ...to], /^millrace: Schema .*in\.csv: /],
  [["schema", folder], /is a directory/],
];

for (const [args, message] of failures)
  test(`failure in one line: ${message}`, async () => {
    const { code, err, out } = await cli(args);
    assert.equal(code, 1);
    assert.match(err, message);
    assert.equal(err.split("\n").length, 2);
    assert.equal(out, "");
  });

test("a refused connection is told in one line; with --verbose also its stack; with --json also as JSON", async () => {
  // A port on which nobody listens: one that was just given back.
  const port = await new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
  const args = ["query", "T | count", "--cluster", `http://127.0.0.1:${port}`, "--database", "d"];
  const [plain, verbose, json] = await Promise.all([cli(args), cli(["--verbose", ...args]), cli([...args, "--json"])]);
  assert.equal(plain.code, 1);
  assert.match(
    plain.err,
    new RegExp(`^millrace: .*127\\.0\\.0\\.1:${port}.* Nothing listens there: check the address`),
  );
  assert.equal(plain.err.trimEnd().split("\n").length, 1);
  assert.match(verbose.err, /\n {4}at .*\n/);
  const { ok, error } = lastJson(json.out) as { ok: boolean; error: { code: string } };
  assert.equal(ok, false);
  assert.equal(error.code, "UNREACHABLE");
});

test("schema: a file that ingest and the reader take, in each form", async () => {
  const plain = await cli(["schema", csv]);
  assert.equal(plain.code, 0);
  assert.match(plain.err, /from 2 records\nnote: field "Cost \$" becomes column Cost _\n/);
  const expected = {
    name: "in",
    columns: [
      { name: "id", kind: "int", isOptional: true },
      { name: "when", kind: "datetime", isOptional: true },
      { name: "Cost _", kind: "real", isOptional: true },
    ],
    renames: [{ field: "Cost $", column: "Cost _" }],
  };
  assert.deepEqual(readSchema(plain.out, "s"), expected);
  const json = await cli(["schema", csv, "--json", "--table", "My T"]);
  assert.equal(json.out.split("\n").length, 2);
  assert.deepEqual(readSchema(json.out, "s"), { ...expected, name: "My T" });
  const kql = await cli(["schema", csv, "--kql"]);
  assert.equal(kql.out, ".create-merge table ['in'] (['id']:int, ['when']:datetime, ['Cost _']:real)\n");
});

test("schema: what could not be read is told, and nothing to read at all is an error", async () => {
  const { code, err } = await cli(["schema", file("torn.ndjson", '{"a":1}\n{"a":\n[1]\n')]);
  assert.equal(code, 0);
  assert.match(
    err,
    /^unreadable .*torn\.ndjson:2: .*JSON.*\nunreadable .*torn\.ndjson:3: .*an array\nfrom 1 record\n$/,
  );
  const empty = await cli(["schema", file("empty.ndjson", "")]);
  assert.equal(empty.code, 1);
  assert.match(empty.err, /^millrace: Table empty cannot be inferred: no record could be read; give a schema\.\n$/);
  const torn = await cli(["schema", file("ragged.csv", "a,b\n1\n1,2,3\n")]);
  assert.equal(torn.code, 1);
  assert.match(
    torn.err,
    /millrace: Table ragged cannot be inferred: no record could be read, the first at .*ragged\.csv:2: it has 1 field where the header has 2; --ragged pad reads the missing fields as null\.\n$/,
  );
});

test("schema: the value that makes a column a string is told with its place", async () => {
  const rows = Array.from({ length: 100 }, (_, i) => (i === 15 ? "x7" : `${i}`)).join("\n");
  const { code, err } = await cli(["schema", file("exception.csv", `id\n${rows}\n`)]);
  assert.equal(code, 0);
  assert.match(
    err,
    /\nnote: column id is string because of "x7" \(.*exception\.csv:17\); its other 99 values are int\n$/,
  );
});

test("schema: from as many records as asked for", async () => {
  const path = file("widening.ndjson", '{"a":1}\n{"a":1.5}\n{"a":"x"}\n');
  const kinds = async (n: string) =>
    readSchema((await cli(["schema", path, "--infer-records", n])).out, "s").columns[0]?.kind;
  assert.deepEqual([await kinds("1"), await kinds("2"), await kinds("0")], ["int", "real", "string"]);
});

test("a reader that closes the pipe early is no failure", async () => {
  const { status } = spawnSync("bash", [
    "-c",
    `"${process.execPath}" "${mainScript()}" schema "${csv}" | head -c 1 >/dev/null; exit \${PIPESTATUS[0]}`,
  ]);
  assert.equal(status, 0);
});

const mistyped: [args: string[], message: string][] = [
  [["ingest", csv, "--tabel", "T"], "error: unknown option '--tabel'\n(Did you mean --table?)\n"],
  [["ingest", csv, "--tabel=secret"], "error: unknown option '--tabel'\n(Did you mean --table?)\n"],
  [["check", "--tabel", "T"], "error: unknown option '--tabel'\n(Did you mean --table?)\n"],
  [["verify", csv, "--tabel", "T"], "error: unknown option '--tabel'\n(Did you mean --table?)\n"],
  [["replay-dlq", csv, "--tabel", "T"], "error: unknown option '--tabel'\n(Did you mean --table?)\n"],
  [["bench", "--flie", csv], "error: unknown option '--flie'\n(Did you mean --file?)\n"],
  [["status", "--sate", "s"], "error: unknown option '--sate'\n(Did you mean --state?)\n"],
  [["log", "inspect", "--sate", "s"], "error: unknown option '--sate'\n(Did you mean --state?)\n"],
  [["ingest", csv, "--app-key=secret"], "error: unknown option '--app-key'\n(Did you mean --app-id?)\n"],
  [["--verbos", "demo"], "error: unknown option '--verbos'\n(Did you mean --verbose?)\n"],
  [["ingets", csv], "error: unknown command 'ingets'\n(Did you mean ingest?)\n"],
  [["log", "inspct"], "error: unknown command 'inspct'\n(Did you mean inspect?)\n"],
];

for (const [args, message] of mistyped)
  test(`mistyped: millrace ${args.map((a) => (a === csv ? "FILE" : a)).join(" ")}`, async () => {
    const { code, out, err } = await cli(args);
    assert.deepEqual({ code, out }, { code: 2, out: "" });
    assert.ok(err.startsWith(message), err);
    assert.doesNotMatch(err, /secret/);
  });

test("a value behind an equals sign is kept where the option is known, and after --", async () => {
  const known = await cli(["ingest", csv, "--table=T", "--format=xml"]);
  assert.match(known.err, /'--format <format>' argument 'xml' is invalid/);
  const operand = await cli(["schema", "--", "--tabel=T"]);
  assert.match(operand.err, /Cannot read .*--tabel=T/);
});

test("an option that is required is asked for, by commands within commands too", async () => {
  for (const [args, flags] of [
    [["ingest", csv], "--table <name>"],
    [["status"], "--state <folder>"],
    [["log", "inspect"], "--state <folder>"],
  ] as const) {
    const { code, err } = await cli(args);
    assert.equal(code, 2);
    assert.ok(err.startsWith(`error: required option '${flags}' not specified\n`), err);
  }
});
