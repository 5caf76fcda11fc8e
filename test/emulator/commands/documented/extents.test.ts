import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type EngineHost, engineHost } from "../../engine-host.ts";

let host: EngineHost;
before(async () => {
  host = await engineHost(["MyDatabase", "Other"]);
});
after(() => host.close());

const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
let tables = 0;

/** A table of its own for each test. */
async function fresh(columns = "n:long"): Promise<string> {
  const name = `T${++tables}`;
  await host.ask(`.create table ${name} (${columns})`);
  return name;
}

/** Loads one extent and tells its id. */
async function load(table: string, rows: readonly (number | string)[], tags: readonly string[] = []): Promise<string> {
  const [[id]] = (await host.rows(
    `.ingest inline into table ${table} with (tags='${JSON.stringify(tags)}') <|\n${rows.join("\n")}`,
  )) as [[string]];
  return id;
}

/** Values of column n, in order. */
const values = async (table: string) => (await host.rows(`${table} | sort by n asc | project n`)).flat();
const ids = async (table: string, filter = "") =>
  (await host.records(`.show table ${table} extents ${filter}`)).map(({ ExtentId }) => ExtentId as string);
const refused = (text: string, expected: RegExp) =>
  assert.rejects(host.ask(text), (error: Error) => expected.test(error.message) || assert.fail(error.message));

const extentColumns =
  "ExtentId:guid,DatabaseName:string,TableName:string,MaxCreatedOn:datetime,OriginalSize:real,ExtentSize:real,CompressedSize:real,IndexSize:real,Blocks:long,Segments:long,ExtentContainerId:string,RowCount:long,MinCreatedOn:datetime,Tags:string,Kind:string,DeletedRowCount:long";

test(".show table extents: what an extent is", async () => {
  const T = await fresh();
  const id = await load(T, [1, 2], ["aaa", "BBB"]);
  assert.equal((await host.ask(`.show table ${T} extents`)).columns, extentColumns);
  const [extent] = await host.records(`.show table ${T} extents`);
  assert.match(id, guid);
  assert.deepEqual(
    { ...extent, MaxCreatedOn: undefined, MinCreatedOn: undefined },
    {
      ...{ ExtentId: id, DatabaseName: "MyDatabase", TableName: T, MaxCreatedOn: undefined, MinCreatedOn: undefined },
      ...{ OriginalSize: 3, ExtentSize: 3, CompressedSize: 3, IndexSize: 0, Blocks: 1, Segments: 1 },
      ...{ ExtentContainerId: "", RowCount: 2, Tags: "aaa\r\nBBB", Kind: "StorageV3", DeletedRowCount: 0 },
    },
  );
  assert.equal(extent!.MinCreatedOn, extent!.MaxCreatedOn);
});

test(".show extents: tag filters are those of the documentation's example", async () => {
  const T = await fresh();
  const E = await load(T, [1], ["aaa", "BBB", "ccc"]);
  const other = await load(T, [2], ["ddd"]);
  const cases: readonly [filter: string, found: readonly string[]][] = [
    ["where tags has 'aaa' and tags contains 'bb'", [E]],
    ["where tags has 'aa' and tags contains 'bb'", []],
    ["where tags contains 'aaa' and tags contains 'bb'", [E]],
    ["where tags has 'AAA'", []],
    ["where tags !has 'aaa'", [other]],
    ["where tags !has 'aa'", [E, other]],
    ["where tags !contains 'CC'", [other]],
    ["where tags has 'aaa' and tags !contains 'd'", [E]],
    [`(${E})`, [E]],
    [`(${E.toUpperCase()}, ${other}) where tags has 'ddd'`, [other]],
    ["(00000000-0000-0000-0000-000000000001)", []],
    ["hot", [E, other]],
    ["details", [E, other]],
  ];
  for (const [filter, found] of cases) assert.deepEqual(await ids(T, filter), found, filter);
});

