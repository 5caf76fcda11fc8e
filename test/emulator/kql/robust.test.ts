import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { type Engine, startEngine } from "./engine.ts";

let engine: Engine;

before(async () => {
  engine = await startEngine();
});
after(() => engine.close());

/** Compares under a seed that the report names. */
const checked = (property: fc.IAsyncProperty<[never]> | fc.IAsyncProperty<never>, numRuns = 40) =>
  fc.assert(property as fc.IAsyncProperty<unknown>, { numRuns });

const text = (value: string) =>
  `"${[...value].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")}"`;
const units = fc
  .array(fc.integer({ min: 1, max: 0xd7ff }), { maxLength: 12 })
  .map((codes) => String.fromCharCode(...codes));

/** The rows, with every number a BigInt's text. */
async function one(query: string): Promise<string> {
  const { rows } = await engine.query(query);
  assert.equal(rows.length, 1);
  return rows[0]!;
}

const largest = 3_155_378_975_999_999_999n;
const ticks = fc.bigInt({ min: 0n, max: largest });
const span = fc.bigInt({ min: 1n, max: 10n ** 16n });

test("ticks: sums, differences and bins are those of BigInt", async () => {
  await checked(
    fc.asyncProperty(ticks, ticks, span, async (a, b, by) => {
      const [x, y] = [`datetime(0001-01-01) + ${a} * 1tick`, `datetime(0001-01-01) + ${b} * 1tick`];
      const query = `print d = tolong((${x}) - (${y})), n = tolong(bin(${x}, ${by} * 1tick) - datetime(0001-01-01)), l = (${x}) < (${y})`;
      assert.equal(await one(query), `[${a - b},${a - (a % by)},${a < b}]`);
    }) as never,
  );
});

test("longs: quotients go towards zero, remainders are never negative", async () => {
  const long = fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n });
  await checked(
    fc.asyncProperty(long, long, async (a, b) => {
      fc.pre(b !== 0n);
      const size = b < 0n ? -b : b;
      const rest = ((a % b) + size) % size;
      assert.equal(
        await one(`print long(${a}) / long(${b}), long(${a}) % long(${b}), long(${a}) + 1`),
        `[${a / b},${rest},${a + 1n}]`,
      );
    }) as never,
  );
});

test("dynamics: members are those that JSON.parse finds", async () => {
  const key = fc.string({ minLength: 1, maxLength: 6 }).filter((name) => name !== "__proto__");
  await checked(
    fc.asyncProperty(fc.dictionary(key, fc.jsonValue({ maxDepth: 2 }), { minKeys: 1 }), async (value) => {
      const json = JSON.stringify(value);
      const bag = JSON.parse(json) as Record<string, unknown>;
      const [name] = Object.keys(bag);
      const row = JSON.parse(
        await one(
          `let d = parse_json(${text(json)}); print d[${text(name!)}], array_length(bag_keys(d)), bag_has_key(d, ${text(name!)}), d`,
        ),
      ) as unknown[];
      const member = bag[name!] ?? null;
      assert.deepEqual(row.slice(0, 2), [member, Object.keys(bag).length]);
      assert.deepEqual(row[3], bag);
      if (!name!.startsWith("$")) assert.equal(row[2], true);
    }) as never,
  );
});

test("texts: lengths, parts and joins are those of JavaScript", async () => {
  await checked(
    fc.asyncProperty(units, units, fc.nat(12), fc.nat(12), async (a, b, from, length) => {
      fc.pre(b !== "");
      const query = `print strlen(${text(a)}), substring(${text(a)}, ${from}, ${length}), split(strcat(${text(a)}, ${text(b)}), ${text(b)}), replace_string(${text(a + b)}, ${text(b)}, "<>"), ${text(a)} == ${text(b)}`;
      const row = JSON.parse(await one(query)) as unknown[];
      const joined = a + b;
      assert.deepEqual(row, [
        a.length,
        a.slice(from, from + length),
        joined.split(b),
        joined.replaceAll(b, "<>"),
        a === b,
      ]);
    }) as never,
  );
});

