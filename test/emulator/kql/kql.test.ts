import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Engine, startEngine } from "./engine.ts";

let engine: Engine;

before(async () => {
  engine = await startEngine();
  await engine.table(
    "T",
    "s:string, l:long, i:int, r:real, t:datetime, g:timespan, m:decimal, d:dynamic, u:guid, b:bool, a b:string",
    `foo,1,2,1.5,2020-01-01T00:00:00.1234567Z,1.02:03:04.5,123456789012345678901234567890.1234,"{""x"":{""y z"":[1,2.50]},""s"":""t""}",74be27de-1e4e-49d9-b579-fe0b331d3642,true,hey
Foo Bar,9223372036854775807,,NaN,0001-01-01,-00:00:00.0000001,0.1,abc,,0,
,-5,-2,-0,9999-12-31T23:59:59.9999999Z,,-7,,,,"q""x"`,
  );
});
after(() => engine.close());

/** Query, columns with their types, rows word for word. Columns are the binder's; values follow Kusto's documentation. */
const cases: readonly [query: string, columns: string, rows: string][] = [
  ["T | count", "Count:long", "[[3]]"],
  [
    "T | take 1",
    "s:string,l:long,i:int,r:real,t:datetime,g:timespan,m:decimal,d:dynamic,u:guid,b:bool,a b:string",
    '[["foo",1,2,1.5,"2020-01-01T00:00:00.1234567Z","1.02:03:04.5000000","123456789012345678901234567890.1234",{"x":{"y z":[1,2.50]},"s":"t"},"74be27de-1e4e-49d9-b579-fe0b331d3642",true,"hey"]]',
  ],
  ["T | sort by l asc | project s, l", "s:string,l:long", '[["",-5],["foo",1],["Foo Bar",9223372036854775807]]'],
  ["T | order by i | project i", "i:int", "[[2],[-2],[null]]"],
  ["T | order by i asc | project i", "i:int", "[[null],[-2],[2]]"],
  ["T | order by i asc nulls last | project i", "i:int", "[[-2],[2],[null]]"],
  [
    "T | order by l asc | where l > 0 | extend z = l | project-away l | project z",
    "z:long",
    "[[1],[9223372036854775807]]",
  ],
  ["T | order by l asc | take 2 | project l", "l:long", "[[-5],[1]]"],
  ["T | top 2 by l | project l", "l:long", "[[9223372036854775807],[1]]"],
  ["T | project ['a b'] | order by ['a b'] asc", "a b:string", '[[""],["hey"],["q\\"x"]]'],
  // Strings.
  ["T | where s has 'foo' | count", "Count:long", "[[2]]"],
  ["T | where s has 'fo' | count", "Count:long", "[[0]]"],
  ["T | where s !has 'foo' | count", "Count:long", "[[1]]"],
  ["T | where s has_cs 'foo' | count", "Count:long", "[[1]]"],
  ["T | where s has_any ('bar', 'zzz') | count", "Count:long", "[[1]]"],
  ["T | where s has_all ('bar', 'foo') | count", "Count:long", "[[1]]"],
  ["T | where s contains 'O b' | count", "Count:long", "[[1]]"],
  ["T | where s contains_cs 'O b' | count", "Count:long", "[[0]]"],
  ["T | where s startswith 'FOO' | count", "Count:long", "[[2]]"],
  ["T | where s startswith_cs 'FOO' | count", "Count:long", "[[0]]"],
  ["T | where s endswith 'bar' | count", "Count:long", "[[1]]"],
  ["T | where s hasprefix 'ba' | count", "Count:long", "[[1]]"],
  ["T | where s =~ 'FOO' | count", "Count:long", "[[1]]"],
  ["T | where s !~ 'FOO' | count", "Count:long", "[[2]]"],
  ["T | where s matches regex 'o{2}$' | count", "Count:long", "[[1]]"],
  ["T | where s in ('foo', '') | count", "Count:long", "[[2]]"],
  ["T | where s in~ ('FOO') | count", "Count:long", "[[1]]"],
  ["T | where s !in ('foo') | count", "Count:long", "[[2]]"],
  // A star is any column: as text before operators on texts, of a fitting type before `==`.
  ["T | where * has 'foo' | count", "Count:long", "[[2]]"],
  ["T | where * has 'hey' | count", "Count:long", "[[1]]"],
  ["T | where * has '9999' | count", "Count:long", "[[1]]"],
  ["T | where * has_cs 'Foo' | count", "Count:long", "[[1]]"],
  ["T | where * contains 'y z' | count", "Count:long", "[[1]]"],
  ["T | where * startswith '74be' | count", "Count:long", "[[1]]"],
  ["T | where * matches regex '^F.o B' | count", "Count:long", "[[1]]"],
  ["T | where * =~ 'HEY' | count", "Count:long", "[[1]]"],
  ["T | where * has s | count", "Count:long", "[[3]]"],
  ["T | where not(* has 'foo') | count", "Count:long", "[[1]]"],
  ["T | where * == 'foo' | count", "Count:long", "[[1]]"],
  ["T | where * == 'abc' | count", "Count:long", "[[1]]"],
  ["T | where * == 2 | count", "Count:long", "[[1]]"],
  ["T | where * == 1.5 | count", "Count:long", "[[1]]"],
  ["T | where * == true | count", "Count:long", "[[1]]"],
  ["T | where * == datetime(0001-01-01) | count", "Count:long", "[[1]]"],
  ["T | where * == 'nobody' | count", "Count:long", "[[0]]"],
  ["T | extend x = * == -5 | summarize countif(x)", "countif_x:long", "[[1]]"],
  ["search * has 'foo' | count", "Count:long", "[[2]]"],
  ["search * == 'foo' | count", "Count:long", "[[1]]"],
  ["search 'bar' and l > 1 | count", "Count:long", "[[1]]"],
  ["let x = 'bar'; search x | count", "Count:long", "[[1]]"],
  ["let x = 1; search l == x | count", "Count:long", "[[1]]"],
  ["search isnotempty(s) | count", "Count:long", "[[2]]"],
  ["T | project p = pack_array(*) | take 1 | project n = array_length(p)", "n:long", "[[11]]"],
  // Nulls: a string has none, a comparison with one is false, two of them are neither equal nor not.
  ["T | where isnull(i) | count", "Count:long", "[[1]]"],
  ["T | where isnull(s) | count", "Count:long", "[[0]]"],
  ["T | where isempty(s) | count", "Count:long", "[[1]]"],
  ["T | where isnotempty(u) | count", "Count:long", "[[1]]"],
  ["T | where i != 2 | count", "Count:long", "[[2]]"],
  ["T | where i < 100 | count", "Count:long", "[[2]]"],
  ["T | where not(b) | count", "Count:long", "[[1]]"],
  ["print int(null) == int(null), int(null) != 1", "print_0:bool,print_1:bool", "[[null,true]]"],
  // Numbers.
  [
    "print 7/2, 7.0/2, 1/0, -14 % 12, 2*3, 1-2",
    "print_0:long,print_1:real,print_2:long,print_3:long,print_4:long,print_5:long",
    "[[3,3.5,null,10,6,-1]]",
  ],
  [
    "print real(nan), -0.0, 1e300*1e300, 1.0",
    "print_0:real,print_1:real,print_2:real,print_3:real",
    '[["NaN",-0.0,"Infinity",1.0]]',
  ],
  [
    "print sqrt(-1.0), pow(2,10), round(1.2345,2), abs(-3)",
    "print_0:real,print_1:real,print_2:real,print_3:long",
    '[["NaN",1024.0,1.23,3]]',
  ],
  [
    "print bin(-7, 5), bin(4.5, 1), bin(datetime(1969-12-31 13:00), 1d)",
    "print_0:long,print_1:real,print_2:datetime",
    '[[-10,4.0,"1969-12-31T00:00:00Z"]]',
  ],
  ["T | where m > 0.05 and m < 1 | project m", "m:decimal", '[["0.1"]]'],
  ["T | sort by m asc | project m", "m:decimal", '[["-7"],["0.1"],["123456789012345678901234567890.1234"]]'],
  [
    "print decimal(0.1) + decimal(0.2), decimal(1) / decimal(3)",
    "print_0:decimal,print_1:decimal",
    `[["0.3","0.${"3".repeat(34)}"]]`,
  ],
  // Datetimes and timespans.
  [
    "print datetime(2020-01-01) - 1d, datetime(2020-01-02) - datetime(2020-01-01), 3 * 1h, 1d / 1h, now() > ago(1h)",
    "print_0:datetime,print_1:timespan,print_2:timespan,print_3:real,print_4:bool",
    '[["2019-12-31T00:00:00Z","1.00:00:00","03:00:00",24.0,true]]',
  ],
  ["T | where t between (datetime(2019-01-01) .. 800d) | count", "Count:long", "[[1]]"],
  ["T | where t == datetime(2020-01-01T00:00:00.1234567) | count", "Count:long", "[[1]]"],
  ["T | where t == datetime(2020-01-01T00:00:00.1234568) | count", "Count:long", "[[0]]"],
  ["T | where g < 0s | project g", "g:timespan", '[["-00:00:00.0000001"]]'],
  [
    "T | summarize n=count() by bin(t, 1d) | sort by t asc | take 1",
    "t:datetime,n:long",
    '[["0001-01-01T00:00:00Z",1]]',
  ],
  [
    "print startofday(datetime(2020-05-05 13:14)), getyear(datetime(2020-05-05)), datetime_diff('hour', datetime(2020-01-02), datetime(2020-01-01)), unixtime_seconds_todatetime(1)",
    "print_0:datetime,print_1:int,print_2:long,print_3:datetime",
    '[["2020-05-05T00:00:00Z",2020,24,"1970-01-01T00:00:01Z"]]',
  ],
  // Conversions.
  [
    "print toint('7'), tolong('x'), toreal('1e3'), todatetime('2020-02-30'), tobool('true'), toguid('74BE27DE1E4E49D9B579FE0B331D3642')",
    "print_0:int,print_1:long,print_2:real,print_3:datetime,print_4:bool,print_5:guid",
    '[[7,null,1000.0,null,true,"74be27de-1e4e-49d9-b579-fe0b331d3642"]]',
  ],
  [
    "T | take 1 | project tostring(l), tostring(r), tostring(t), tostring(d), strcat(b, i)",
    "l:string,r:string,t:string,d:string,Column1:string",
    '[["1","1.5","2020-01-01T00:00:00.1234567Z","{\\"x\\":{\\"y z\\":[1,2.50]},\\"s\\":\\"t\\"}","True2"]]',
  ],
  // Dynamics.
  ["T | where d.x['y z'][1] == 2.5 | project d.s, d.x", "d_s:dynamic,d_x:dynamic", '[["t",{"y z":[1,2.50]}]]'],
  [
    `print x=parse_json('{"a":[10,20]}') | project x.a[-1], array_length(x.a), tolong(x.a[0]) + 1, x.nope`,
    "x_a_:dynamic,Column1:long,Column2:long,x_nope:dynamic",
    "[[20,2,11,null]]",
  ],
  ['print dynamic({"a":[1,2]})', "print_0:dynamic", '[[{"a":[1,2]}]]'],
  // Conditions.
  [
    "print iff(1 > 2, 'a', 'b'), case(1 == 1, 'x', 'y'), coalesce('', 'z'), coalesce(int(null), 5)",
    "print_0:string,print_1:string,print_2:string,print_3:long",
    '[["b","x","z",5]]',
  ],
  [
    "print substring('hello', 1, 3), indexof('abc', 'c'), toupper('x'), strlen('äö'), replace_string('aXb', 'X', '-')",
    "print_0:string,print_1:long,print_2:string,print_3:long,print_4:string",
    '[["ell",2,"X",2,"a-b"]]',
  ],
  // Groups.
  [
    "T | summarize count(), sum(m), max(m), min(t), dcount(s)",
    "count_:long,sum_m:decimal,max_m:decimal,min_t:datetime,dcount_s:long",
    '[[3,"123456789012345678901234567883.2234","123456789012345678901234567890.1234","0001-01-01T00:00:00Z",3]]',
  ],
  [
    "T | summarize c=count(), a=avg(i) by b | sort by b asc",
    "b:bool,c:long,a:real",
    '[[null,1,-2.0],[false,1,"NaN"],[true,1,2.0]]',
  ],
  ["T | where false | summarize count(), sum(l), max(l)", "count_:long,sum_l:long,max_l:long", "[[0,0,null]]"],
  ["T | where false | summarize count() by s", "s:string,count_:long", "[]"],
  ["T | summarize countif(l > 0), sumif(i, i > 0)", "countif_:long,sumif_i:long", "[[2,2]]"],
  ["T | distinct b | count", "Count:long", "[[3]]"],
  // Columns.
  ["T | extend l = l % 10 | where l == 7 | project l", "l:long", "[[7]]"],
  ["T | project-rename z = s | project-keep z | take 1", "z:string", '[["foo"]]'],
  [
    "T | project-reorder b, l | take 0",
    "b:bool,l:long,s:string,i:int,r:real,t:datetime,g:timespan,m:decimal,d:dynamic,u:guid,a b:string",
    "[]",
  ],
  [
    "datatable(a:string, b:long) ['x', 1, 'y', 2] | extend c = b + 1",
    "a:string,b:long,c:long",
    '[["x",1,2],["y",2,3]]',
  ],
  ["let n = 2; let P = T | where l > 0; P | take n | count", "Count:long", "[[2]]"],
  ["T | where l > 0 // a comment\n | count", "Count:long", "[[2]]"],
];

