import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { execute } from "../../../src/emulator/commands/execute.ts";
import { openCatalogue } from "../../../src/emulator/engine/catalogue.ts";
import { openStore } from "../../../src/emulator/engine/open-store.ts";
import { type Language, loadLanguage } from "../../../src/emulator/kql/language.ts";

let directory: string;
let language: Language;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "millrace-saved-"));
  language = await loadLanguage();
});
after(() => rm(directory, { recursive: true, force: true }));

/** An engine over a file, of which nothing is left in memory when it is closed. */
async function opened(file: string) {
  const store = await openStore(join(directory, file));
  const catalogue = await openCatalogue(store, ["demo"]);
  const run = async (text: string, database = "demo") => {
    const answer = await execute({ catalogue, language, failures: [] }, database, text);
    return answer.rows.map((row) => JSON.parse(row) as unknown[]);
  };
  return { run, catalogue, close: () => store.close() };
}

const setUp = [
  ".create tables A (s:string, n:long), B (n:long), Gone (x:string) with (folder='f')",
  ".alter table A docstring 'it''s \"d\" ünï'".replace("it''s", "it\\'s"),
  ".alter table A column-docstrings (n:'number')",
  ".create table Hidden (a:dynamic) with (hidden=true)",
  ".create table Based based-on A",
  `.create table A ingestion csv mapping "m" '[{"column":"n","Properties":{"Ordinal":1}}]'`,
  `.create database demo ingestion json mapping "d" '[{"column":"n","Path":"$.n"}]'`,
  ".alter table A policy merge '{\"AllowMerge\":false}'",
  '.alter database demo policy retention \'{"SoftDeletePeriod":"10.00:00:00","Recoverability":"Enabled"}\'',
  ".create function with (folder='g') F(least:long = 2) { A | where n >= least }",
  ".ingest inline into table A with (tags='[\"one\"]') <|\nx,1\ny,2",
  ".ingest inline into table A with (tags='[\"two\"]', creationTime='2020-01-01') <|\nz,3",
  ".alter-merge table A (late:datetime, more:string)",
  ".drop column A.late",
  ".alter-merge table A (again:real)",
  '.ingest inline into table A with (tags=\'["three","drop-by:x"]\') <|\nw,4,m,0.5',
  ".alter table A (again:real, n:long, s:string, more:string)",
  ".rename column A.more to extra",
  ".merge A (ONE, TWO)",
  ".set-or-replace Made <| A | project n, again",
  ".set-or-replace Made with (recreate_schema=true) <| A | project s",
  ".append B with (tags='[\"appended\"]') <| A | project n",
  ".rename tables B=Based, Based=B",
  ".drop table Gone",
  ".create database Other volatile",
  ".create database Dropped volatile",
  ".drop database Dropped",
  ".alter database demo prettyname 'Pretty'",
];

const looks = [
  ".show databases | project DatabaseName, PrettyName, DatabaseId",
  ".show database demo schema",
  ".show database schema as csl script",
  ".show tables details",
  ".show table A ingestion mappings",
  ".show database demo ingestion mappings",
  ".show table A policy merge",
  ".show table A policy retention",
  ".show functions",
  "F(3) | sort by n asc",
  "A | extend t = extent_tags(), i = extent_id(), at = ingestion_time() | sort by n asc",
  "Made | sort by s asc",
  "Based | sort by n asc",
  ".show table A extents | sort by ExtentId asc",
  ".show table Based extents | sort by ExtentId asc",
  ".show operations",
];

test("what was in the file is there again, word for word", async () => {
  const first = await opened("all");
  for (const text of setUp) {
    const [one, two] = text.includes("ONE") ? (await first.run(".show table A extents")).map(([id]) => String(id)) : [];
    await first.run(text.replace("ONE", one ?? "").replace("TWO", two ?? ""));
  }
  const before = [];
  for (const text of looks) before.push(await first.run(text));
  first.close();

  const second = await opened("all");
  for (const [index, text] of looks.entries()) assert.deepEqual(await second.run(text), before[index], text);
  // Numbers go on where they were: new rows and tables get no number that is taken.
  await second.run(".create table New (n:long)");
  await second.run(".ingest inline into table A with (tags='[\"four\"]') <|\n1.5,5,v,m");
  await second.run(".append New <| A | project n");
  assert.deepEqual(await second.run("A | summarize count() by t = tostring(extent_tags()) | summarize sum(count_)"), [
    [5],
  ]);
  assert.deepEqual(await second.run("A | where extent_tags() has 'four' | project n, s"), [[5, "v"]]);
  assert.deepEqual(await second.run("New | count"), [[5]]);
  second.close();

  const third = await opened("all");
  assert.deepEqual(await third.run("New | summarize sum(n)"), [[15]]);
  assert.deepEqual(await third.run(".show table New extents | project RowCount"), [[5]]);
  third.close();
});

test("an operation that was under way is told of as abandoned, a completed one as completed", async () => {
  const first = await opened("operations");
  await first.run(".create table T (a:string)");
  await first.run(".ingest inline into table T <| x");
  const [[done]] = (await first.run(".append async T <| T")) as [[string]];
  while (first.catalogue.operations.latest(done)!.state === "InProgress")
    await new Promise((resolve) => setImmediate(resolve));
  // One that never comes to its end, because the process does before it.
  const { id, isNoted } = first.catalogue.operations.start(
    { kind: "ExtentsMove", database: "demo", keepsResult: true },
    () => new Promise(() => {}),
  );
  await isNoted;
  first.close();

  const second = await opened("operations");
  const stateOf = async (operation: string) =>
    (await second.run(`.show operations ${operation} | project State`))[0]![0];
  assert.deepEqual([await stateOf(done), await stateOf(id)], ["Completed", "Abandoned"]);
  second.close();
});

test("a change that the store does not take leaves the catalogue as it was", async () => {
  const { run, catalogue, close } = await opened("failing");
  await run(".create table T (a:string)");
  const { transaction } = catalogue.store;
  const broken = { ...catalogue.store, transaction: () => Promise.reject(new Error("disk full")) };
  (catalogue as { store: unknown }).store = broken;
  for (const text of [
    ".alter table T docstring 'x'",
    ".alter-merge table T (b:long)",
    ".rename table T to U",
    ".alter table T policy merge '{\"AllowMerge\":false}'",
    ".create function F() { T }",
    ".create table V (a:string)",
    ".create database D volatile",
  ])
    await assert.rejects(run(text), /disk full/, text);
  (catalogue as { store: unknown }).store = { ...broken, transaction };
  assert.deepEqual(await run(".show table T cslschema | project Schema, DocString"), [["a:string", ""]]);
  assert.deepEqual(await run(".show tables | project TableName"), [["T"]]);
  assert.deepEqual(await run(".show functions"), []);
  assert.deepEqual(await run(".show databases | project DatabaseName"), [["demo"]]);
  close();
});
