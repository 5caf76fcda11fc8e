import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { readSchema } from "../../src/schema/file.ts";
import { cli, lastJson, type Outcome, type RunningCli, startCli } from "./run-cli.ts";

// Files as people have them, by the real command line into one emulator.

const folder = mkdtempSync(join(tmpdir(), "millrace-dialect-cli-"));
let emulator: RunningCli;
let at: string[];

before(async () => {
  emulator = startCli(["emulator", "--json", "--database", "iot"]);
  at = ["--cluster", JSON.parse(await emulator.firstLine).url, "--database", "iot"];
  const schema = file("t.json", '{"columns":{"id":"int","name":"string","at":"datetime"}}');
  const made = await ingest(file("t.csv", "id,name,at\n0,zero,\n"), "T", "--schema", schema, "--create-table");
  assert.equal(made.code, 0, made.err);
});

after(async () => {
  emulator.child.kill("SIGTERM");
  await emulator.done;
  rmSync(folder, { recursive: true });
});

let count = 0;
function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, `${++count}-${name}`);
  writeFileSync(path, content);
  return path;
}

const ingest = (path: string, table: string, ...more: string[]): Promise<Outcome> =>
  cli(["ingest", path, "--table", table, ...at, ...more]);

async function rowsOf(query: string): Promise<unknown> {
  const { code, out, err } = await cli(["query", query, ...at, "--json"]);
  assert.equal(code, 0, err);
  return (lastJson(out) as { rows: object[] }).rows.map((row) => Object.values(row));
}

const refused: [what: string, name: string, content: string, more: string[], message: RegExp][] = [
  [
    "another delimiter than the one given",
    "a.csv",
    "id;name\n1;x\n",
    ["--delimiter", ","],
    /the delimiter seems to be ";"/,
  ],
  ["no header", "a.csv", "1,x,2024-05-06\n2,y,2024-05-07\n", [], /the first line seems to be data \(.*--no-header\)/],
  [
    "names that differ by case, twice",
    "a.csv",
    "ID,Id\n1,2\n",
    [],
    /several names differ only by letter case \("ID", "Id"\)/,
  ],
  [
    "other names",
    "a.csv",
    "a,b\n1,2\n",
    [],
    /none of its fields \("a", "b"\) has a column in table T \("id", "name", "at"\)\. No record was read/,
  ],
  ["JSON with other names", "a.ndjson", '{"a":1}\n{"b":1}\n', [], /none of its fields \("a", "b"\) has a column/],
  [
    "--strict, and one name too many",
    "a.csv",
    "id,extra\n1,2\n",
    ["--strict"],
    /no column for field "extra"\. With --strict/,
  ],
  [
    "--strict, and members of a document beside its records",
    "one.json",
    '{"id":1,"children":[{"id":2}]}\n',
    ["--strict"],
    /one\.json: "id" beside the array of records would be left out; --path names the array.* With --strict nothing was sent/,
  ],
  ["blank lines", "a.csv", "\n\n\n", [], /holds no record, and it is not empty/],
];

for (const [what, name, content, more, message] of refused)
  test(`stops before the first row: ${what}`, async () => {
    const before = await rowsOf("T | count");
    const { code, err } = await ingest(file(name, content), "T", ...more);
    assert.equal(code, 1, err);
    assert.match(err, message);
    assert.deepEqual(await rowsOf("T | count"), before);
  });

test("the second of several files does not fit: the first is not sent either", async () => {
  const before = await rowsOf("T | count");
  const good = file("good.csv", "id,name\n1,x\n");
  const { code, err } = await cli(["ingest", good, file("bad.csv", "a,b\n1,2\n"), "--table", "T", ...at]);
  assert.equal(code, 1);
  assert.match(err, /bad\.csv: none of its fields/);
  assert.deepEqual(await rowsOf("T | count"), before);
});

test("names in other letter case go to the column they mean, and it is said", async () => {
  const { code, err } = await ingest(file("a.csv", "ID,Name\n11,eleven\n"), "T");
  assert.equal(code, 0, err);
  assert.match(err, /note: field "ID" goes to column id\nnote: field "Name" goes to column name\n/);
  assert.deepEqual(await rowsOf("T | where id == 11 | project name"), [["eleven"]]);
});

test("a field without a column: a warning that --quiet does not silence", async () => {
  const { code, err } = await ingest(file("a.csv", "id,extra\n12,x\n"), "T", "--quiet");
  assert.equal(code, 0);
  assert.match(err, /^warning: .*a\.csv: table T has no column for field "extra": left out\n$/);
});

