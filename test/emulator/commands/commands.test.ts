import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Emulator, startEmulator } from "../../../src/emulator/index.ts";
import { ask, refusal, rowsOf } from "../ask.ts";

let emulator: Emulator;
before(async () => {
  emulator = await startEmulator({ databases: ["demo", "Other DB"] });
});
after(() => emulator.close());

const schemaOf = async (table: string) => (await rowsOf(emulator, `.show table ${table} cslschema`))[0]![1];

test("create, create-merge and drop a table", async () => {
  await ask(emulator, '.create table A (s:string, l:long) with (folder="f", docstring="it\'s d")');
  assert.deepEqual(await rowsOf(emulator, ".show tables | where TableName == 'A'"), [["A", "demo", "f", "it's d"]]);
  // One that is there already stays as it is, and that is no error (documentation, ".create table").
  await ask(emulator, ".create table A (other:string)");
  assert.equal(await schemaOf("A"), "s:string,l:long");
  await ask(emulator, ".ingest inline into table A <| x,1");
  await ask(emulator, ".create-merge table A (l:long, more:string, when:datetime)");
  assert.equal(await schemaOf("A"), "s:string,l:long,more:string,when:datetime");
  assert.equal((await ask(emulator, "A")).rows, '[["x",1,"",null]]');
  assert.equal((await ask(emulator, "A | where more == '' | count")).rows, "[[1]]");
  assert.match((await refusal(emulator, ".create-merge table A (l:string)")).message, /'l' already exists.*'long'/);
  assert.match((await refusal(emulator, ".create table B (x:string, x:long)")).message, /'x'/);
  await ask(emulator, ".drop table A");
  assert.equal((await refusal(emulator, ".drop table A")).status, 400);
  assert.deepEqual(await rowsOf(emulator, ".drop table A ifexists"), []);
  assert.equal((await refusal(emulator, "A | count")).status, 400);
});

