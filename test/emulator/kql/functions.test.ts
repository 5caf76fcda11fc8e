import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { databaseOf } from "../../../src/emulator/engine/catalogue.ts";
import { type Engine, startEngine } from "./engine.ts";

let engine: Engine;

before(async () => {
  engine = await startEngine(["demo", "other"]);
  await engine.table("T", "a:long, s:string", "1,x\n2,y\n3,z\n", ["drop-by:one"]);
  await engine.table("T", "a:long, s:string", "4,w\n");
  await engine.table("U", "a:long, v:real", "1,0.5\n9,1.5\n");
  await engine.table("Far", "n:long", "42\n", [], "other");
  store("Above", "(least:long = 2)", "{ T | where a > least }");
  store("Twice", "(n:long)", "{ let m = n; m * 2 }");
  store("Named", "(rows:(a:long), by:long)", "{ rows | project b = a * by }");
  store("Nested", "()", "{ Above(3) | extend t = Twice(a) }");
  store("Loop", "(n:long)", "{ Loop(n) }");
});
after(() => engine.close());

function store(name: string, parameters: string, body: string): void {
  const database = databaseOf(engine.catalogue, "demo");
  database.functions = new Map([...database.functions, [name, { name, parameters, body, folder: "", docString: "" }]]);
  engine.catalogue.version++;
}

const cases: readonly [query: string, columns: string, rows: string][] = [
  ["Above(1) | sort by a asc", "a:long,s:string", '[[2,"y"],[3,"z"],[4,"w"]]'],
  ["Above() | count", "Count:long", "[[2]]"],
  ["Above | count", "Count:long", "[[2]]"],
  ["Above(least=3) | project s", "s:string", '[["w"]]'],
  ["print x = Twice(21)", "x:long", "[[42]]"],
  ["T | where a == 2 | extend t = Twice(a)", "a:long,s:string,t:long", '[[2,"y",4]]'],
  ["Named(T, 10) | summarize sum(b)", "sum_b:long", "[[100]]"],
  ["T | where a < 3 | invoke Named(3) | sort by b asc", "b:long", "[[3],[6]]"],
  ["Nested() | project a, t", "a:long,t:long", "[[4,8]]"],
  // A name of the query's goes before a stored one; a body does not see the caller's names.
  ["let Above = (x:long) { print y = x }; Above(7)", "y:long", "[[7]]"],
  ["let least = 100; Above(least=3) | count", "Count:long", "[[1]]"],
  ["database('other').Far", "n:long", "[[42]]"],
  ["union T, U | summarize count(), sum(a)", "count_:long,sum_a:long", "[[6,20]]"],
  [
    "union withsource=from T, U | summarize count() by from | sort by from asc",
    "from:string,count_:long",
    '[["T",4],["U",2]]',
  ],
  ["union * | count", "Count:long", "[[6]]"],
  ["search 'w'", "$table:string,a:long,s:string,v:real", '[["T",4,"w",null]]'],
  ["search in (T) s:'x' or a == 2 | project a | sort by a asc", "a:long", "[[1],[2]]"],
  [
    "T | summarize by tags = tostring(extent_tags()) | sort by tags asc",
    "tags:string",
    '[["[\\"drop-by:one\\"]"],["[]"]]',
  ],
  [
    "T | where extent_tags() has 'drop-by:one' | summarize count(), dcount(extent_id())",
    "count_:long,dcount_:long",
    "[[3,1]]",
  ],
  ["T | where a > 1 | extend e = extent_id() | project b = a, e | where isnotempty(e) | count", "Count:long", "[[3]]"],
  ["T | extend i = ingestion_time() | where i > ago(1h) and i <= now() | count", "Count:long", "[[4]]"],
  ["T | where a in ((U | project a))", "a:long,s:string", '[[1,"x"]]'],
  ["T | where a !in ((U)) | count", "Count:long", "[[3]]"],
];

for (const [query, columns, rows] of cases)
  test(query, async () => {
    assert.deepEqual(await engine.ask(query), { columns, rows });
  });

test("query parameters take the request's values, and their defaults", async () => {
  const query =
    "declare query_parameters(least:long = 2, name:string = 'none'); T | where a > least | count | extend name";
  assert.deepEqual((await engine.query(query)).rows, ['[2,"none"]']);
  const given = new Map([
    ["least", "3"],
    ["name", "it's"],
  ]);
  assert.deepEqual((await engine.query(query, given)).rows, ['[1,"it\'s"]']);
  assert.match(
    (await engine.refusal("declare query_parameters(n:long); print n")).message,
    /SEM0100.*'n' has no value/,
  );
});

test("query parameters may be written as literals of their kind", async () => {
  const given = new Map([
    ["l", "long(41)"],
    ["t", "datetime(1970-05-11)"],
    ["g", "time(1.02:03:04.5)"],
    ["h", "timespan(2h)"],
    ["b", "bool(true)"],
    ["r", "real(1.5)"],
    ["u", "guid(74be27de-1e4e-49d9-b579-fe0b331d3642)"],
    ["d", "dynamic(['Java', 'it\\'s', \"a 'b'\"])"],
    ["i", "int(null)"],
    ["s", "long(41)"],
  ]);
  const query =
    "declare query_parameters(l:long, t:datetime, g:timespan, h:timespan, b:bool, r:real, u:guid, d:dynamic, i:int, s:string); print l, t, g, h, b, r, u, d, i, s";
  assert.deepEqual((await engine.query(query, given)).rows, [
    '[41,"1970-05-11T00:00:00Z","1.02:03:04.5000000","02:00:00",true,1.5,"74be27de-1e4e-49d9-b579-fe0b331d3642",["Java", "it\'s", "a \'b\'"],null,"long(41)"]',
  ]);
});

test("a function that calls itself is refused", async () => {
  assert.match((await engine.refusal("Loop(1)")).message, /^Semantic error/);
});

test("render says how the rows are to be drawn, and changes none", async () => {
  const query = "T | summarize n=count() by s | render barchart with (title='Rows', ytitle=\"n\", accumulate=true)";
  const { rows, visualization } = await engine.query(query);
  assert.equal(rows.length, 4);
  const { Visualization, Title, YTitle, XTitle, Accumulate, Ymin } = visualization!;
  assert.deepEqual(
    [Visualization, Title, YTitle, XTitle, Accumulate, Ymin],
    ["barchart", "Rows", "n", null, true, "NaN"],
  );
  assert.equal((await engine.query("T")).visualization, undefined);
});