test("one object on one line is a record, and in a .json file a note says what is left out", async () => {
  const text = '{"id":1,"children":[{"id":2},{"id":3}]}\n';
  const schema = file("one.kql", ".create-merge table One (id:int, children:dynamic)");
  const line = await ingest(file("one.log", text), "One", "--schema", schema, "--create-table");
  assert.equal(line.code, 0, line.err);
  assert.doesNotMatch(line.err, /left out/);
  assert.deepEqual(await rowsOf("One | project id, tostring(children)"), [[1, '[{"id":2},{"id":3}]']]);
  const document = await ingest(file("one.json", text), "One");
  assert.match(
    document.err,
    /note: .*one\.json: the records are the elements of "children"; "id" beside it is left out\. --path '\$' reads the object itself\.\n/,
  );
  assert.deepEqual(await rowsOf("One | order by id asc | project id"), [[1], [2], [3]]);
  const features = '{"type":"FeatureCollection","name":"x","features":[{"id":4}]}';
  assert.equal((await ingest(file("a.geojson", features), "One", "--strict")).code, 0);
  const whole = await ingest(file("one.json", text), "One", "--strict", "--path", "$");
  assert.equal(whole.code, 0, whole.err);
});

test("a field that comes later: a warning, too; with --strict an error", async () => {
  const lines = Array.from({ length: 400 }, (_, i) => `{"id":${1000 + i}${i === 399 ? ',"late":1' : ""}}`).join("\n");
  const quiet = await ingest(file("a.ndjson", lines), "T", "--quiet");
  assert.equal(quiet.code, 0);
  assert.equal(quiet.err, 'warning: field "late" (in 1 record) has no column in T and was left out\n');
  const strict = await ingest(file("a.ndjson", lines), "T", "--strict");
  assert.equal(strict.code, 1);
  assert.match(strict.err, /no column for "late", which came after the first records/);
});

test("sep=, semicolons, CR line ends and UTF-16: as Excel and old programs write them", async () => {
  const text = 'sep=;\rid;name;at\r21;"a;b";2024/05/06 07:08:09\r22;NA;NA\r';
  const { code, err } = await ingest(file("excel.csv", Buffer.from(`\ufeff${text}`, "utf16le")), "T");
  assert.equal(code, 0, err);
  assert.match(err, /the text is utf-16le/);
  assert.match(err, /the delimiter is ";", as its first line says/);
  assert.match(err, /note: column at: "NA" read as null \(1 time\)/);
  assert.deepEqual(await rowsOf("T | where id in (21, 22) | project id, name, at | order by id asc"), [
    [21, "a;b", "2024-05-06T07:08:09Z"],
    [22, "NA", null],
  ]);
});

test("--no-header: by the table's order, with or without the table", async () => {
  const path = file("a.csv", "31,x,2024-05-06\n32,y,\n");
  const into = await ingest(path, "T", "--no-header");
  assert.equal(into.code, 0, into.err);
  assert.deepEqual(await rowsOf("T | where id in (31, 32) | count"), [[2]]);
  const short = await ingest(file("b.csv", "33,z\n"), "T", "--no-header");
  assert.match(short.err, /warning: .*its rows have 2 fields, and the last 1 columns of T stay empty/);
  for (const _ of [1, 2]) assert.equal((await ingest(path, "Made", "--no-header", "--create-table")).code, 0);
  assert.deepEqual(await rowsOf("Made | where column_1 == 32 | project column_2"), [["y"], ["y"]]);
});

test("schema and ingest come to the same, with the same options", async () => {
  const text =
    "# made by x\n'id'|'t'|'n'|'big'\n1|'2024-05-06T07:08:09.123456789Z'|-|5.\n2|'2024-05-06 07:08:09 +0100'|x|.5\n";
  const path = file("odd.txt", text);
  const options = [
    "--format",
    "csv",
    "--quote",
    "'",
    "--comment",
    "#",
    "--null-text",
    "-",
    "--excess-precision",
    "truncate",
  ];
  const schema = await cli(["schema", path, ...options, "--table", "Odd"]);
  assert.equal(schema.code, 0, schema.err);
  assert.match(schema.err, /note: .*the delimiter is "\|"/);
  assert.match(schema.err, /note: column n: "-" is read as null/);
  assert.equal(schema.err.match(/the delimiter is/g)?.length, 1, "said once");
  assert.deepEqual(
    readSchema(schema.out, "s").columns.map(({ name, kind }) => `${name}:${kind}`),
    ["id:int", "t:datetime", "n:string", "big:real"],
  );
  const { code, err } = await ingest(path, "Odd", ...options, "--create-table");
  assert.equal(code, 0, err);
  assert.match(err, /note: column n: "-" is read as null/);
  assert.deepEqual(await rowsOf("Odd | order by id asc"), [
    [1, "2024-05-06T07:08:09.1234567Z", "", 5],
    [2, "2024-05-06T06:08:09Z", "x", 0.5],
  ]);
});

