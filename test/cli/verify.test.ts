import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { after, before, test } from "node:test";
import { ingest } from "../../src/cli/ingest.ts";
import { readSchemaFile } from "../../src/cli/target-table.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { compareFiles, type Verdict } from "../../src/cli/verify.ts";
import { type KustoAdmin, kustoAdmin } from "../../src/connectors/kusto/admin.ts";
import { type Emulator, startEmulator } from "../../src/emulator/index.ts";
import { kinds as kindNames } from "../../src/schema/kinds.ts";
import { k, table } from "../../src/schema/table.ts";
import type { FilesOptions } from "../../src/source/file-options.ts";
import { cli } from "./run-cli.ts";

// Real files and the emulator: the one side is reckoned in this program, the other by KQL in the emulator's database.

const folder = mkdtempSync(join(tmpdir(), "millrace-verify-"));
const vega = new URL("../../node_modules/vega-datasets/data/", import.meta.url).pathname;
const signal = new AbortController().signal;
let emulator: Emulator;
let admin: KustoAdmin;
let at: { cluster: string; database: string };

before(async () => {
  emulator = await startEmulator({ databases: ["iot"] });
  at = { cluster: emulator.url, database: "iot" };
  admin = await kustoAdmin(at);
});

after(async () => {
  admin.close();
  await emulator.close();
  rmSync(folder, { recursive: true });
});

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

interface How {
  readonly path?: string;
  readonly delimiter?: string;
  readonly schema?: string;
}

/** Returns the summary of the command. */
async function land(paths: string | string[], table: string, how: How = {}): Promise<Record<string, unknown>> {
  let out = "";
  const sinkhole = new Writable({ write: (_chunk, _encoding, done) => done() });
  const stdout = new Writable({
    write(chunk, _encoding, done) {
      out += chunk;
      done();
    },
  });
  const terminal = { out: stdout, err: sinkhole, isLive: false, hasColor: false } as unknown as Terminal;
  const flags = { createTable: true, quiet: true, json: true, format: "auto" as const, inferRecords: 100_000 };
  await ingest([paths].flat(), { ...at, ...flags, ...how, table }, terminal);
  return JSON.parse(out);
}

async function verdict(paths: string | string[], table: string, { schema, ...options }: How = {}): Promise<Verdict> {
  return compareFiles({
    admin,
    database: "iot",
    table: await admin.table(table),
    patterns: [paths].flat(),
    options: options as FilesOptions,
    inferRecords: 100_000,
    schema: schema === undefined ? undefined : await readSchemaFile(schema),
    signal,
  });
}

async function assertSame(paths: string | string[], table: string, how: How = {}): Promise<Verdict> {
  const result = await verdict(paths, table, how);
  assert.deepEqual(result.differing, [], table);
  return result;
}

/** The columns that differ. */
async function differing(path: string, table: string): Promise<string[]> {
  const columns = (await verdict(path, table)).differing.map(({ what }) => what.replace(/: [^:]*$/, ""));
  return [...new Set(columns)].sort();
}

/** Several arrays in one object, or documents: `millrace ingest` asks for --path. */
const paths: Readonly<Record<string, string>> = {
  "miserables.json": "nodes",
  "us-10m.json": "$",
  "world-110m.json": "$",
  "londonTubeLines.json": "$",
};
const noRecords = ["annual-precip.json"];

test("every data set that was just ingested verifies as the same", async (t) => {
  const dataSets = readdirSync(vega).filter((name) => /\.(csv|tsv|json)$/.test(name) && !noRecords.includes(name));
  assert.ok(dataSets.length > 60, `${dataSets.length}`);
  let rows = 0;
  for (const name of dataSets) {
    const how = paths[name] === undefined ? {} : { path: paths[name] };
    const { delivered } = await land(join(vega, name), name.replace(/\W/g, "_"), how);
    const same = await assertSame(join(vega, name), name.replace(/\W/g, "_"), how);
    assert.equal(same.rows, delivered, name);
    assert.ok(same.rows > 0, name);
    rows += same.rows;
  }
  t.diagnostic(`${dataSets.length} files, ${rows} rows`);
});

