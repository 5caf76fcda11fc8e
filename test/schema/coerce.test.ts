import assert from "node:assert/strict";
import { test } from "node:test";
import { coerce } from "../../src/schema/coerce.ts";
import { ExactNumber, stringifyExactly } from "../../src/schema/exact-number.ts";
import type { SampleForm } from "../../src/schema/infer.ts";
import type { Kind } from "../../src/schema/kinds.ts";
import { RawJson, rawJson } from "../../src/schema/raw-json.ts";
import { k, table, tableOf } from "../../src/schema/table.ts";

function one(kind: Kind, from: SampleForm, v: unknown): unknown {
  return coerce(tableOf("t", [{ name: "v", kind, isOptional: true }]), from)({ v }).v;
}

function exact(text: string): ExactNumber {
  return new ExactNumber(text);
}

const cases: [kind: Kind, from: SampleForm, value: unknown, expected: unknown][] = [
  ["string", "json", "a", "a"],
  ["string", "json", 1.5, "1.5"],
  ["string", "json", 1e21, "1e+21"],
  ["string", "json", 12345678901234567890n, "12345678901234567890"],
  ["string", "json", true, "true"],
  ["string", "json", { a: [1] }, '{"a":[1]}'],
  ["string", "json", null, null],
  ["string", "csv", "", ""],
  ["long", "csv", "", null],
  ["long", "csv", "12", 12],
  ["long", "csv", "-0", 0],
  ["long", "csv", "+12", 12],
  ["long", "csv", "007", 7],
  ["long", "csv", "12.0", 12],
  ["long", "csv", "9007199254740993", 9007199254740993n],
  ["long", "csv", "12.5", "12.5"],
  ["long", "csv", " 12", " 12"],
  ["long", "csv", "n/a", null],
  ["long", "csv", "none", "none"],
  ["long", "json", "9223372036854775807", 9223372036854775807n],
  ["long", "json", "", ""],
  ["long", "json", 1.5, 1.5],
  ["long", "json", true, true],
  ["int", "csv", "99999999999", 99999999999],
  ["real", "csv", "1.50", 1.5],
  ["real", "csv", ".5", 0.5],
  ["real", "csv", "nan", Number.NaN],
  ["real", "csv", "-Infinity", Number.NEGATIVE_INFINITY],
  ["real", "csv", "1e999", "1e999"],
  ["real", "csv", "1,5", "1,5"],
  ["real", "json", 9007199254740993n, 9007199254740992],
  ["bool", "csv", "TRUE", true],
  ["bool", "csv", "0", false],
  ["bool", "csv", "yes", "yes"],
  ["bool", "json", 1, 1],
  ["decimal", "csv", "1.10", "1.10"],
  ["datetime", "csv", "Jun 12 1998", "Jun 12 1998"],
  ["datetime", "json", 0, 0],
  ["datetime", "json", 1517966773840000000n, "1517966773840000000"],
  ["guid", "csv", "", null],
  ["dynamic", "csv", '{"a":1}', { a: 1 }],
  ["dynamic", "csv", "12", 12],
  ["dynamic", "csv", "plain", "plain"],
  ["dynamic", "csv", "", null],
  ["dynamic", "json", "12", "12"],
  ["dynamic", "json", "", ""],
  ["dynamic", "json", [1], [1]],
  ["decimal", "json", exact("12345678901234567.89"), "12345678901234567.89"],
  ["string", "json", exact("1e400"), "1e400"],
  ["string", "json", { a: exact("1e400") }, '{"a":1e400}'],
  ["long", "json", exact("9007199254740993.0"), 9007199254740993n],
  ["long", "json", exact("1e400"), exact("1e400")],
  ["int", "json", exact("1.00000000000000000001"), exact("1.00000000000000000001")],
  ["real", "json", exact("0.10000000000000000001"), 0.1],
  ["real", "json", exact("1e400"), exact("1e400")],
  ["real", "json", 10n ** 400n, 10n ** 400n],
  ["bool", "json", exact("1.00000000000000000001"), exact("1.00000000000000000001")],
  ["datetime", "json", exact("1700000000000.12341"), 638355968000001234n],
  ["datetime", "json", exact("-62135596800000.00005"), 0n],
  ["timespan", "json", exact("-1.00015000000000000"), -10_001n],
  ["timespan", "json", exact("1e400"), exact("1e400")],
  ["dynamic", "json", exact("1e400"), exact("1e400")],
  ["dynamic", "json", 9007199254740993n, exact("9007199254740993")],
  ["dynamic", "csv", "9007199254740993", rawJson("9007199254740993")],
  ["dynamic", "csv", '{"a":[0.10000000000000000001]}', rawJson('{"a":[0.10000000000000000001]}')],
  ["string", "json", { n: 1n }, { n: 1n }],
];

