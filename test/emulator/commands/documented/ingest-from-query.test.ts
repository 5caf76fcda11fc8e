import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type EngineHost, engineHost } from "../../engine-host.ts";

let host: EngineHost;
before(async () => {
  host = await engineHost();
  await host.ask(".create table MyExtents (ExtentId:string, CreatedOn:datetime)");
  await host.ask(".ingest inline into table MyExtents <|\na,2001-01-01\nb,2002-01-01\nc,2999-01-01");
});
after(() => host.close());

const old = "MyExtents | where CreatedOn < now() - time(30d) | project ExtentId";
const refused = (text: string, expected: RegExp) =>
  assert.rejects(host.ask(text), (error: Error) => expected.test(error.message) || assert.fail(error.message));
const column = async (text: string) => (await host.rows(text)).flat();
const extents = async (table: string) =>
  (await host.rows(`.show table ${table} extents | project RowCount, Tags | sort by RowCount asc`)) as [
    number,
    string,
  ][];

let made = 0;
const name = () => `Q${++made}`;

test("which command takes which table", async () => {
  const cases: readonly [verb: string, isThere: boolean, outcome: string[] | RegExp][] = [
    [".set", true, /already exists/],
    [".set", false, ["a", "b"]],
    [".append", true, ["a", "b", "old"]],
    [".append", false, /was not found/],
    [".set-or-append", true, ["a", "b", "old"]],
    [".set-or-append", false, ["a", "b"]],
    [".set-or-replace", true, ["a", "b"]],
    [".set-or-replace", false, ["a", "b"]],
  ];
  for (const [verb, isThere, outcome] of cases) {
    const T = name();
    if (isThere) await host.ask(`.set ${T} <| print ExtentId = 'old'`);
    const command = `${verb} ${T} <| ${old}`;
    if (outcome instanceof RegExp) {
      await refused(command, outcome);
      assert.equal((await host.rows(`.show tables | where TableName == '${T}'`)).length, isThere ? 1 : 0);
    } else {
      await host.ask(command);
      assert.deepEqual(await column(`${T} | sort by ExtentId asc`), outcome, command);
    }
  }
});

test("the answer: the extent that was made, and nothing where none was", async () => {
  const T = name();
  const answer = await host.ask(`.set ${T} with (distributed=true) <| ${old}`);
  assert.equal(
    answer.columns,
    "ExtentId:guid,OriginalSize:real,ExtentSize:real,CompressedSize:real,IndexSize:real,RowCount:long",
  );
  const [[id, size, , , , rows]] = JSON.parse(answer.rows) as [[string, number, number, number, number, number]];
  assert.deepEqual(await column(`.show table ${T} extents | project ExtentId`), [id]);
  assert.deepEqual([size, rows], [4, 2]);
  assert.equal((await host.ask(`.append ${T} <| ${old} | where ExtentId == 'nobody'`)).rows, "[]");
  assert.equal((await extents(T)).length, 1);
  await host.ask(`.set ${name()} <| ${old} | where false`);
  assert.deepEqual(await host.rows(`Q${made}`), [], "the table is there");
});

test("tags, and ingestIfNotExists that lets nothing in twice", async () => {
  const T = name();
  await host.ask(`.set ${T} <| print ExtentId = 'first'`);
  await host.ask(`.append ${T} with(tags='["TagA","TagB"]') <| ${old}`);
  assert.deepEqual(await extents(T), [
    [1, ""],
    [2, "TagA\r\nTagB"],
  ]);
  const once = `.set-or-append ${T} with(tags='["ingest-by:myTag"]', ingestIfNotExists='["myTag"]') <| ${old}`;
  assert.equal((await host.rows(once)).length, 1);
  assert.deepEqual(await host.rows(once), []);
  assert.equal((await host.rows(T)).length, 5);
  const [latest] = (await host.records(".show operations")).slice(-1);
  assert.equal(latest!.Operation, "TableSetOrAppend");
  assert.equal(latest!.State, "Skipped");
  assert.match(String(latest!.Status), /ingest-by:myTag/);
  assert.deepEqual(await host.rows(`.set-or-replace ${T} with(ingestIfNotExists='["myTag"]') <| ${old}`), []);
  assert.equal((await host.rows(T)).length, 5, "a replacement that is skipped replaces nothing");
  await host.ask(`.set-or-replace ${T} with(tags='["ingest-by:other"]') <| ${old}`);
  assert.deepEqual(await extents(T), [[2, "ingest-by:other"]]);
});

test("what lies under a tag goes over under another, from a staging table", async () => {
  const [S, T] = [name(), name()];
  await host.ask(`.create table ${S} (n:long)`);
  await host.ask(`.create table ${T} (n:long)`);
  for (const [tag, row] of [
    ["job/1/1", 1],
    ["job/1/2", 2],
    ["job/1/2", 3],
    ["job/10/2", 4],
  ])
    await host.ask(`.ingest inline into table ${S} with (tags='["${tag}"]') <|\n${row}`);
  const append = `.append ${T} with (tags='["ingest-by:epoch-1"]', ingestIfNotExists='["epoch-1"]') <| ${S} | where set_has_element(extent_tags(), 'job/1/2')`;
  const byText = append.replace(
    "set_has_element(extent_tags(), 'job/1/2')",
    "tostring(extent_tags()) has '\"job/1/2\"'",
  );
  await host.ask(byText);
  await host.ask(byText);
  assert.deepEqual(await column(`${T} | sort by n asc`), [2, 3]);
  assert.deepEqual(await extents(T), [[2, "ingest-by:epoch-1"]]);
});