const kinds = [
  '{"columns":{"s":"string","l":"long","i":"int","b":"bool","r":"real","d":"datetime","t":"timespan","g":"guid","n":"decimal","j":"dynamic"}}',
  [
    '{"s":"a","l":9223372036854775807,"i":1,"b":true,"r":1.5,"d":"2024-05-06T07:08:09.1234567Z","t":"1.02:03:04.5","g":"74BE27DE-1e4e-49d9-b579-fe0b331d3642","n":"1.10","j":{"a":1}}',
    '{"s":"","l":9223372036854775807,"i":-2147483648,"b":false,"r":"NaN","d":"0001-01-01","t":"-00:00:01","g":null,"n":"-0.0000000001","j":[1,2,{"x":null}]}',
    '{"s":"ü😀","l":-9223372036854775808,"i":null,"r":1e300,"d":"9999-12-31T23:59:59.9999999Z","t":"10675199.02:48:05.4775807","j":"text"}',
    '{"s":null,"l":0,"r":"-inf","j":2.5,"n":"99999999"}',
    '{"s":"long ","r":-0.0000001,"j":true}',
    '{"r":123456789.125,"j":""}',
    "{}",
    '{"i":"no integer"}',
    "{broken",
  ],
] as const;

test("all kinds with their nulls, extremes and rejected rows verify as the same, and a changed cell of each is found", async () => {
  const schema = file("kinds.schema.json", kinds[0]);
  const path = file("kinds.ndjson", kinds[1].join("\n"));
  await land(path, "Kinds", { schema });
  const same = await assertSame(path, "Kinds");
  assert.deepEqual([same.rows, same.rejected], [7, 2]);
  for (const [column, from, to] of [
    ["s", '"s":"a"', '"s":"b"'],
    ["l", '"l":0', '"l":1'],
    ["i", '"i":1,', '"i":2,'],
    ["b", '"b":true', '"b":false'],
    ["r", '"r":1.5', '"r":1.5000000000000002'],
    ["r", '"r":-0.0000001', '"r":-0.00000010000000000000001'],
    ["r", '"r":1e300', '"r":2e300'],
    ["r", '"r":"NaN"', '"r":null'],
    ["d", "09.1234567Z", "09.1234568Z"],
    ["t", '"t":"1.02:03:04.5"', '"t":"1.02:03:04.5000001"'],
    ["g", '"g":"74BE', '"g":"74bf'],
    ["n", '"n":"1.10"', '"n":"1.1000000001"'],
    ["j", '"j":{"a":1}', '"j":{"a":1,"b":1}'],
    ["j", '"j":[1,2,', '"j":[1,2,3,'],
    ["j", '"j":"text"', '"j":"texu"'],
    ["j", '"j":2.5', '"j":2.75'],
    ["j", '"j":true', '"j":false'],
  ] as const) {
    const text = readFileSync(path, "utf8");
    assert.ok(text.includes(from), from);
    assert.deepEqual(
      await differing(file("changed.ndjson", text.replace(from, to)), "Kinds"),
      [column],
      `${from} ${to}`,
    );
  }
});

test("a changed cell of real files is found in its column", async () => {
  for (const [name, table, column, from, to] of [
    ["seattle-weather.csv", "seattle_weather_csv", "precipitation", "2012-01-02,10.9,", "2012-01-02,10.8,"],
    ["seattle-weather.csv", "seattle_weather_csv", "weather", "2.8,rain", "2.8,snow"],
    ["stocks.csv", "stocks_csv", "price", "39.81", "39.82"],
    ["cars.json", "cars_json", "Horsepower", '"Horsepower":130', '"Horsepower":131'],
  ] as const) {
    const text = readFileSync(join(vega, name), "utf8");
    assert.ok(text.includes(from), `${name} has ${from}`);
    const changed = file(name, text.replace(from, to));
    assert.deepEqual(await differing(changed, table), [column], name);
  }
});

test("renamed fields, CSV in another order, more columns, JSON beside CSV, and empty texts", async () => {
  const csv = file("names.csv", 'My $,"a,b",__x\n1,,2024-01-01\n2,x,\n');
  await land(csv, "Names");
  assert.deepEqual(
    (await admin.table("Names")).list.map(({ name }) => name),
    ["My _", "a_b", "_x"],
  );
  await assertSame(csv, "Names");
  await admin.execute(".alter-merge table Names (more:real, other_:dynamic)");
  await assertSame(csv, "Names");
  const other = file("names-2.csv", '"a,b",__x,My $\n"",2024-01-02,3\n');
  await land(other, "Names");
  await assertSame([csv, other], "Names");
  const json = file("names.ndjson", '{"a,b":"","My $":4,"unknown":1}\n{"__x":null}\n');
  await land(json, "Names");
  const same = await assertSame([join(folder, "names*.csv"), json], "Names");
  assert.deepEqual([same.rows, same.unknownFields], [5, { unknown: 1 }]);
  assert.deepEqual(await differing(csv, "Names"), ["My _", "_x", "rows"]);
});