test(".show tables extents, .show database extents, .show cluster extents", async () => {
  const [A, B, C] = [await fresh(), await fresh(), await fresh()];
  await load(A, [1], ["tag1", "tag2"]);
  await load(A, [2], ["tag1"]);
  await load(B, [3], ["tag1", "tag2"]);
  await load(C, [4], ["tag1", "tag2"]);
  const of = async (text: string) =>
    (await host.records(`${text} | where TableName in ('${A}', '${B}', '${C}') | project TableName`)).map(
      ({ TableName }) => TableName,
    );
  assert.deepEqual(await of(`.show tables (${A},${B}) extents where tags has 'tag1' and tags has 'tag2'`), [A, B]);
  assert.deepEqual(await of(".show database MyDatabase extents"), [A, A, B, C]);
  assert.deepEqual(await of(".show database extents where tags has 'tag2'"), [A, B, C]);
  assert.deepEqual(await of(".show cluster extents"), [A, A, B, C]);
  assert.deepEqual(await of(".show database Other extents"), []);
  assert.deepEqual(await host.rows(`.show database extent tags statistics | where TableName == '${A}'`), [
    [A, 2, 2, 3, 12, 0, 0, 0, 0],
  ]);
});

test(".move extents all: new ids, the same tags, sizes and ages", async () => {
  const [A, B] = [await fresh(), await fresh()];
  const old = [await load(A, [1, 2], ["t1"]), await load(A, [3], ["t2"])];
  const before = await host.records(`.show table ${A} extents | project RowCount, Tags, OriginalSize, MinCreatedOn`);
  const moved = await host.ask(`.move extents all from table ${A} to table ${B}`);
  assert.equal(moved.columns, "OriginalExtentId:string,ResultExtentId:string,Details:string");
  const rows = JSON.parse(moved.rows) as [string, string, string][];
  assert.deepEqual(
    rows.map(([id]) => id),
    old,
  );
  assert.deepEqual(
    rows.map(([, , details]) => details),
    ["", ""],
  );
  const results = rows.map(([, id]) => id);
  for (const id of results) assert.match(id, guid);
  assert.equal(new Set([...old, ...results]).size, 4);
  assert.deepEqual(await ids(B), results);
  assert.deepEqual(await ids(A), []);
  assert.deepEqual(await values(B), [1, 2, 3]);
  assert.deepEqual(await values(A), []);
  assert.deepEqual(
    await host.records(`.show table ${B} extents | project RowCount, Tags, OriginalSize, MinCreatedOn`),
    before,
  );
  assert.deepEqual(await host.rows(`${B} | where extent_tags() has 't1' | summarize by extent_id()`), [[results[0]]]);
});

test(".move extents by id, and in a window of creation", async () => {
  const [A, B] = [await fresh(), await fresh()];
  const [first, second, third] = [await load(A, [1]), await load(A, [2]), await load(A, [3])];
  const move = `.move extents from table ${A} to table ${B}`;
  await host.ask(`${move} (${first.toUpperCase()},${second})`);
  assert.deepEqual(await values(B), [1, 2]);
  assert.deepEqual(await values(A), [3]);
  const longAgo = "with (extentCreatedOnFrom=datetime(2003-03-10), extentCreatedOnTo=datetime(2003-03-12))";
  await refused(`${move} ${longAgo} (${third})`, /was not created between/);
  assert.equal((await host.rows(`.move extents all from table ${A} to table ${B} ${longAgo}`)).length, 0);
  assert.equal((await host.rows(`.move extents to table ${B} ${longAgo} <| .show tables (${A}) extents`)).length, 0);
  assert.deepEqual(await values(A), [3]);
  const lately = "with (extentCreatedOnFrom=datetime(2003-03-10), extentCreatedOnTo=datetime(2203-03-12))";
  await host.ask(`${move} ${lately} (${third})`);
  assert.deepEqual(await values(A), []);
});