test("names in every quoting, and names that differ by case alone", async () => {
  const names = ["with space", 'double"quote', "it's", "back\\slash", "ünï😀", "T", "t"];
  for (const name of names) {
    const quoted = `["${name.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"]`;
    await ask(emulator, `.create table ${quoted} (${quoted}:long, ['other ''col']:string)`);
    await ask(emulator, `.ingest inline into table ${quoted} <| 7,x`);
    assert.equal((await ask(emulator, `${quoted} | project ${quoted}`)).rows, "[[7]]");
    assert.equal((await rowsOf(emulator, `.show table ${quoted} details | project TotalRowCount`))[0]![0], 1);
  }
  const listed = (await rowsOf(emulator, ".show tables | project TableName")).map(([name]) => name);
  assert.deepEqual(listed.sort(), names.sort());
  const columns = (await rowsOf(emulator, `.show table ['it\\'s'] cslschema`))[0]![1];
  assert.match(String(columns), /^\['it\\'s'\]:long,/);
});

test("databases: the names given and NetDefaultDB, in any case; others are refused by name", async () => {
  const names = (await rowsOf(emulator, ".show databases | project DatabaseName")).map(([name]) => name);
  assert.deepEqual(names, ["NetDefaultDB", "demo", "Other DB"]);
  await ask(emulator, ".create table Here (a:string)", "other db");
  assert.equal((await ask(emulator, "Here | count", "OTHER DB")).rows, "[[0]]");
  assert.equal((await refusal(emulator, "Here | count")).status, 400);
  const { code, message } = await refusal(emulator, ".show tables", "nowhere");
  assert.equal(code, "BadRequest_DatabaseNotExist");
  assert.match(message, /'nowhere'.*NetDefaultDB, demo, Other DB/);
});

test("schema as JSON and as rows", async () => {
  await ask(
    emulator,
    ".create table S (b:bool, t:datetime, m:decimal, d:dynamic, u:guid, i:int, l:long, r:real, s:string, g:timespan)",
  );
  const [row] = await rowsOf(emulator, ".show table S schema as json");
  const schema = JSON.parse(String(row![1])) as {
    Name: string;
    OrderedColumns: { Name: string; CslType: string; Type: string }[];
  };
  assert.equal(schema.Name, "S");
  assert.deepEqual(
    schema.OrderedColumns.map(({ CslType }) => CslType),
    ["bool", "datetime", "decimal", "dynamic", "guid", "int", "long", "real", "string", "timespan"],
  );
  const rows = await rowsOf(emulator, ".show database demo schema | where TableName == 'S' and ColumnName != ''");
  assert.equal(rows.length, 10);
  const [json] = await rowsOf(emulator, ".show database schema as json");
  assert.ok("S" in (JSON.parse(String(json![0])) as { Databases: { demo: { Tables: object } } }).Databases.demo.Tables);
});

test("ingestion mappings: create, alter, show, drop; a broken one is refused", async () => {
  await ask(emulator, ".create table M (a:string, b:long)");
  const text = JSON.stringify([{ column: "b", Properties: { Ordinal: 1 } }]);
  await ask(emulator, `.create table M ingestion csv mapping "m one" '${text}'`);
  assert.equal(
    (await refusal(emulator, `.create table M ingestion csv mapping "m one" '${text}'`)).code,
    "BadRequest_EntityAlreadyExists",
  );
  await ask(
    emulator,
    `.create-or-alter table M ingestion json mapping 'j' '[{"column":"a","path":"$.x[\\'y z\\'][0]"}]'`,
  );
  const shown = await rowsOf(emulator, ".show table M ingestion mappings | project Name, Kind, Table");
  assert.deepEqual(shown, [
    ["m one", "Csv", "M"],
    ["j", "Json", "M"],
  ]);
  assert.equal((await rowsOf(emulator, ".show table M ingestion csv mapping 'm one'"))[0]![2], text);
  for (const broken of ["x", "{}", '[{"Properties":{}}]', '[{"column":"a","Properties":{"Ordinal":"x"}}]'])
    assert.equal(
      (await refusal(emulator, `.create table M ingestion csv mapping 'z' '${broken}'`)).code,
      "BadRequest_InvalidMapping",
      broken,
    );
  assert.equal(
    (await refusal(emulator, `.create table M ingestion json mapping 'z' '[{"column":"a","path":"$["}]'`)).code,
    "BadRequest_InvalidMapping",
  );
  await ask(emulator, ".drop table M ingestion csv mapping 'm one'");
  assert.equal(
    (await refusal(emulator, ".show table M ingestion csv mapping 'm one'")).code,
    "BadRequest_EntityNotFound",
  );
});

test("inline ingestion: an extent with its tags, skipped by them, cleared", async () => {
  await ask(emulator, ".create table I (a:string, b:long)");
  await ask(emulator, `.ingest inline into table I with (format="csv", tags='["ingest-by:x","plain"]') <| a,1\nb,2`);
  await ask(emulator, `.ingest inline into table I with (ingestIfNotExists='["x"]') <| c,3`);
  const [extent] = await rowsOf(emulator, ".show table I extents | project RowCount, OriginalSize, Tags");
  assert.deepEqual(extent, [2, 7, "ingest-by:x\r\nplain"]);
  assert.equal((await ask(emulator, "I | count")).rows, "[[2]]");
  await ask(emulator, ".clear table I data");
  assert.equal((await ask(emulator, "I | count")).rows, "[[0]]");
  assert.equal((await ask(emulator, ".show table I extents | count")).rows, "[[0]]");
});

test("rows of many vectors arrive whole; a failure at their end leaves nothing behind", async () => {
  await ask(emulator, ".create table F (a:string, b:long)");
  // More than DuckDB's appender keeps to itself (204 800 rows), so that the failure finds rows in the table.
  const rows = Array.from({ length: 250_000 }, (_, index) => `x${index % 100},${index}`).join("\n");
  const stream = (body: string) =>
    fetch(`${emulator.url}/v1/rest/ingest/demo/F?streamFormat=csv`, { method: "POST", body });
  const refused = (await (await stream(`${rows}\nbroken`)).json()) as { error: { code: string } };
  assert.equal(refused.error.code, "Stream_WrongNumberOfFields");
  assert.equal((await ask(emulator, "F | count")).rows, "[[0]]");
  assert.equal((await ask(emulator, ".show table F extents | count")).rows, "[[0]]");
  assert.equal((await stream(rows)).status, 200);
  assert.equal((await ask(emulator, "F | summarize count(), sum(b), dcount(a)")).rows, "[[250000,31249875000,100]]");
});

test("version and cluster answer; other commands are refused by their words", async () => {
  assert.equal((await rowsOf(emulator, ".show version")).length, 1);
  assert.equal((await rowsOf(emulator, ".show cluster")).length, 1);
  assert.match((await refusal(emulator, ".show queries")).message, /command '\.show queries' is not supported/);
  assert.match((await refusal(emulator, ".nonsense")).message, /command '\.nonsense' is not supported/);
});

test("what is no request is refused, and the next one is answered", async () => {
  const post = (body: string, headers: Record<string, string> = {}) =>
    fetch(`${emulator.url}/v2/rest/query`, { method: "POST", body, headers });
  for (const body of ["", "{", "null", "[]", '{"csl":5}', '{"db":"demo"}', '{"csl":"  "}'])
    assert.equal((await post(body)).status, 400, body);
  assert.equal((await post("no gzip", { "content-encoding": "gzip" })).status, 400);
  assert.equal((await fetch(`${emulator.url}/nothing`)).status, 404);
  assert.equal((await fetch(`${emulator.url}/v1/rest/auth/metadata`)).status, 200);
  assert.equal((await ask(emulator, "print 1")).rows, "[[1]]");
});