test("a field that first appears late goes to its column, into a table that exists, too", async () => {
  const lines = Array.from({ length: 1_000 }, (_, id) => JSON.stringify(id < 900 ? { id } : { id, "late $": "x" }));
  const path = file("late.ndjson", lines.join("\n"));
  await land(path, "Late");
  await assertSame(path, "Late");
  const again = await land(path, "Late");
  assert.deepEqual(again.unknownFields, {});
  const { rows } = await admin.query("Late | summarize countif(isnotempty(['late _']))");
  assert.deepEqual(rows, [[200]]);
  const twice = file("late-2.ndjson", lines.join("\n"));
  await assertSame([path, twice], "Late");
});

test("a table of many columns takes several queries", async () => {
  const record = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`c${i}`, i / 3]));
  const path = file("wide.ndjson", `${JSON.stringify(record)}\n`.repeat(3));
  await land(path, "Wide");
  await assertSame(path, "Wide");
  const changed = file(
    "wide-2.ndjson",
    `${JSON.stringify({ ...record, c59: 1 })}\n${JSON.stringify(record)}\n`.repeat(1),
  );
  assert.ok((await differing(changed, "Wide")).includes("c59"));
});

/** The queries of a comparison with a table of that many columns of each kind: their texts, not their answers. */
async function queriesFor(columnsOfEach: number): Promise<{ names: string[]; queries: string[] }> {
  const described = Object.fromEntries(
    Array.from({ length: columnsOfEach }, (_, i) =>
      kindNames.map((kind) => [`${kind} ${"of a long name ".repeat(8)}${i}.`, k[kind]()] as const),
    ).flat(),
  );
  const queries: string[] = [];
  const wide = table("Wider", described);
  await compareFiles({
    admin: {
      ...admin,
      table: async () => wide,
      columns: async () => wide.list.map(({ name, kind }) => ({ name, type: kind })),
      async query(text) {
        queries.push(text);
        return { columns: [], rows: [] };
      },
    },
    database: "iot",
    table: wide,
    patterns: [file("wider.ndjson", "{}\n")],
    options: {},
    inferRecords: 1,
    schema: undefined,
    signal,
  });
  return { names: Object.keys(described), queries };
}

test("queries are bounded, and a column of a wide table costs no more than one of a narrow table", async () => {
  const [narrow, wide] = [await queriesFor(5), await queriesFor(250)];
  for (const query of wide.queries) {
    const terms = [...query.matchAll(/\bf\d+ = /g)].length;
    assert.ok(terms <= 205, `${terms} terms`);
    assert.ok(query.length < 60_000, `${query.length} characters`);
    // What a query does not compare does not pass through it.
    assert.match(query, / \| project millrace_/);
    for (const [, operation] of query.matchAll(/ \| (\w+) /g))
      assert.ok(["project", "extend", "summarize"].includes(operation!), operation);
  }
  const text = wide.queries.join("\n");
  const length = (queries: readonly string[]) => queries.reduce((sum, query) => sum + query.length, 0);
  const perColumn = length(wide.queries) / wide.names.length;
  assert.ok(perColumn < 1.1 * (length(narrow.queries) / narrow.names.length), `${perColumn} characters of a column`);
  // A name of 1 024 characters must not stand once in each of 14 terms: twice as often where two queries share a column.
  for (const name of wide.names) {
    const times = text.split(name).length - 1;
    assert.ok(times >= 1 && times <= (name.startsWith("dynamic") ? 8 : 4), `${name}: ${times} times`);
  }
  const typed = [...text.matchAll(/gettype\(/g)].length;
  assert.ok(typed <= 2 * 2 * 250, `${typed} calls of gettype for 250 columns`);
});

test("the command says what differs, and what to do where the table is missing can be done", async () => {
  const path = file("command.csv", "n\n1\n");
  await land(path, "Command");
  const flags = ["--table", "Command", "--cluster", at.cluster, "--database", "iot"];
  const same = await cli(["verify", path, ...flags]);
  assert.deepEqual([same.code, same.out], [0, "Command: the same on both sides, 1 row\n"]);
  const other = file("command-2.csv", "n,x\n1,\n2,y\n");
  const differs = await cli(["verify", other, ...flags]);
  assert.equal(differs.code, 1);
  assert.equal(
    differs.out,
    'rows: 2 in the files, 1 in the table\nn: values: 2 in the files, 1 in the table\nn: sum: 3 in the files, 1 in the table\nCommand: 3 figures differ\nnote: field "x" (in 2 records) has no column in Command and was left out\n',
  );
  const missing = await cli(["verify", path, "--table", "Nowhere", "--cluster", at.cluster, "--database", "iot"]);
  assert.equal(missing.code, 1);
  assert.match(missing.err, /^millrace: Table Nowhere does not exist in database iot\.$/m);
  assert.doesNotMatch(missing.err, /create-table/);
});