test(".move extents: one that is not there fails all of it", async () => {
  const [A, B, C] = [await fresh(), await fresh(), await fresh()];
  const [first, second] = [await load(A, [1]), await load(A, [2])];
  const elsewhere = await load(C, [3]);
  const state = async () => [await values(A), await values(B), await values(C), await ids(A), await ids(B)];
  const before = await state();
  for (const missing of [elsewhere, "00000000-0000-0000-0000-000000000001"])
    await refused(
      `.move extents from table ${A} to table ${B} (${first},${missing},${second})`,
      /was not found in table/,
    );
  await refused(
    `.move extents to table ${B} <| .show tables (${A},${C}) extents | project ExtentId, TableName = '${A}'`,
    /was not found/,
  );
  await refused(`.move extents from table ${A} to table ${A} (${first})`, /source and destination/);
  await refused(`.move extents from table ${A} to table Nope (${first})`, /'Nope'.*not found/);
  await refused(`.move extents to table ${B} <| ${A} | project n`, /a column named 'ExtentId'/);
  await refused(`.move extents to table ${B} <| .drop table ${A}`, /not supported/);
  await refused(`.move extents to table ${B} with (nope=true) <| .show table ${A} extents`, /'nope' is not supported/);
  assert.deepEqual(await state(), before);
});

test(".move extents by a query, from several tables", async () => {
  const [A, B, C] = [await fresh(), await fresh(), await fresh()];
  await load(A, [1], ["go"]);
  await load(A, [2]);
  await load(C, [3], ["go"]);
  await host.ask(`.move extents to table ${B} <| .show tables (${A},${C}) extents where tags has 'go'`);
  assert.deepEqual([await values(A), await values(B), await values(C)], [[2], [1, 3], []]);
  // An id alone says which table it is in, too.
  await host.ask(
    `.move extents to table ${C} <| ${B} | where extent_tags() has 'go' | summarize by ExtentId=extent_id()`,
  );
  assert.deepEqual([await values(A), await values(B), await values(C)], [[2], [], [1, 3]]);
  await host.ask(`.move extents to table ${B} <|
    .show table ${C} extents
    | where RowCount == 1
    | take 1`);
  assert.equal((await values(B)).length, 1);
  assert.equal((await host.rows(`.move extents to table ${B} <| .show table ${C} extents | where false`)).length, 0);
});

test(".move extents: columns go by name and type; what the source has, the destination must have", async () => {
  const S = await fresh("n:long, s:string");
  const wider = await fresh("extra:string, s:string, when:datetime, n:long");
  const narrower = await fresh("n:long");
  const other = await fresh("n:int, s:string");
  const id = await load(S, ["7,seven"]);
  await refused(
    `.move extents from table ${S} to table ${narrower} (${id})`,
    /column 's' of type 'string' does not exist/,
  );
  await refused(
    `.move extents from table ${S} to table ${other} (${id})`,
    /column 'n' of type 'long' is of type 'int'/,
  );
  await host.ask(`.move extents from table ${S} to table ${wider} (${id})`);
  assert.deepEqual(await host.rows(wider), [["", "seven", null, 7]]);
});

test(".move extents with setNewIngestionTime", async () => {
  const [A, B] = [await fresh(), await fresh()];
  await load(A, [1]);
  const time = async (table: string) => (await host.rows(`${table} | project ingestion_time()`))[0]![0] as string;
  const first = await time(A);
  host.catalogue.clock.advance(60_000);
  await host.ask(`.move extents all from table ${A} to table ${B}`);
  assert.equal(await time(B), first);
  await host.ask(`.move extents all from table ${B} to table ${A} with (setNewIngestionTime=true)`);
  assert.ok(Date.parse(await time(A)) - Date.parse(first) >= 60_000);
});

test(".replace extents: drops and moves in one", async () => {
  const [A, B, C] = [await fresh(), await fresh(), await fresh()];
  const old = await load(B, [1], ["drop-by:MyTag"]);
  await load(B, [2]);
  await load(A, [3]);
  await load(C, [4]);
  const replaced = await host.ask(`.replace extents in table ${B} <|
    {
        .show table ${B} extents where tags has 'drop-by:MyTag'
    },
    {
        .show tables (${A},${C}) extents
    }`);
  assert.equal(replaced.columns, "OriginalExtentId:string,ResultExtentId:string,Details:string");
  const rows = JSON.parse(replaced.rows) as string[][];
  assert.equal(rows.length, 3);
  assert.deepEqual(rows[0], [old, "", ""]);
  assert.deepEqual([await values(A), await values(B), await values(C)], [[], [2, 3, 4], []]);
});