test("columns go by their order and types; names do not matter, and nothing is widened", async () => {
  const T = name();
  await host.ask(`.set ${T} <| print a = 1, b = 'x'`);
  await host.ask(`.append ${T} <| print zzz = 2, yyy = 'y'`);
  assert.deepEqual(await host.rows(`${T} | project a, b | sort by a asc`), [
    [1, "x"],
    [2, "y"],
  ]);
  const wrong: readonly [query: string, types: string][] = [
    ["print 3", "long"],
    ["print b = 'x', a = 3", "string,long"],
    ["print toint(3), 'x'", "int,string"],
    ["print 3.0, 'x'", "real,string"],
    ["print 3, 'x', 'more'", "long,string,string"],
  ];
  for (const [query, types] of wrong)
    for (const verb of [".append", ".set-or-append", ".set-or-replace"])
      await refused(
        `${verb} ${T} <| ${query}`,
        new RegExp(
          `Query schema does not match table schema\\. QuerySchema=\\('${types}'\\), TableSchema=\\('long,string'\\)`,
        ),
      );
  assert.equal((await host.rows(T)).length, 2);
});

test("extend_schema adds columns at the end, recreate_schema makes them anew", async () => {
  const T = name();
  await host.ask(`.set ${T} with (folder="f", docstring="d") <| print a = 1`);
  assert.deepEqual(await host.rows(`.show tables | where TableName == '${T}' | project Folder, DocString`), [
    ["f", "d"],
  ]);
  await host.ask(`.append ${T} with (extend_schema=true) <| print x = 2, more = 'm'`);
  assert.deepEqual(await host.rows(`${T} | project a, more | sort by a asc`), [
    [1, ""],
    [2, "m"],
  ]);
  await refused(`.append ${T} with (extend_schema=true) <| print 'x', 'y', 'z'`, /Query schema does not match/);
  await host.ask(`.set-or-replace ${T} with (recreate_schema=true) <| ${T} | project more, twice = a * 2`);
  assert.equal((await host.ask(`${T} | sort by twice asc`)).columns, "more:string,twice:long");
  assert.deepEqual(await host.rows(`${T} | sort by twice asc`), [
    ["", 2],
    ["m", 4],
  ]);
  await host.ask(`.append ${T} <| print 'n', 6`);
  assert.deepEqual(await column(`${T} | sort by twice asc | project twice`), [2, 4, 6]);
});

test("a replacement may read what it replaces", async () => {
  const T = name();
  await host.ask(`.set ${T} <| datatable(n:long) [1, 2, 3]`);
  await host.ask(`.set-or-replace ${T} <| ${T} | where n > 1`);
  await host.ask(`.append ${T} <| ${T} | extend n = n * 10`);
  assert.deepEqual(await column(`${T} | sort by n asc`), [2, 3, 20, 30]);
});

test("creationTime is the extent's", async () => {
  const T = name();
  await host.ask(`.set ${T} with(creationTime='2017-02-13T11:09:36.7992775Z') <| ${old}`);
  assert.deepEqual(await host.rows(`.show table ${T} extents | project MinCreatedOn, MaxCreatedOn`), [
    ["2017-02-13T11:09:36.7992775Z", "2017-02-13T11:09:36.7992775Z"],
  ]);
});

test("a .show command can be ingested, other commands cannot", async () => {
  const T = name();
  await host.ask(`.set ${T} <| .show tables | where TableName == 'MyExtents' | project TableName`);
  assert.deepEqual(await host.rows(T), [["MyExtents"]]);
  await refused(`.append ${T} <| .drop table MyExtents`, /'\.drop table MyExtents' is not supported.*1:\d+/);
  await refused(`.append ${T} with (nope=1) <| print 'x'`, /'nope' is not supported/);
  await refused(`.append ${T} with (tags='a') <| print 'x'`, /'tags' must be a JSON array/);
  await refused(`.append ${T} <|\nprint nope`, /'nope'.*2:7/);
  assert.deepEqual(await host.rows(T), [["MyExtents"]]);
});

test("a query that fails while it runs leaves nothing behind", async () => {
  const [S, T] = [name(), name()];
  await host.ask(`.set ${S} <| datatable(n:long) [1, 9223372036854775807]`);
  await refused(`.set ${T} <| ${S} | project n + 1`, /Query execution has resulted in error/);
  assert.equal((await host.rows(`.show tables | where TableName == '${T}'`)).length, 0);
  await refused(`.set-or-replace ${S} <| ${S} | project n + 1`, /Query execution has resulted in error/);
  assert.equal((await host.rows(S)).length, 2);
  assert.equal((await extents(S)).length, 1);
});

test("one of many equal commands at the same time gets its rows in", async () => {
  const T = name();
  await host.ask(`.create table ${T} (n:long)`);
  const append = `.append ${T} with (tags='["ingest-by:e"]', ingestIfNotExists='["e"]') <| range n from 1 to 3 step 1`;
  const answers = await Promise.all(Array.from({ length: 5 }, () => host.rows(append)));
  assert.deepEqual(answers.map((rows) => rows.length).sort(), [0, 0, 0, 0, 1]);
  assert.deepEqual(await column(`${T} | sort by n asc`), [1, 2, 3]);
  const made = await Promise.allSettled(Array.from({ length: 3 }, () => host.ask(".set Same <| print n = 1")));
  assert.equal(made.filter(({ status }) => status === "fulfilled").length, 1);
  assert.deepEqual(await host.rows("Same"), [[1]]);
});
