import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "csv-parse/sync";
import { answerCsv, answerJson, answerTable } from "../../src/cli/answer-text.ts";

const answer = {
  columns: [
    { name: "name", type: "string" },
    { name: "n", type: "long" },
    { name: "d", type: "dynamic" },
  ],
  rows: [
    ['a,"b"\n', 9007199254740993n, { x: [1, 9007199254740993n] }],
    [null, 7, null],
    ["日本💧", -1, "\u001b[2J"],
  ],
};

test("a table: numbers to the right, wide characters counted, control characters shown", () => {
  assert.equal(
    answerTable(answer),
    [
      "name                    n  d",
      "-------  ----------------  --------------------------",
      'a,"b"\\n  9007199254740993  {"x":[1,9007199254740993]}',
      "                        7",
      "日本💧                 -1  \\u001b[2J",
    ].join("\n"),
  );
});

test("a table is cut to the room there is, and says what it left out", () => {
  const long = { columns: answer.columns, rows: [["x".repeat(100), 1, 2]] };
  assert.ok(answerTable(long).includes(`${"x".repeat(57)}...`));
  assert.ok(answerTable(long, { isWhole: true }).includes("x".repeat(100)));
  const narrow = answerTable(long, { width: 64 }).split("\n");
  assert.equal(narrow.at(-1), "(and d)");
  assert.ok(narrow.slice(0, 3).every((line) => line.length <= 64));
  assert.ok(answerTable(long, { width: 1 }).includes("name"));
});

test("JSON: one line that JSON.parse reads, with all digits of a long", () => {
  const text = answerJson(answer);
  assert.ok(!text.includes("\n"));
  assert.ok(text.includes('"n":9007199254740993'));
  assert.ok(text.includes("[1,9007199254740993]"));
  const { columns, rows } = JSON.parse(text);
  assert.deepEqual(columns, answer.columns);
  assert.equal(rows[0].name, 'a,"b"\n');
  assert.equal(rows[2].d, "\u001b[2J");
  assert.equal(
    JSON.parse(answerJson({ columns: [{ name: "r", type: "real" }], rows: [[Number.NaN]] })).rows[0].r,
    "NaN",
  );
});

test("a negative zero keeps its sign", () => {
  const zero = { columns: [{ name: "r", type: "real" }], rows: [[-0], [0]] };
  assert.equal(answerTable(zero).split("\n").slice(2).join(), "-0, 0");
  assert.equal(answerCsv(zero), "r\n-0\n0");
  const [row] = JSON.parse(answerJson(zero)).rows;
  assert.ok(Object.is(row.r, -0));
});

test("CSV that csv-parse reads back", () => {
  assert.deepEqual(parse(answerCsv(answer)), [
    ["name", "n", "d"],
    ['a,"b"\n', "9007199254740993", '{"x":[1,9007199254740993]}'],
    ["", "7", ""],
    ["日本💧", "-1", "\u001b[2J"],
  ]);
});

test("CSV of one column: a row without a value is no empty line, which readers skip", () => {
  const one = { columns: [{ name: "a", type: "long" }], rows: [["1"], [null], [""], ["3"]] } as const;
  assert.equal(answerCsv(one), 'a\n1\n""\n""\n3');
  assert.deepEqual(parse(answerCsv(one), { skip_empty_lines: true }), [["a"], ["1"], [""], [""], ["3"]]);
  const two = { columns: [...one.columns, { name: "b", type: "long" }], rows: [[null, null]] } as const;
  assert.equal(answerCsv(two), "a,b\n,");
});