for (const [query, columns, rows] of cases)
  test(query, async () => {
    assert.deepEqual(await engine.ask(query), { columns, rows });
  });

test("what is not carried is refused by name and place", async () => {
  const refused: [string, RegExp][] = [
    ["T\n| scan with (step a: true;)", /operator 'scan' is not supported.*\[line:position=2:3\]/],
    ["T | summarize hll(l)", /function 'hll\(\)' is not supported.*1:15/],
    ["T | extend x = geo_point_to_geohash(1.0, 2.0)", /function 'geo_point_to_geohash\(\)' is not supported/],
    ["T | take 1; T | take 2", /second tabular statement/],
  ];
  for (const [query, expected] of refused) {
    const { status, message, permanent } = await engine.refusal(query);
    assert.equal(status, 400);
    assert.equal(permanent, true);
    assert.match(message, expected, query);
  }
});

test("wrong queries are refused in the parser's words, with the place", async () => {
  const refused: [string, RegExp][] = [
    ["Nope | count", /^Semantic error: SEM0100: .*'Nope'.*\[line:position=1:1\]/],
    ["T | where nope == 1", /^Semantic error: SEM0100: .*'nope'.*\[line:position=1:11\]/],
    ["T | take", /^Syntax error: /],
    ["T | where strlen(l) > 1", /^Semantic error: /],
    ["T | where t > datetime(2020-02-30)", /Failed to parse datetime literal/],
  ];
  for (const [query, expected] of refused) assert.match((await engine.refusal(query)).message, expected, query);
});

test("no text of a query can leave its literal", async () => {
  for (const text of ["'; DROP TABLE t1; --", "''", "\\\\", '"', "%", "\u0000", "😀\u2028"]) {
    const written = text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\u0000", "\\0");
    assert.deepEqual((await engine.ask(`print x = "${written}"`)).rows, JSON.stringify([[text]]));
  }
});