test(".replace extents: the documentation's second example fails, its third succeeds", async () => {
  const [A, B] = [await fresh(), await fresh()];
  await load(A, [1]);
  await load(B, [2]);
  const missing = "2cca5844-8f0d-454e-bdad-299e978be5df";
  const lately = "with (extentCreatedOnFrom=datetime(2023-03-10), extentCreatedOnTo=datetime(2223-03-12))";
  await refused(
    `.replace extents in table ${B} ${lately} <| { print ExtentId = "${missing}" }, { .show table ${A} extents }`,
    new RegExp(`'${missing}' was not found in table '${B}'`),
  );
  assert.deepEqual([await values(A), await values(B)], [[1], [2]]);
  await host.ask(`.replace extents in table ${B} ${lately} <|
    { .show table ${B} extents | where ExtentId == guid(${missing}) }, { .show table ${A} extents }`);
  assert.deepEqual([await values(A), await values(B)], [[], [1, 2]]);
});

test(".drop extents, in all their forms", async () => {
  const [A, B] = [await fresh(), await fresh()];
  const one = await load(A, [1]);
  const [created] = await host.records(`.show table ${A} extents`);
  const dropped = await host.ask(`.drop extent ${one}`);
  assert.equal(dropped.columns, "ExtentId:guid,TableName:string,CreatedOn:datetime");
  assert.deepEqual(JSON.parse(dropped.rows), [[one, A, created!.MinCreatedOn]]);
  const [two, three] = [await load(A, [2]), await load(B, [3])];
  await refused(`.drop extent ${two} from ${B}`, /was not found/);
  await refused(`.drop extents (${two}, ${one})`, /was not found/);
  assert.deepEqual(await values(A), [2]);
  await host.ask(`.drop extents (${two}, ${three})`);
  assert.deepEqual([await values(A), await values(B)], [[], []]);
  await load(A, [4], ["drop-by:2016-02-17"]);
  const kept = await load(A, [5]);
  const by = `.show table ${A} extents where tags has "drop-by:2016-02-17"`;
  assert.equal((await host.rows(`.drop extents whatif <| ${by}`)).length, 1);
  assert.deepEqual(await values(A), [4, 5]);
  await host.ask(`.drop extents <| ${by}`);
  assert.deepEqual(await ids(A), [kept]);
  await host.ask(`.drop extents <| ${A} | where n == 5 | extend ExtentId=extent_id() | summarize by ExtentId`);
  assert.deepEqual(await ids(A), []);
  await load(A, [6]);
  await load(B, [7]);
  await host.ask(`.drop extents from ${A}`);
  assert.deepEqual([await values(A), await values(B)], [[], [7]]);
});

test(".drop extents by age, size and number", async () => {
  const other = await engineHost();
  try {
    await other.ask(".create table A (n:long)");
    await other.ask(".create table B (n:long)");
    for (const day of [1, 2, 3, 4]) {
      await other.ask(`.ingest inline into table A <|\n${day}`);
      other.catalogue.clock.advance(86_400_000);
    }
    await other.ask(".ingest inline into table B <|\n9");
    const left = async () => (await other.rows("A | sort by n asc")).flat();
    assert.equal((await other.rows(".drop-pretend extents older 10 days from all tables")).length, 0);
    assert.equal((await other.rows(".drop-pretend extents older 50 hours from all tables")).length, 2);
    assert.deepEqual(await left(), [1, 2, 3, 4]);
    assert.equal((await other.rows(".drop extents older 3 days from A")).length, 2, "days 1 and 2");
    assert.deepEqual(await left(), [3, 4]);
    assert.equal((await other.rows(".drop extents older 10 days from tables (A, ['B'])")).length, 0);
    assert.equal((await other.rows(".drop-pretend extents older 12 hours from tables (A, B)")).length, 2);
    await assert.rejects(other.ask(".drop extents older 10 days from tables (A, Nope)"), /'Nope'.*not found/);
    await other.ask(".drop extents from A trim by datasize 1 bytes");
    assert.deepEqual(await left(), [4]);
    await other.ask(".drop extents from all tables limit 1");
    assert.deepEqual([await left(), await other.rows("B")], [[], [[9]]]);
  } finally {
    other.close();
  }
});

