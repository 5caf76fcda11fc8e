import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { loadLanguage } from "../../../src/emulator/kql/language.ts";
import { inTime } from "../../../src/emulator/kql/parse-deadline.ts";
import { textBounds } from "../../../src/emulator/kql/text-bounds.ts";
import { KustoError } from "../../../src/emulator/kusto-error.ts";
import { type EngineHost, engineHost } from "../engine-host.ts";

let host: EngineHost;
before(async () => {
  host = await engineHost();
});
after(() => host.close());

/** Each of these kept the thread for a minute or for ever, or overflowed the stack. */
const hang = { timeout: 120_000 };

async function refused(text: string, why: RegExp): Promise<void> {
  await assert.rejects(host.ask(text), (error) => {
    assert.ok(error instanceof KustoError, String(error));
    assert.equal(error.status, 400);
    assert.match(error.message, why, text.slice(0, 80));
    return true;
  });
}

const nested = (open: string, inner: string, close: string, depth = 20_000) =>
  `${open.repeat(depth)}${inner}${close.repeat(depth)}`;

test("whatever is nested is refused before it is parsed, in queries and commands", hang, async () => {
  await host.ask(".create table T (a:long)");
  for (const text of [
    `print ${nested("(", "1", ")")}`,
    `print ${"(".repeat(20_000)}`,
    `print ${nested("not(", "true", ")")}`,
    `print ${nested("abs(", "1", ")")}`,
    `print dynamic(${nested("[", "", "]")})`,
    `print dynamic(${nested('{"a":', "1", "}")})`,
    `print dynamic([])${"[0".repeat(20_000)}`,
    nested("union (", "print 1", ")"),
    nested("let f = () {", "1", "};"),
    `print 1 ${nested("| union (print 2 ", "", ")")}`,
    `.create table U ${"(".repeat(20_000)}`,
    `.create function F() { print ${nested("(", "1", ")")} }`,
    `.set-or-append T <| print a = ${nested("(", "1", ")")}`,
    `.show tables | where ${nested("(", "true", ")")}`,
    // What a scanner of strings of one's own could take for a string, and the parser does not.
    `print @"\\" ${nested("(", "1", ")")}`,
    `print "open\n ${nested("(", "1", ")")}`,
    `print 1 // \u2028 ${nested("(", "1", ")")}`,
  ])
    await refused(text, /^Request is too complex: brackets are nested more than 250 deep/);
  // Brackets in a string and in a comment are none.
  assert.equal((await host.ask(`print x = strlen("${"(".repeat(1_000)}") // ${"(".repeat(1_000)}`)).rows, "[[1000]]");
  assert.equal((await host.ask(`print x = ${nested("(", "1", ")", 100)}`)).rows, "[[1]]");
});