function shown(value: unknown): string {
  return stringifyExactly(value, (_, each) => (typeof each === "bigint" ? `${each}n` : each)) ?? "";
}

for (const [kind, from, value, expected] of cases)
  test(`${from} ${shown(value)} in a ${kind} column`, () => {
    assert.deepEqual(one(kind, from, value), expected);
  });

test("fields without a column are left out and counted; absent fields stay absent", () => {
  const convert = coerce(table("t", { a: k.int(), b: k.int().optional() }), "json");
  assert.deepEqual(convert({ a: 1, x: 1 }), { a: 1 });
  assert.deepEqual(convert({ a: 1, b: 2, x: 1, y: 2 }), { a: 1, b: 2 });
  assert.deepEqual(
    [...convert.unknownFields],
    [
      ["x", 2],
      ["y", 1],
    ],
  );
});

test("columns named like members of every object hold what the record holds", () => {
  const named = tableOf(
    "t",
    ["__proto__", "constructor", "toString"].map((name) => ({ name, kind: "string", isOptional: true })),
  );
  const convert = coerce(named, "json");
  const given = '{"__proto__":"a","toString":"b"}';
  const record = convert(JSON.parse(given) as Record<string, unknown>);
  assert.equal(JSON.stringify(record), given);
  assert.equal(Object.getPrototypeOf(record), Object.prototype);
  assert.equal(JSON.stringify(convert({})), "{}");
});

test("what cannot be read is passed on whole, for the sink to refuse", () => {
  const convert = coerce(table("t", { a: k.int(), s: k.string().optional() }), "json");
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const hostile = {
    get a(): never {
      throw new Error("no");
    },
  };
  for (const raw of [null, undefined, 1, "text", hostile, proxy]) assert.equal(convert(raw as never), raw);
  const fault = { toJSON: () => hostile.a };
  assert.equal(convert({ a: 1, s: fault }).s, fault);
});

test("the names of unknown fields are bounded", () => {
  const convert = coerce(table("t", { a: k.int() }), "json");
  for (let i = 0; i < 2_000; i++) convert({ [`f${i}`]: 1 });
  assert.equal(convert.unknownFields.size, 1_000);
});

test("a dynamic column of a CSV file keeps every digit", () => {
  const convert = coerce(tableOf("T", [{ name: "d", kind: "dynamic", isOptional: true }]), "csv");
  for (const text of ['{"id":12345678901234567890}', "[9007199254740993]", "12345678901234567890"]) {
    const { d } = convert({ d: text });
    assert.ok(d instanceof RawJson, text);
    assert.equal(d.text, text);
  }
  assert.deepEqual(convert({ d: '"1234567890123456789"' }), { d: "1234567890123456789" });
  assert.deepEqual(convert({ d: '{"id":1}' }), { d: { id: 1 } });
  assert.deepEqual(convert({ d: "1234567890123456789x" }), { d: "1234567890123456789x" });
});

test("a member that every object inherits is absent unless the record has it", () => {
  const names = Object.getOwnPropertyNames(Object.prototype).filter((name) => name !== "__proto__");
  assert.ok(names.includes("constructor"));
  for (const name of names) {
    const convert = coerce(table("t", { a: k.int(), [name]: k.string().optional() }), "json");
    assert.deepEqual(Object.entries(convert({ a: 1 })), [["a", 1]], name);
    assert.deepEqual(
      Object.entries(convert({ a: 1, [name]: "x" })),
      [
        ["a", 1],
        [name, "x"],
      ],
      name,
    );
  }
  const renamed = coerce(table("t", { a_: k.string().optional() }), "json", {
    renames: [{ field: "valueOf", column: "a_" }],
  });
  assert.deepEqual(renamed({}), {});
});
