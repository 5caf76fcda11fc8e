import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { compilePacker } from "../../src/encode/packer.ts";
import { coerce } from "../../src/schema/coerce.ts";
import { ExactNumber } from "../../src/schema/exact-number.ts";
import { inferTable, type SampleForm, startInference } from "../../src/schema/infer.ts";
import type { Table } from "../../src/schema/table.ts";

function kindOf(values: readonly unknown[], from: SampleForm = "json"): string {
  const { table } = inferTable(
    "t",
    values.map((v) => ({ v })),
    { from },
  );
  assert.equal(table.list[0]?.isOptional, true);
  return table.list[0]!.kind;
}

const guid = "6F9619FF-8B86-D011-B42D-00C04FC964FF";

const json: [values: unknown[], kind: string][] = [
  [[null, undefined], "string"],
  [[true, null, false], "bool"],
  [[0, -1, 2147483647, -2147483648], "int"],
  [[1, 2147483648], "long"],
  [[9007199254740991], "long"],
  [[9007199254740992], "real"],
  [[9007199254740993n], "long"],
  [[2n ** 63n - 1n, -(2n ** 63n)], "long"],
  [[2n ** 63n], "decimal"],
  [[10n ** 34n], "string"],
  [[1n], "int"],
  [[1, 1.5], "real"],
  [[1, -0], "real"],
  [[1, Number.NaN], "real"],
  [[1, 1e300], "real"],
  [[new ExactNumber("12345678901234567.89")], "real"],
  [[1, new ExactNumber("0.10000000000000000001")], "real"],
  [[new ExactNumber("1e400")], "string"],
  [[new ExactNumber("1".repeat(50))], "string"],
  [["a"], "string"],
  [["", null], "string"],
  [["1", "2"], "string"],
  [[1, "a"], "string"],
  [[true, 1], "string"],
  [[true, "true"], "string"],
  [[1, {}], "dynamic"],
  [["a", [1]], "dynamic"],
  [["2024-05-06"], "datetime"],
  [["2024-05-06T07:08", "2024-05-06 07:08:09.1234567", null, "2024-05-06T07:08:09Z"], "datetime"],
  [["2024-05-06T07:08:09+02:00"], "datetime"],
  [[new Date(0)], "datetime"],
  [["2024-05-06", ""], "string"],
  [["2024-05-06", "soon"], "string"],
  [["2024-05-06", 1], "string"],
  [["2024-02-30"], "string"],
  [["2023-02-29"], "string"],
  [["2024-02-29"], "datetime"],
  [["2024-13-01"], "string"],
  [["2024-05-06T25:00"], "string"],
  [["2024-05-06T07:08:09.12345678"], "string"],
  [["Jun 12 1998"], "string"],
  [["1998"], "string"],
  [["12/06/1998"], "string"],
  [["0001-01-01T00:00:00+10:00"], "string"],
  [[guid, guid.toLowerCase()], "guid"],
  [[guid, "no"], "string"],
  [[guid, "2024-05-06"], "string"],
  [[`{${guid}}`], "string"],
];

for (const [values, kind] of json)
  test(`JSON ${values.map((v) => (typeof v === "bigint" ? `${v}n` : Object.is(v, -0) ? "-0" : JSON.stringify(v))).join(", ")} -> ${kind}`, () => {
    assert.equal(kindOf(values), kind);
    assert.equal(kindOf([...values].reverse()), kind, "the order of the samples does not matter");
  });

const csv: [values: string[], kind: string][] = [
  [["", ""], "string"],
  [["1", "", "-2"], "int"],
  [["1", "2147483648"], "long"],
  [["9007199254740993"], "long"],
  [["9223372036854775808"], "decimal"],
  [["1".repeat(35)], "string"],
  [["1", "1.0"], "real"],
  [["1e5", "-2.5E-3"], "real"],
  [["1e999"], "string"],
  [["007"], "string"],
  [["007", "8"], "string"],
  [["+7"], "string"],
  [[" 7"], "string"],
  [["-0"], "real"],
  [["0x10"], "string"],
  [["NaN"], "string"],
  [["1", "abc"], "string"],
  [["true", "FALSE", ""], "bool"],
  [["true", "1"], "string"],
  [["yes", "no"], "string"],
  [["2024-05-06", ""], "datetime"],
  [["2024-05-06", "Jun 12 1998"], "string"],
  [["1990"], "int"],
  [["1990", "2024-05-06"], "string"],
  [[guid], "guid"],
  [['{"a":1}'], "string"],
];

for (const [values, kind] of csv)
  test(`CSV ${JSON.stringify(values)} -> ${kind}`, () => {
    assert.equal(kindOf(values, "csv"), kind);
    assert.equal(kindOf([...values].reverse(), "csv"), kind);
  });