test(".drop, .alter and .alter-merge of extent tags: new extents with the same rows", async () => {
  const T = await fresh();
  const first = await load(T, [1], ["drop-by:Partition000", "x"]);
  const second = await load(T, [2], ["y"]);
  const tags = async () =>
    (await host.rows(`.show table ${T} extents | project RowCount, Tags`)).map(([, text]) => text);
  const dropped = await host.ask(`.drop table ${T} extent tags ('drop-by:Partition000', 'z')`);
  assert.equal(dropped.columns, "OriginalExtentId:string,ResultExtentId:string,ResultExtentTags:string,Details:string");
  const rows = JSON.parse(dropped.rows) as string[][];
  assert.deepEqual(
    rows.map(([old, , left]) => [old, left]),
    [[first, "x"]],
  );
  assert.deepEqual((await ids(T)).sort(), [second, rows[0]![1]!].sort());
  await host.ask(
    `.alter-merge table ${T} extent tags ('drop-by:MyNewTag','x') <| .show table ${T} extents where tags has 'x'`,
  );
  assert.deepEqual((await tags()).sort(), ["x\r\ndrop-by:MyNewTag", "y"]);
  await host.ask(`.alter table ${T} extent tags ('MyTag') <| .show table ${T} extents`);
  assert.deepEqual(await tags(), ["MyTag", "MyTag"]);
  await host.ask(
    `.drop table ${T} extent tags <| .show table ${T} extents | where isnotempty(Tags) | project ExtentId, Tags`,
  );
  assert.deepEqual(await tags(), ["", ""]);
  assert.deepEqual(await values(T), [1, 2]);
  assert.deepEqual(await host.rows(`${T} | where array_length(extent_tags()) == 0 | count`), [[2]]);
});

test(".merge: one extent with the tags of all, and rows that keep their ingestion times", async () => {
  const T = await fresh();
  const first = await load(T, [1], ["a", "ingest-by:1"]);
  host.catalogue.clock.advance(60_000);
  const second = await load(T, [2, 3], ["b", "a"]);
  const times = await host.rows(`${T} | sort by n asc | project n, ingestion_time()`);
  const [older, younger] = await host.records(`.show table ${T} extents`);
  assert.deepEqual(await host.rows(`.merge dryrun ${T} (${first}, ${second}) | project OriginalExtentId`), [
    [first],
    [second],
  ]);
  assert.equal((await ids(T)).length, 2);
  const merged = await host.ask(`.merge ${T} (${first}, ${second}) with(rebuild=true)`);
  assert.equal(merged.columns, "OriginalExtentId:string,ResultExtentId:string,Duration:timespan");
  const [[, result]] = JSON.parse(merged.rows) as [[string, string]];
  assert.deepEqual(await ids(T), [result]);
  const [extent] = await host.records(`.show table ${T} extents`);
  assert.equal(extent!.RowCount, 3);
  assert.equal(extent!.Tags, "a\r\ningest-by:1\r\nb");
  assert.equal(extent!.MinCreatedOn, older!.MinCreatedOn);
  assert.equal(extent!.MaxCreatedOn, younger!.MaxCreatedOn);
  assert.deepEqual(await host.rows(`${T} | sort by n asc | project n, ingestion_time()`), times);
  assert.deepEqual(await host.rows(`${T} | summarize count() by extent_id()`), [[result, 3]]);
  // The union bears the tag that an ingestion asks for.
  assert.deepEqual(await host.rows(`.ingest inline into table ${T} with (ingestIfNotExists='["1"]') <|\n9`), []);
  await refused(`.merge ${T} (${first}, ${result})`, /was not found/);
});