test("nanoseconds: schema says what would make them datetimes", async () => {
  const { err, out } = await cli(["schema", file("ns.csv", "t\n2024-05-06T07:08:09.123456789Z\n")]);
  assert.match(out, /"t": "string"/);
  assert.match(err, /note: column t is a string, .*--excess-precision truncate/);
});

test("a value that does not fit is rejected by file, line, column and value, with what to do", async () => {
  const path = file("bad.csv", "id,name,at\n41,x,01/02/2015\n1.5,y,\n42,z,2024-05-06\n");
  const { code, err } = await ingest(path, "T");
  assert.equal(code, 1);
  assert.match(
    err,
    /rejected .*bad\.csv:2: column at \(datetime\) got "01\/02\/2015": .*day and month could be either way round/,
  );
  assert.match(err, /rejected .*bad\.csv:3: column id \(int\) got "1\.5": it is not an integer/);
  assert.deepEqual(await rowsOf("T | where id == 42 | project name"), [["z"]]);
});

test("standard input: fields are matched before the first row, and a header alone is said", async () => {
  const stdin = (input: string, ...more: string[]) =>
    cli(["ingest", "-", "--format", "csv", "--table", "T", ...at, ...more], { input });
  const none = await stdin("x;y\n1;2\n");
  assert.equal(none.code, 1);
  assert.match(none.err, /stdin: none of its fields \("x", "y"\)/);
  const some = await stdin("ID;name\n51;x\n");
  assert.equal(some.code, 0, some.err);
  assert.deepEqual(await rowsOf("T | where id == 51 | project name"), [["x"]]);
  const alone = await stdin("id,name\n");
  assert.equal(alone.code, 0);
  assert.match(alone.err, /stdin holds no record: a CSV header/);
  const made = await cli(["ingest", "-", "--format", "csv", "--table", "FromStdin", ...at, "--create-table"], {
    input: "a,b\n1,NA\n2,3\n",
  });
  assert.equal(made.code, 0, made.err);
  assert.deepEqual(await rowsOf("FromStdin | order by a asc"), [
    [1, null],
    [2, 3],
  ]);
});

test("NUL bytes and U+FFFD arrive as they are", async () => {
  const { code, err } = await ingest(file("nul.csv", "id,name\n61,a\0b\ufffd\n"), "T");
  assert.equal(code, 0, err);
  assert.deepEqual(await rowsOf("T | where id == 61 | project name"), [["a\0b\ufffd"]]);
});

test("a rejected row of another dialect comes back from the dead letter as it was read", async () => {
  const text = "id;name;at\n71;'a;''b';x\n?;'c;''d';-9\n73;'e'f;-9\n";
  const letters = join(folder, "letters.ndjson");
  const options = ["--quote", "'", "--null-text=-9", "--dead-letter", letters];
  const { code, err } = await ingest(file("quotes.csv", text), "T", ...options);
  assert.equal(code, 1, err);
  const kept = readFileSync(letters, "utf8").trimEnd().split("\n");
  assert.equal(kept.length, 3);
  const row = kept.map((line) => JSON.parse(line)).find(({ original }) => typeof original === "string");
  assert.deepEqual(row.source.dialect, { quote: "'" });
  assert.deepEqual(row.source.nullTexts, ["-9"]);
  const mended = kept.map((line) =>
    line.replace('"at":"x"', '"at":"-9"').replace('"id":"?"', '"id":"72"').replace("'e'f", "'e''f'"),
  );
  writeFileSync(letters, `${mended.join("\n")}\n`);
  const replayed = await cli(["replay-dlq", letters, "--table", "T", ...at]);
  assert.equal(replayed.code, 0, replayed.err);
  assert.deepEqual(await rowsOf("T | where id in (71, 72, 73) | project id, name, at | order by id asc"), [
    [71, "a;'b", null],
    [72, "c;'d", null],
    [73, "e'f", null],
  ]);
});

test("verify compares what ingest did, with the same options", async () => {
  const path = file("verify.csv", "ID;Name\n1;NA\n2;x\n");
  const options = ["--null-text", "NA"];
  const made = await cli([
    "ingest",
    file("v.csv", "id;name\n"),
    path,
    "--table",
    "V",
    ...at,
    "--create-table",
    ...options,
  ]);
  assert.equal(made.code, 0, made.err);
  const same = await cli(["verify", path, "--table", "V", ...at, ...options]);
  assert.equal(same.code, 0, same.out + same.err);
});