test("columns stand in the order in which their fields first appear", () => {
  const { table, samples } = inferTable("t", [{ b: 1 }, { a: 1, b: 2 }, { "10": 1, c: null }]);
  assert.deepEqual(
    table.list.map((c) => c.name),
    ["b", "a", "10", "c"],
  );
  assert.equal(samples, 3);
});

test("names that Kusto does not take are replaced, and reported", () => {
  const { table, renames } = inferTable("t", [
    { "a b": 1, "Cost Total $": 1, "": 1, a_b: 1, "a:b": 1, "a\nb": 1, "größe-ü.1": 1, __proto: 1, "???": 1, "😀": 1 },
  ]);
  assert.deepEqual(
    table.list.map((c) => c.name),
    ["a b", "Cost Total _", "column_3", "a_b", "a_b_2", "a_b_3", "größe-ü.1", "_proto", "column_9", "column_10"],
  );
  assert.deepEqual(renames[0], { field: "Cost Total $", column: "Cost Total _" });
  assert.equal(renames.length, 7);
});

test("a renamed column still gets its field's values", () => {
  const samples = [{ "Cost $": "12", "": "x" }];
  const { table, renames } = inferTable("t", samples, { from: "csv" });
  assert.deepEqual(coerce(table, "csv", { renames })(samples[0]!), { "Cost _": 12, column_2: "x" });
});

test("nothing to infer from, and names that are values, are refused", () => {
  assert.throws(() => inferTable("t", []), { code: "BAD_SCHEMA" });
  assert.throws(() => inferTable("t", [{}]), { code: "BAD_SCHEMA" });
  const wide = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`id${i}`, 1]));
  assert.throws(() => inferTable("t", [wide], { maxColumns: 10 }), /More than 10 fields/);
});

function mustTake(table: Table, records: Iterable<Record<string, unknown>>): void {
  const packer = compilePacker(table, { format: "csv", maxRecordBytes: 1 << 24 });
  for (const record of records) {
    packer.pack(record);
    if (packer.isFull) packer.take();
  }
}

const wellFormed = fc.string({ unit: "binary" }).filter((s) => s.isWellFormed());

const scalar = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.bigInt({ min: -(10n ** 36n), max: 10n ** 36n }),
  wellFormed,
  fc
    .date({ noInvalidDate: true, min: new Date("0002-01-01"), max: new Date("9998-12-31") })
    .map((d) => d.toISOString()),
  fc.uuid(),
);
/** Per column a pool of few shapes, so that columns of one kind are as common as mixed ones. */
const jsonValue = fc.oneof(
  { weight: 5, arbitrary: scalar },
  fc.array(fc.integer()),
  fc.dictionary(wellFormed, fc.integer()),
);

const csvValue = fc.oneof(
  fc.constant(""),
  fc.integer().map(String),
  fc.double().map(String),
  fc.bigInt({ min: -(10n ** 36n), max: 10n ** 36n }).map(String),
  fc.constantFrom("true", "FALSE", "007", "+1", "-0", "1.50", "1e5", "[1", '{"a":1}', "2024-05-06", "0.10"),
  wellFormed,
  fc.uuid(),
);

for (const [form, value] of [
  ["json", jsonValue],
  ["csv", csvValue],
] as const)
  test(`an inferred table takes every one of its own ${form} samples`, () => {
    const records = fc
      .array(
        fc.oneof(
          fc.constant(value),
          fc.constantFrom(fc.integer(), fc.boolean(), fc.uuid()).map((a) => (form === "csv" ? a.map(String) : a)),
        ),
        { minLength: 1, maxLength: 5 },
      )
      .chain((columns) =>
        fc.array(fc.record(Object.fromEntries(columns.map((arb, i) => [`c${i}`, arb])), { requiredKeys: ["c0"] }), {
          minLength: 1,
          maxLength: 12,
        }),
      );
    fc.assert(
      fc.property(records, (samples) => {
        const { table, renames } = inferTable("t", samples as Record<string, unknown>[], { from: form });
        mustTake(table, (samples as Record<string, unknown>[]).map(coerce(table, form, { renames })));
      }),
      { numRuns: 1_000 },
    );
  });

const data = (file: string): string =>
  readFileSync(new URL(`../../node_modules/vega-datasets/data/${file}`, import.meta.url), "utf8");

test("real files: what a reader of the data would have chosen", () => {
  const kinds = (records: Record<string, unknown>[]) => {
    const inferred = inferTable("t", records);
    mustTake(inferred.table, records.map(coerce(inferred.table, "json", inferred)));
    return Object.fromEntries(inferred.table.list.map((c) => [c.name, c.kind]));
  };
  assert.deepEqual(kinds(JSON.parse(data("flights-200k.json"))), { delay: "int", distance: "int", time: "real" });
  assert.deepEqual(kinds(JSON.parse(data("earthquakes.json")).features), {
    type: "string",
    properties: "dynamic",
    geometry: "dynamic",
    id: "string",
  });
  const movies = kinds(JSON.parse(data("movies.json")));
  assert.equal(movies.Title, "string");
  assert.equal(movies["Release Date"], "string");
  assert.equal(movies["IMDB Rating"], "real");
});