test("names: any name that Kusto takes, in quotes", async () => {
  for (const name of ['a"b', "a b", "x;--", "c0", "o", "x", "select", "naïve", "a.b-c", "$q", "'"]) {
    const quoted = `[${JSON.stringify(name)}]`;
    const { columns, rows } = await engine.query(
      `datatable(${quoted}:long)[1, 2] | extend z = ${quoted} + 1 | sort by ${quoted} desc | join kind=inner (print ${quoted} = 2) on ${quoted}`,
    );
    assert.deepEqual([columns.map((column) => column.name)[0], rows], [name, ["[2,3,2]"]]);
  }
});

test("backquotes quote no name", async () => {
  for (const query of ["datatable(`a`:long)[1]", "print `a` = 1", "print a=1 | project `a`"])
    assert.match((await engine.refusal(query)).message, /^Syntax error: SYN/, query);
});

test("long chains and deep nests are answered or refused, and nothing falls over", async () => {
  const chain = (length: number) => Array.from({ length }, (_, index) => `x == ${index}`).join(" or ");
  assert.equal(await one(`range x from 199 to 202 step 1 | where ${chain(200)} | count`), "[1]");
  // The parser itself has a limit.
  assert.match((await engine.refusal(`print x = 1 | where ${chain(3_000)}`)).message, /Query syntax depth/);
  const pipe = Array.from({ length: 100 }, (_, index) => `| extend c${index} = x + ${index}`).join(" ");
  assert.equal(await one(`print x = 1 ${pipe} | project c99`), "[100]");
  const nest = (depth: number) => `${"abs(".repeat(depth)}x${")".repeat(depth)}`;
  assert.equal(await one(`print x = -3 | project y = ${nest(100)}`), "[3]");
  const bins = `${"bin(".repeat(12)}x${", 3)".repeat(12)}`;
  assert.equal(await one(`print x = 100 | project y = ${bins}`), "[99]");
  const doubled = Array.from({ length: 40 }, (_, index) => `let v${index + 1} = v${index} + v${index};`).join("");
  assert.equal(await one(`let v0 = 1; ${doubled} print v40`), `[${2 ** 40}]`);
  const unions = Array.from({ length: 12 }, (_, index) => `let t${index + 1} = union t${index}, t${index};`).join("");
  assert.equal(await one(`let t0 = print x = 1; ${unions} t12 | count`), "[4096]");
  const long = "é".repeat(200_000);
  assert.equal(await one(`print strlen("${long}")`), "[200000]");
  const list = Array.from({ length: 5_000 }, (_, index) => index).join(",");
  assert.equal(await one(`print array_length(dynamic([${list}])), 4999 in (${list})`), "[5000,true]");
});

test("refusals carry Kusto's codes and the place", async () => {
  const refused: [string, RegExp][] = [
    ["print nope", /^Semantic error: SEM0100: .*\[line:position=1:7\]/],
    ["Nope", /^Semantic error: SEM0100: /],
    ["print x = 1 | where", /^Syntax error: SYN0002: /],
    ["print x = 1 |", /^Syntax error: SYN/],
    ["print strlen()", /^Semantic error: SEM/],
    [
      "let f = (x:long) { geo_distance_2points(x, x, x, x) }; print f(1)",
      /function 'geo_distance_2points\(\)' is not supported/,
    ],
    ["print x = 1 | evaluate bag_unpack(x)", /is not supported|^Semantic error/],
    [
      "print x = 1\n| make-series count() default=0 on x step 1",
      /operator 'make-series' is not supported.*2:3|^Semantic error/,
    ],
    ["print extract('(', 1, 'a')", /Query execution has resulted in error/],
  ];
  for (const [query, expected] of refused) assert.match((await engine.refusal(query)).message, expected, query);
});