test("extents do not merge whose drop-by tags differ, or whose tags are too long", async () => {
  const T = await fresh();
  const a = [await load(T, [1], ["drop-by:a", "p"]), await load(T, [2], ["q", "drop-by:a"])];
  const b = [await load(T, [3], ["drop-by:b"]), await load(T, [4], ["drop-by:a", "drop-by:b"]), await load(T, [5])];
  const merged = await host.rows(`.merge ${T} (${[...a, ...b].join(", ")})`);
  assert.deepEqual(
    merged.map(([old]) => old),
    a,
  );
  assert.equal((await ids(T)).length, 4);
  const long = await fresh();
  const tag = (letter: string) => letter.repeat(400_000);
  const three = [
    await load(long, [1], [tag("a")]),
    await load(long, [2], [tag("b")]),
    await load(long, [3], [tag("c")]),
  ];
  assert.equal((await host.rows(`.merge ${long} (${three.join(", ")})`)).length, 2);
  assert.deepEqual(
    (await host.rows(`.show table ${long} extents | project RowCount | sort by RowCount asc`)).flat(),
    [1, 2],
  );
});

test(".replace extents: the documentation's idempotent logic drops only if there is something to move", async () => {
  const [source, dest] = [await fresh(), await fresh()];
  await load(dest, [1], ["drop-by:blue"]);
  await load(dest, [2], ["drop-by:red"]);
  const command = `.replace async extents in table ${dest} with (extentCreatedOnFrom=datetime(2023-03-10), extentCreatedOnTo=datetime(2223-03-12)) <|
{
    let any_extents_to_move = toscalar(
        ${source}
        | where extent_tags() has 'drop-by:blue'
        | summarize count() > 0
    );
    let extents_to_drop =
        ${dest}
        | where any_extents_to_move and extent_tags() has 'drop-by:blue'
        | summarize by ExtentId = extent_id()
    ;
    extents_to_drop
},
{
    let extents_to_move =
        ${source}
        | where extent_tags() has 'drop-by:blue'
        | summarize by ExtentId = extent_id()
    ;
    extents_to_move
}`;
  const run = async () => {
    const [[id]] = (await host.rows(command)) as [[string]];
    for (;;) {
      const [latest] = await host.records(`.show operations ${id}`);
      if (latest!.State !== "InProgress") return assert.equal(latest!.State, "Completed", String(latest!.Status));
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await run();
  assert.deepEqual(await values(dest), [1, 2], "nothing to move, nothing to drop");
  await load(source, [3], ["drop-by:blue"]);
  await load(source, [4], ["drop-by:red"]);
  await run();
  assert.deepEqual([await values(dest), await values(source)], [[2, 3], [4]]);
});

test(".drop extent tags: the documentation's queries over the list of tags", async () => {
  const T = await fresh();
  await load(T, [1], ["drop-by:StreamCreationTime_20160915123456", "drop-by:other", "x"]);
  await load(T, [2], ["drop-by:StreamCreationTime_2016", "y"]);
  const drop = (filter: string) =>
    host.ask(`.drop table ${T} extent tags <|
  .show table ${T} extents
  | where isnotempty(Tags)
  | extend Tags = split(Tags, '\\r\\n')
  | mv-expand Tags to typeof(string)
  | where Tags ${filter}`);
  const left = async () => (await host.rows(`.show table ${T} extents | project Tags | sort by Tags asc`)).flat();
  await drop('matches regex @"drop-by:StreamCreationTime_20160915(\\d{6})"');
  assert.deepEqual(await left(), ["drop-by:StreamCreationTime_2016\r\ny", "drop-by:other\r\nx"]);
  await drop("startswith 'drop-by'");
  assert.deepEqual(await left(), ["x", "y"]);
});