test("long chains are answered or refused", hang, async () => {
  for (const [text, why] of [
    [`print 1${" + 1".repeat(3_000)}`, /too complex|syntax depth/],
    [`print x = 1${" | where true".repeat(3_000)}`, /too complex|syntax depth/],
    [`print ${"1,".repeat(textBounds.tokens)}1`, /more than 100000 words and signs/],
    [`print "${"x".repeat(textBounds.characters)}"`, /characters long/],
    ["let a = 1;".repeat(2_000), /more than 1000 statements/],
    [`.ingest inline into table T <|\n${"1\n".repeat(200_000)}`, /more than 100000 words and signs/],
    [`.execute database script <|\n${".show tables\n".repeat(50_000)}`, /the script has more than 1000 commands/],
  ] as const)
    await refused(text, why);
  // The lines at the end of a command were searched again for each of them.
  const script = `.execute database script <|\n.create table L (a:string) with (docstring='http://x')${"\n".repeat(50_000)}.show tables`;
  assert.match((await host.ask(script)).rows, /http:\/\/x'\).*"Completed".*"Show"/);
});

test("a chain of values is answered, however many name the one before", hang, async () => {
  const lets = Array.from({ length: 400 }, (_, index) => `let v${index + 1} = v${index} + 1;`).join("");
  assert.equal((await host.ask(`let v0 = 1; ${lets} print v400`)).rows, "[[401]]");
});

test("what doubles with each step is refused", hang, async () => {
  const calls = Array.from({ length: 40 }, (_, n) => `let f${n + 1} = (x:long) { f${n}(x) + f${n}(x) };`).join("");
  await refused(`let f0 = (x:long) { x }; ${calls} print f40(1)`, /calls functions more than 5000 times/);
  const unions = Array.from({ length: 40 }, (_, n) => `let t${n + 1} = union t${n}, t${n};`).join("");
  await refused(`let t0 = print x = 1; ${unions} t40 | count`, /made of each other more than 20000 times/);
  const modulo = (depth: number): string => (depth === 0 ? "x" : `(${modulo(depth - 1)} % 7)`);
  assert.equal((await host.ask(`print x = 100 | project y = ${modulo(3)}`)).rows, "[[2]]");
  const squared = (depth: number): string => (depth === 0 ? "x" : `iff(true, ${squared(depth - 1)}, x)`);
  assert.equal((await host.ask(`print x = 5 | project y = ${squared(20)}`)).rows, "[[5]]");
});

test("the parser and the translation stop when their time is over", async () => {
  const language = await loadLanguage();
  const [database] = host.catalogue.databases.values();
  for (const text of [`print ${"1,".repeat(2_000)}1`, `.create table V (${columns(0, 100)})`, "x ".repeat(2_000)])
    assert.throws(
      () => inTime(() => language.parse(text, host.catalogue, database!), 0),
      /^KustoError: Request is too complex: parsing and translating it takes more than/,
      text.slice(0, 40),
    );
  // The next one has all of its time, and finds what it needs.
  assert.equal((await host.ask("print x = 1")).rows, "[[1]]");
  assert.throws(() => inTime(() => overflow(0)), /nested too deep/);
});

const overflow = (depth: number): number => overflow(depth + 1) + 1;

const columns = (from: number, to: number, kind = "long") =>
  Array.from({ length: to - from }, (_, index) => `c${from + index}:${kind}`).join(", ");

test("a table of more than 5000 columns is refused", hang, async () => {
  const why = /names more than 5000 columns/;
  await refused(`.create table Wide (${columns(0, 100_000)})`.slice(0, textBounds.characters), why);
  await refused(`.create-merge table Wide (${columns(0, 5_001)})`, why);
  await host.ask(`.create table Grows (${columns(0, 4_000)})`);
  await refused(`.alter-merge table Grows (${columns(4_000, 5_001)})`, /would have 5001 columns, more than 5000/);
});

test("many columns come and go at once, and the rows stay", hang, async () => {
  await host.ask(".create table Changes (a:long, s:string)");
  await host.ask(".ingest inline into table Changes <|\n1,x\n2,y");
  await host.ask(`.create-merge table Changes (${columns(0, 30)}, t:string)`);
  assert.equal(
    (await host.ask("Changes | sort by a asc | project a, s, c0, c29, t")).rows,
    '[[1,"x",null,null,""],[2,"y",null,null,""]]',
  );
  await host.ask(`.ingest inline into table Changes <|\n3,z,${Array.from({ length: 30 }, (_, n) => n).join(",")},u`);
  await host.ask(`.alter table Changes (c29:long, a:long, ${columns(30, 60, "string")})`);
  assert.equal(
    (await host.ask("Changes | sort by a asc | project c29, a, c30, c59")).rows,
    '[[null,1,"",""],[null,2,"",""],[29,3,"",""]]',
  );
  await host.ask(`.drop table Changes columns (${Array.from({ length: 30 }, (_, n) => `c${30 + n}`).join(", ")})`);
  assert.equal((await host.ask("Changes | getschema | project ColumnName")).rows, '[["c29"],["a"]]');
  assert.equal((await host.ask(".show table Changes extents | summarize sum(RowCount)")).rows, "[[3]]");
});
