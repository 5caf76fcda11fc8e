import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { answerCsv, answerJson, answerTable } from "../../../src/cli/answer-text.ts";
import { answerOfV1, answerOfV2 } from "../../../src/connectors/kusto/answer.ts";
import { v1Query, v2Query } from "../../../src/emulator/http/answer.ts";
import { ingest } from "../../../src/emulator/ingest/ingest.ts";
import { type Engine, startEngine } from "./engine.ts";

/** Every digit of a long counts, within dynamics too: 2^53 + 1 is the first whole number that a double does not have. */
const n = 2n ** 53n + 1n;
const most = 2n ** 63n - 1n;

let engine: Engine;

before(async () => {
  engine = await startEngine();
  await engine.table("Csv", "d:dynamic, l:long", `"{""a"":[${n}]}",${n}\n${most},${-most}\n`);
  await engine.table("Json", "d:dynamic, l:long, s:string", `${n},1,x\n`);
  const lines = `{"d":{"a":[${n},-0.0,1e400,1.10]},"l":${most},"s":${n}}\n{"d":${-most},"l":"${n}","s":{"x":${n}}}\n`;
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(lines, "utf8");
  }
  await ingest(
    engine.catalogue,
    { database: "demo", table: "Json", format: "json", tags: [], ifNotExists: [] },
    bytes(),
  );
});
after(() => engine.close());

const cases: readonly [query: string, rows: string][] = [
  [`print dynamic(${n}), dynamic({'a': ${n}}), dynamic({"a":[${most}]})`, `[[${n},{"a":${n}},{"a":[${most}]}]]`],
  [`print parse_json('{"a":${n}}').a, tostring(parse_json('[${n}]'))`, `[[${n},"[${n}]"]]`],
  [
    `print tolong(dynamic({'a':${n}}).a) + 1, dynamic({'a':${n}}).a + 1, todecimal(dynamic(${n}))`,
    `[[${n + 1n},${n + 1n},"${n}"]]`,
  ],
  [
    `print d = dynamic({'a':${n}}) | project d.a == ${n}, d.a == ${n - 1n}, d.a > ${n - 1n}, d.a in (${n - 1n})`,
    "[[true,false,true,false]]",
  ],
  [`print d = dynamic(${n}) | project x = -d, y = -dynamic(-1.50), z = -dynamic('a')`, `[[${-n},1.50,null]]`],
  [
    `print a = ${n} | project x = pack('x', a), y = pack_array(a), z = array_concat(pack_array(a), dynamic([1]))`,
    `[[{"x":${n}},[${n}],[${n},1]]]`,
  ],
  [
    `print bag_merge(dynamic({'a':${n}}), dynamic({'b':${most}})), bag_set_key(dynamic({}), 'b', ${n})`,
    `[[{"a":${n},"b":${most}},{"b":${n}}]]`,
  ],
  [
    `print set_union(dynamic([${n}]), dynamic([${n - 1n}])), set_intersect(dynamic([${n}]), dynamic([${n - 1n}]))`,
    `[[[${n},${n - 1n}],[]]]`,
  ],
  [`print set_union(dynamic([{'a':[${n}]}]), dynamic([{'a':[${n - 1n}]}]))`, `[[[{"a":[${n}]},{"a":[${n - 1n}]}]]]`],
  [
    `print dynamic({'a':{'b':${n}}}) == dynamic({'a':{'b':${n - 1n}}}), set_has_element(dynamic([[${n}]]), dynamic([${n - 1n}]))`,
    "[[false,false]]",
  ],
  [
    `print array_sort_desc(dynamic([${n - 1n}, ${n + 1n}, ${n}])), array_index_of(dynamic([${n - 1n}, ${n}]), ${n})`,
    `[[[${n + 1n},${n},${n - 1n}],1]]`,
  ],
  [
    `print range(${n}, ${n + 2n}), repeat(${n}, 1), zip(dynamic([${n}]), dynamic([1]))`,
    `[[[${n},${n + 1n},${n + 2n}],[${n}],[[${n},1]]]]`,
  ],
  [
    `print d = dynamic([${n}, ${n - 1n}]) | mv-expand d | summarize make_list(d), make_set(d), max(tolong(d)), n = count_distinct(tostring(d))`,
    `[[[${n},${n - 1n}],[${n},${n - 1n}],${n},2]]`,
  ],
  [`print d = dynamic({'a':${n}}) | summarize make_bag(d), take_any(d)`, `[[{"a":${n}},{"a":${n}}]]`],
  [
    `print round(${n}), round(${n}, -1), round(-${n}, -3), ceiling(${n}), floor(${n}, 1), bin(${n}, 2), abs(-${n})`,
    `[[${n},9007199254740990,-9007199254741000,${n},${n},${n - 1n},${n}]]`,
  ],
  [
    `print min_of(${n}, ${n + 1n}), max_of(${n}, 1), ${n} % 10, ${n} / 2, ${n} * 1023`,
    `[[${n},${n},${n % 10n},${n / 2n},${n * 1023n}]]`,
  ],
  ["print x = datetime(2020-01-01 00:00:00.0000001) | summarize avg(x)", '[["2020-01-01T00:00:00.0000001Z"]]'],
  ["print real(-0.0), dynamic(-0.0), 1e300, -1.5e-7", "[[-0.0,-0.0,1e+300,-1.5e-7]]"],
  ["Csv | where l > 0 | project d, tolong(d.a[0]), l", `[[{"a":[${n}]},${n},${n}]]`],
  ["Csv | where l < 0 | project d, tolong(d), l", `[[${most},${most},${-most}]]`],
  ["Json | where isempty(d.a) and l > 1 | project d, l, s", `[[${-most},${n},"{\\"x\\":${n}}"]]`],
  ["Json | where isnotempty(d.a) | project d, l, s", `[[{"a":[${n},-0.0,1e400,1.10]},${most},"${n}"]]`],
];

for (const [query, rows] of cases)
  test(query, async () => {
    assert.equal((await engine.ask(query)).rows, rows);
  });

test("the digits reach the reader of an answer, and whoever prints it", async () => {
  const table = await engine.query(`print d = dynamic({'a': [${n}, ${-most}, 7]}), l = ${most}, r = real(-0.0)`);
  for (const answer of [answerOfV1(v1Query(table, "id")), answerOfV2(v2Query(table, "id"))]) {
    assert.deepEqual(answer.rows, [[{ a: [n, -most, 7] }, most, -0]]);
    const dynamic = `{"a":[${n},${-most},7]}`;
    assert.match(
      answerTable(answer, { isWhole: true }),
      new RegExp(`${dynamic.replaceAll(/[[{}]/g, "\\$&")} +${most} +-0$`),
    );
    assert.ok(answerJson(answer).endsWith(`"rows":[{"d":${dynamic},"l":${most},"r":-0}]}`), answerJson(answer));
    assert.equal(answerCsv(answer).split("\n")[1], `"${dynamic.replaceAll('"', '""')}",${most},-0`);
  }
});
