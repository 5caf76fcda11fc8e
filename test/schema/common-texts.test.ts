import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compilePacker } from "../../src/encode/packer.ts";
import { type CoerceOptions, coerce } from "../../src/schema/coerce.ts";
import { parseDatetime } from "../../src/schema/datetime-text.ts";
import { type InferOptions, type Inferred, inferTable } from "../../src/schema/infer.ts";
import type { Kind } from "../../src/schema/kinds.ts";
import { tableOf } from "../../src/schema/table.ts";
import { msTo1970, type Ticks } from "../../src/schema/ticks.ts";

// Values as people and programs write them: each lands right, or is refused with its reason.

const column = (kind: Kind) => tableOf("T", [{ name: "v", kind, isOptional: true }]);

function read(kind: Kind, text: string, options: CoerceOptions = {}): unknown {
  return coerce(column(kind), "csv", options)({ v: text }).v;
}

/** Why the sink refuses the text; undefined: it takes it. */
function refusal(kind: Kind, text: string, options: CoerceOptions = {}): string | undefined {
  const packer = compilePacker(column(kind), { format: "csv", maxRecordBytes: 1_000 });
  try {
    packer.pack({ v: read(kind, text, options) }, "a.csv:7");
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function infer(values: readonly string[], options: InferOptions = {}): Inferred {
  return inferTable(
    "T",
    values.map((v) => ({ v })),
    { from: "csv", ...options },
  );
}

const usual = ["NA", "N/A", "n/a", "#N/A", "<NA>", "NULL", "Null", "null", "None", "NaN", "nan", "NaT", "\\N", "-"];
const kindsWithNull: Kind[] = ["bool", "int", "long", "real", "decimal", "datetime", "timespan", "guid"];

test("texts for null: null in every column that cannot hold them, counted, and text in the others", () => {
  for (const text of usual) {
    for (const kind of kindsWithNull)
      if (kind === "real" && /nan/i.test(text) && text !== "NaT") assert.equal(read(kind, text), Number.NaN);
      else assert.equal(read(kind, text), null, `${text} in ${kind}`);
    assert.equal(read("string", text), text);
    if (text !== "null") assert.equal(read("dynamic", text), text);
  }
  const convert = coerce(column("int"), "csv");
  for (const v of ["1", "NA", "-", "NA", "", "-1"]) convert({ v });
  assert.deepEqual([...convert.readAsNull], [["v", { count: 3, texts: new Set(["NA", "-"]) }]]);
  assert.equal(coerce(column("int"), "json")({ v: "NA" }).v, "NA", "JSON has a null of its own");
});

test("null texts that are given hold in every column, and no others do", () => {
  const options = { nullTexts: ["-999", "\\N", "NaN"] };
  for (const kind of [...kindsWithNull, "string", "dynamic"] as const)
    for (const text of options.nullTexts) assert.equal(read(kind, text, options), null);
  assert.equal(read("int", "NA", options), "NA");
  assert.equal(read("int", "NA", { nullTexts: [] }), "NA");
  assert.throws(() => coerce(column("int"), "csv", { nullTexts: "NA" as never }), { code: "BAD_OPTION" });
});

const inferences: [values: string[], kind: Kind, nulls: string[]][] = [
  [["1", "NA", "-"], "int", ["NA", "-"]],
  [["NA", "1.5", "NaN"], "real", ["NA"]],
  [["1", "NaN"], "int", ["NaN"]],
  [["2024-05-06", "\\N", "NaT"], "datetime", ["\\N", "NaT"]],
  [["true", "None"], "bool", ["None"]],
  [["6F9619FF-8B86-D011-B42D-00C04FC964FF", "null"], "guid", ["null"]],
  [["NA", "-"], "string", []],
  [["NA", "x"], "string", []],
  [["1", "NA", "x"], "string", []],
  [["NaN"], "string", []],
  [["inf"], "string", []],
  [["1.5", "-inf", "Infinity"], "real", []],
  [["x", "inf"], "string", []],
  [[".097", "5.", "-.5e3"], "real", []],
  [["+5"], "string", []],
  [["1", "+5"], "string", []],
  [["2015/01/01 01:00:00", "2015-01-01"], "datetime", []],
  [["01/02/2015"], "string", []],
  [["2015-01-01T00:00:00.123456789Z"], "string", []],
  [["1,5"], "string", []],
];

for (const [values, kind, nulls] of inferences)
  test(`inference of ${JSON.stringify(values)}: ${kind}`, () => {
    for (const list of [values, [...values].reverse()]) {
      const { table, readAsNull } = infer(list);
      assert.equal(table.list[0]!.kind, kind);
      assert.deepEqual(
        readAsNull.flatMap(({ texts }) => [...texts].sort()),
        [...nulls].sort(),
      );
    }
  });

test("ingestion does what inference said, whatever the options", () => {
  const texts = fc.oneof(
    fc.constantFrom(...usual, "", "inf", ".5", "5.", "+5", "007", "-999", "true", "T", "yes", "2015/01/02", "1,5"),
    fc.constantFrom("2015-01-01T00:00:00.123456789Z", "2015-01-01 00:00:00.5 +01:00", "01/02/2015"),
    fc.integer().map(String),
    fc.double().map(String),
    fc.string(),
  );
  const options = fc.record(
    {
      nullTexts: fc.subarray([...usual, "-999", "x"]),
      excessPrecision: fc.constantFrom("refuse" as const, "truncate" as const),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.array(texts, { minLength: 1, maxLength: 6 }), options, (values, given) => {
      const inferred = infer(values, given);
      const convert = coerce(inferred.table, "csv", inferred);
      const packer = compilePacker(inferred.table, { format: "csv", maxRecordBytes: 1_000 });
      for (const v of values) packer.pack(convert({ v }));
      const said = new Set(inferred.readAsNull.flatMap(({ texts }) => texts));
      const done = new Set([...convert.readAsNull.values()].flatMap(({ texts }) => [...texts]));
      assert.deepEqual(done, said);
    }),
    { numRuns: 3_000 },
  );
});

test("fraction digits beyond Kusto's seven: refused with the way out, or cut where that is asked for", () => {
  const nine = "2024-05-06T07:08:09.123456789Z";
  assert.match(
    refusal("datetime", nine)!,
    /\(a\.csv:7\).* column v \(datetime\) got "2024.*more than 7 fraction digits \(excessPrecision/,
  );
  assert.equal(read("datetime", nine, { excessPrecision: "truncate" }), "2024-05-06T07:08:09.1234567Z");
  assert.equal(read("timespan", "01:02:03.123456789", { excessPrecision: "truncate" }), "01:02:03.1234567");
  assert.equal(
    coerce(column("datetime"), "json", { excessPrecision: "truncate" })({ v: nine }).v,
    "2024-05-06T07:08:09.1234567Z",
  );
  assert.equal(read("string", nine, { excessPrecision: "truncate" }), nine);
  assert.equal(refusal("datetime", "2024-05-06T07:08:09.123456700Z"), undefined);
  const refused = infer([nine, "2024-05-06"]);
  assert.deepEqual([refused.table.list[0]!.kind, refused.tooPrecise], ["string", ["v"]]);
  assert.deepEqual(infer([nine, "soon"]).tooPrecise, []);
  const cut = infer([nine, "2024-05-06"], { excessPrecision: "truncate" });
  assert.deepEqual([cut.table.list[0]!.kind, cut.tooPrecise], ["datetime", []]);
});

test("datetimes: every accepted way of writing an instant is that instant", () => {
  const instants = fc.date({ noInvalidDate: true, min: new Date("0002-01-01"), max: new Date("9998-12-31") });
  fc.assert(
    fc.property(
      instants,
      fc.integer({ min: -23 * 4, max: 23 * 4 }),
      fc.constantFrom("-", "/"),
      fc.constantFrom("T", " ", "t"),
      fc.constantFrom(".", ","),
      fc.constantFrom("", " "),
      fc.constantFrom("+hh:mm", "+hhmm", "+hh", "Z", "z", "UTC", "GMT", "+0000 UTC", ""),
      (date, quarters, dash, between, point, blank, form) => {
        const isOffset = form.startsWith("+h");
        const minutes = !isOffset ? 0 : form === "+hh" ? Math.trunc(quarters / 4) * 60 : quarters * 15;
        const local = new Date(date.getTime() + minutes * 60_000).toISOString();
        const size = Math.abs(minutes);
        const two = (n: number) => String(n).padStart(2, "0");
        const zone = isOffset
          ? (minutes < 0 ? "-" : "+") +
            form
              .slice(1)
              .replace("hh", two(Math.floor(size / 60)))
              .replace("mm", two(size % 60))
          : form;
        const text = `${local.slice(0, 10).replaceAll("-", dash)}${between}${local.slice(11, 19)}${point}${local.slice(20, 23)}${zone === "" ? "" : blank + zone}`;
        const ticks: Ticks = { ms: 0, rest: 0 };
        assert.equal(parseDatetime(text, ticks), undefined, text);
        assert.equal(ticks.ms - msTo1970, date.getTime(), text);
      },
    ),
    { numRuns: 3_000 },
  );
});

test("datetimes that could be read in two ways, or in none, are refused with their reason", () => {
  const cases: [text: string, reason: RegExp][] = [
    ["01/02/2015", /day and month could be either way round/],
    ["25/12/2015 10:00", /day and month/],
    ["1.2.15", /day and month/],
    ["2015/01-02", /not ISO 8601/],
    ["2015-01-01 00:00:00 CET", /not ISO 8601/],
    ["2015-01-01 00:00:00 +01:00 UTC", /not ISO 8601/],
    ["2015-01-01 00:00:00  Z", /not ISO 8601/],
    ["1517966773", /looks like a Unix time/],
    ["1517966773840", /looks like a Unix time/],
    [" 2015-01-01", /blanks stand around it/],
  ];
  for (const [text, reason] of cases) assert.match(refusal("datetime", text) ?? "taken", reason, text);
});

test("numbers: signs and bare points are read; separators and decimal commas are refused with a hint", () => {
  assert.deepEqual(
    [read("real", ".097"), read("real", "5."), read("real", "+5"), read("long", "+5"), read("int", "007")],
    [0.097, 5, 5, 5, 7],
  );
  const cases: [kind: Kind, text: string, reason: RegExp][] = [
    ["real", "1,5", /column v \(real\) got "1,5": it is not a number \(it has a decimal comma: write a point\)/],
    ["decimal", "1,5", /decimal comma/],
    ["long", "1,234,567", /the comma may separate thousands or be a decimal comma/],
    ["real", "1.234,5", /thousands separators and a decimal comma/],
    ["int", "1 234", /thousands separators/],
    ["int", "1\u00a0234", /thousands separators/],
    ["long", " 12", /blanks stand around it: the option trim/],
    ["long", "12.5", /it is not an integer\.$/],
  ];
  for (const [kind, text, reason] of cases) assert.match(refusal(kind, text) ?? "taken", reason, text);
});

test("booleans and GUIDs", () => {
  for (const [text, value] of [
    ["TRUE", true],
    ["False", false],
    ["1", true],
    ["0", false],
  ] as const)
    assert.equal(read("bool", text), value);
  for (const text of ["yes", "no", "T", "F", "y", "on"])
    assert.match(refusal("bool", text)!, /got ".*": it is not a boolean \(write true or false\)/);
  const guid = "6F9619FF-8B86-D011-B42D-00C04FC964FF";
  for (const text of [guid, `{${guid}}`, guid.replaceAll("-", ""), `{${guid.replaceAll("-", "")}}`])
    assert.equal(read("guid", text), guid);
  for (const text of [`{${guid}`, `(${guid})`, guid.slice(1)])
    assert.match(refusal("guid", text)!, /column v \(guid\)/);
});

test("CSV of which no field has a column stops at its first record, with the likely reason", () => {
  const target = tableOf("T", [
    { name: "id", kind: "int", isOptional: true },
    { name: "name", kind: "string", isOptional: true },
  ]);
  const cases: [record: Record<string, string>, reason: RegExp][] = [
    [
      { "id;name": "1;x" },
      /None of the fields \("id;name"\) has a column in table T \("id", "name"\): the delimiter seems/,
    ],
    [{ "1": "2", x: "y" }, /the first line seems to be data/],
    [{ ID: "1", Id: "2" }, /differ only by letter case/],
    [{ a: "1" }, /None of the fields/],
  ];
  for (const [record, reason] of cases)
    assert.throws(() => coerce(target, "csv")(record), { code: "BAD_SOURCE", message: reason });
  assert.deepEqual(coerce(target, "json")({ a: 1 }), {});
  const convert = coerce(target, "csv");
  convert({ id: "1", a: "2" });
  assert.deepEqual(convert({ a: "2" }), {}, "a record before had one");
});