// Columns that are strings because of a few values.

const exceptionsOf = (values: readonly unknown[], from: SampleForm = "csv") => {
  const inference = startInference({ from });
  for (const [i, v] of values.entries()) inference.observe({ v }, () => `in.csv:${i + 2}`);
  return inference.table("t").exceptions;
};

const repeated = (n: number, value: (i: number) => unknown) => Array.from({ length: n }, (_, i) => value(i));

test("the first of few values that make a column a string is told with its place and the kind of the others", () => {
  const day = (i: number) => `2026-01-${String((i % 28) + 1).padStart(2, "0")}`;
  const cases: [values: unknown[], exception: object | undefined, from?: SampleForm][] = [
    [
      repeated(100, (i) => (i === 15 ? "x7" : `${i}`)),
      { value: "x7", place: "in.csv:17", count: 1, kind: "int", others: 99 },
    ],
    [
      ["x7", "", "NA", ...repeated(20, (i) => `${i}`)],
      { value: "x7", place: "in.csv:2", count: 1, kind: "int", others: 20 },
    ],
    [
      ["x7", ...repeated(20, (i) => `${i + 0.5}`)],
      { value: "x7", place: "in.csv:2", count: 1, kind: "real", others: 20 },
    ],
    [
      [...repeated(20, (i) => `${3e9 + i}`), "x"],
      { value: "x", place: "in.csv:22", count: 1, kind: "long", others: 20 },
    ],
    [
      [...repeated(20, () => "1".repeat(30)), "x"],
      { value: "x", place: "in.csv:22", count: 1, kind: "decimal", others: 20 },
    ],
    [[...repeated(20, () => "true"), "1"], { value: "1", place: "in.csv:22", count: 1, kind: "bool", others: 20 }],
    [
      [...repeated(50, day), "soon", "later"],
      { value: "soon", place: "in.csv:52", count: 2, kind: "datetime", others: 50 },
    ],
    [[...repeated(20, () => guid), "7"], { value: "7", place: "in.csv:22", count: 1, kind: "guid", others: 20 }],
    [
      [...repeated(20, day), "x".repeat(99)],
      { value: `${"x".repeat(60)}...`, place: "in.csv:22", count: 1, kind: "datetime", others: 20 },
    ],
    [
      [...repeated(400, (i) => `${i}`), ...repeated(20, () => "x")],
      { value: "x", place: "in.csv:402", count: 20, kind: "int", others: 400 },
    ],
    [[...repeated(9_000, (i) => `${i}`), ...repeated(21, () => "x")], undefined],
    [["x7", ...repeated(19, (i) => `${i}`)], undefined],
    [repeated(100, () => "x"), undefined],
    [repeated(100, (i) => `${i}`), undefined],
    [[...repeated(50, () => "1"), ...repeated(50, () => "true")], undefined],
    [["x7", ...repeated(99, (i) => i)], { value: "x7", place: "in.csv:2", count: 1, kind: "int", others: 99 }, "json"],
    [
      [...repeated(99, day), true],
      { value: "true", place: "in.csv:101", count: 1, kind: "datetime", others: 99 },
      "json",
    ],
    [[...repeated(99, (i) => i), "x", {}], undefined, "json"],
  ];
  for (const [values, exception, from] of cases)
    assert.deepEqual(
      exceptionsOf(values, from),
      exception ? [{ column: "v", ...exception }] : [],
      JSON.stringify(exception),
    );
});

test("without its exceptions a column is of the kind that was told (property)", () => {
  const rare = fc.constantFrom("x", "true", "7", "1.5", "2026-01-01", guid, "", "NA");
  const usual = fc.constantFrom("7", "1.5", "3000000000", "true", "2026-01-01", guid);
  fc.assert(
    fc.property(
      usual,
      fc.integer({ min: 1, max: 900 }),
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), rare), { maxLength: 25 }),
      (value, n, others) => {
        const values: string[] = Array(n).fill(value);
        for (const [at, other] of others) values.splice(Math.floor(at * values.length), 0, other);
        const [told] = exceptionsOf(values);
        if (!told) return;
        assert.equal(kindOf(values, "csv"), "string");
        const of = values.filter((each) => each !== "" && each !== "NA");
        const misfits = of.filter((each) => kindOf([each, value], "csv") === "string");
        assert.deepEqual([told.count, told.others], [misfits.length, of.length - misfits.length]);
        assert.equal(told.value, misfits[0]);
        assert.equal(told.place, `in.csv:${values.indexOf(misfits[0]!) + 2}`);
        assert.equal(
          told.kind,
          kindOf(
            of.filter((each) => !misfits.includes(each)),
            "csv",
          ),
        );
      },
    ),
    { verbose: 1 },
  );
});
