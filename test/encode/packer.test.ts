import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runInNewContext } from "node:vm";
import { recordOf } from "../../src/encode/chunk.ts";
import { sealed } from "../../src/encode/gzip-member.ts";
import { jsEncoder } from "../../src/encode/js-encoder.ts";
import { compilePacker, type Packer } from "../../src/encode/packer.ts";
import { MillraceError } from "../../src/errors.ts";
import type { Kind } from "../../src/schema/kinds.ts";
import { k, table } from "../../src/schema/table.ts";
import { encodedText, textOf } from "./rows.ts";

const limits = { maxRows: 1e9, maxBytes: 1e9 };

/** The CSV of one value in a table of one column, without the newline. */
function packed(kind: Kind, value: unknown): string {
  const one = { name: "T", list: [{ name: "v", kind, isOptional: false }] };
  const packer = compilePacker(one, { format: "csv", maxRecordBytes: 1e9 });
  packer.pack({ v: value });
  return encodedText(jsEncoder(one, "csv", limits), [packer.take()!]).slice(0, -1);
}

function refusal(act: () => void): MillraceError {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof MillraceError);
    assert.equal(error.code, "RECORD_REFUSED");
    assert.equal(error.retryable, false);
    return error;
  }
  throw new assert.AssertionError({ message: "it was accepted" });
}

const mib = 1_048_576;

class FakeInstant {
  readonly epochNanoseconds: bigint;
  constructor(epochNanoseconds: bigint) {
    this.epochNanoseconds = epochNanoseconds;
  }
}

const accepted: Readonly<Record<Kind, readonly (readonly [unknown, string])[]>> = {
  bool: [
    [true, "true"],
    [false, "false"],
  ],
  datetime: [
    [new Date(0), "1970-01-01T00:00:00Z"],
    [new Date(-1), "1969-12-31T23:59:59.999Z"],
    [new Date("0001-01-01T00:00:00Z"), "0001-01-01T00:00:00Z"],
    [new Date("9999-12-31T23:59:59.999Z"), "9999-12-31T23:59:59.999Z"],
    [runInNewContext("new Date(1)"), "1970-01-01T00:00:00.001Z"],
    ["2024-02-29", "2024-02-29T00:00:00Z"],
    ["2024-05-06T07:08Z", "2024-05-06T07:08:00Z"],
    ["2024-05-06 07:08:09", "2024-05-06T07:08:09Z"],
    ["2024-05-06T07:08:09.1234567Z", "2024-05-06T07:08:09.1234567Z"],
    ["2024-05-06t07:08:09.100000000z", "2024-05-06T07:08:09.1Z"],
    ["2024-05-06T00:30:00+02:00", "2024-05-05T22:30:00Z"],
    ["2024-05-06T00:30:00-0330", "2024-05-06T04:00:00Z"],
    ["2024-05-06T00:30:00+02", "2024-05-05T22:30:00Z"],
    ["2000-12-31T23:59:59.9999999", "2000-12-31T23:59:59.9999999Z"],
    ["1900-03-01", "1900-03-01T00:00:00Z"],
    [1e12, "2001-09-09T01:46:40Z"],
    [-0.5, "1969-12-31T23:59:59.9995Z"],
    [1.00005, "1970-01-01T00:00:00.0010001Z"],
    [0.99999, "1970-01-01T00:00:00.001Z"],
    [0n, "0001-01-01T00:00:00Z"],
    [3_155_378_975_999_999_999n, "9999-12-31T23:59:59.9999999Z"],
    [new FakeInstant(1_234_567_899n), "1970-01-01T00:00:01.2345678Z"],
    [new FakeInstant(-1n), "1969-12-31T23:59:59.9999999Z"],
    [new FakeInstant(-100n), "1969-12-31T23:59:59.9999999Z"],
  ],
  decimal: [
    ["0", "0"],
    ["-12.50", "-12.50"],
    ["+007.10", "7.10"],
    ["1e3", "1000"],
    ["1.5E-7", "0.00000015"],
    ["0.000", "0.000"],
    ["0e5", "0"],
    ["12e-1", "1.2"],
    ["-1e40", "-1e40"],
    ["1.25e-40", "1.25e-40"],
    ["9".repeat(34), "9".repeat(34)],
    [`1${"0".repeat(40)}`, "1e40"],
    [`1.${"0".repeat(40)}`, `1.${"0".repeat(33)}`],
    [0.1, "0.1"],
    [1e21, `1${"0".repeat(21)}`],
    [5e-324, "5e-324"],
    [-0, "0"],
    [-(10n ** 33n), `-1${"0".repeat(33)}`],
  ],
  dynamic: [
    [{ a: 1 }, '"{""a"":1}"'],
    [[1, null], '"[1,null]"'],
    ["x", '"""x"""'],
    [7, "7"],
    [{ a: undefined, d: new Date(0) }, '"{""d"":""1970-01-01T00:00:00.000Z""}"'],
    ["\ud83d", '"""\\ud83d"""'],
    ["y".repeat(mib - 2), `"""${"y".repeat(mib - 2)}"""`],
  ],
  guid: [["0C5F8A3E-9D24-4B7A-8F11-2D3E4F5A6B7C", "0c5f8a3e-9d24-4b7a-8f11-2d3e4f5a6b7c"]],
  int: [
    [0, "0"],
    [-0, "0"],
    [2147483647, "2147483647"],
    [-2147483648, "-2147483648"],
    [5n, "5"],
  ],
  long: [
    [0, "0"],
    [-1, "-1"],
    [4_294_967_296, "4294967296"],
    [-4_294_967_297, "-4294967297"],
    [Number.MAX_SAFE_INTEGER, "9007199254740991"],
    [Number.MIN_SAFE_INTEGER, "-9007199254740991"],
    [2n ** 53n + 1n, "9007199254740993"],
    [2n ** 63n - 1n, "9223372036854775807"],
    [-(2n ** 63n), "-9223372036854775808"],
  ],
  real: [
    [0.1, "0.1"],
    [-0, "-0"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "Infinity"],
    [Number.NEGATIVE_INFINITY, "-Infinity"],
    [1e21, "1e+21"],
  ],
  string: [
    ["", '""'],
    ["x", "x"],
    ["a\r\nb", '"a\r\nb"'],
    ["\u{1f600}", "\u{1f600}"],
    ["y".repeat(mib), "y".repeat(mib)],
    ["\u{1f600}".repeat(mib / 4), "\u{1f600}".repeat(mib / 4)],
  ],
  timespan: [
    ["00:00:00", "00:00:00"],
    ["1.02:03:04.5", "1.02:03:04.5"],
    ["-00:00:00.0000001", "-00:00:00.0000001"],
    ["-23:59:59.9990000", "-23:59:59.999"],
    ["10675199.02:48:05.4775807", "10675199.02:48:05.4775807"],
    ["-10675199.02:48:05.4775808", "-10675199.02:48:05.4775808"],
    [1500, "00:00:01.5"],
    [-0.0001, "-00:00:00.0000001"],
    [1n, "00:00:00.0000001"],
    [-(2n ** 63n), "-10675199.02:48:05.4775808"],
  ],
};

const cycle: Record<string, unknown> = {};
cycle.self = cycle;

const refused: Readonly<Record<Kind, readonly (readonly [unknown, RegExp])[]>> = {
  bool: [
    [1, /not a boolean/],
    ["true", /not a boolean/],
  ],
  datetime: [
    [new Date(Number.NaN), /invalid Date/],
    ["", /not ISO 8601/],
    ["yesterday", /not ISO 8601/],
    ["2024-5-6", /not ISO 8601/],
    ["2024-05-06T", /not ISO 8601/],
    ["2024-05-06T07", /not ISO 8601/],
    ["2024-05-06T07:08:09.", /not ISO 8601/],
    ["2024-05-06T07:08.5", /not ISO 8601/],
    ["2024-05-06T07:08:09Zx", /not ISO 8601/],
    ["2024-05-06T07:08:09+1", /not ISO 8601/],
    ["2024-05-06T07:08:09 ", /not ISO 8601/],
    ["2023-02-29", /no such day/],
    ["1900-02-29", /no such day/],
    ["2024-13-01", /no such day/],
    ["2024-01-00", /no such day/],
    ["2024-05-06T24:00:00", /no such time/],
    ["2024-05-06T23:59:60Z", /no such time/],
    ["2024-05-06T07:08:09.12345678Z", /more than 7 fraction digits/],
    ["0000-01-01", /before 0001/],
    ["0001-01-01T00:00:00+01:00", /outside the years/],
    ["9999-12-31T23:59:59-01:00", /outside the years/],
    [-62_135_596_800_000.5, /outside the years/],
    [253_402_300_800_000, /outside the years/],
    [Number.NaN, /finite/],
    [-1n, /outside the years/],
    [3_155_378_976_000_000_000n, /outside the years/],
    [true, /no Date/],
    [{}, /no Date/],
  ],
  decimal: [
    ["", /not a decimal/],
    ["1.", /not a decimal/],
    [".5", /not a decimal/],
    ["1,5", /not a decimal/],
    ["0x10", /not a decimal/],
    [" 1", /not a decimal/],
    ["1\n", /not a decimal/],
    ["NaN", /not a decimal/],
    [Number.NaN, /no such value/],
    [Number.POSITIVE_INFINITY, /no such value/],
    ["1".repeat(35), /34 significant/],
    [`0.${"1".repeat(35)}`, /34 significant/],
    [10n ** 34n + 1n, /34 significant/],
    ["1e9999", /exponent/],
    [true, /no decimal text/],
  ],
  dynamic: [
    [() => 1, /no form/],
    [Symbol("s"), /no form/],
    [1n, /no form.*BigInt/],
    [{ a: [1n] }, /no form.*BigInt/],
    [cycle, /no form.*circular/],
    ["y".repeat(mib - 1), /over 1 MiB/],
    ["€".repeat(mib / 3), /over 1 MiB/],
  ],
  guid: [
    ["", /8-4-4-4-12/],
    ["0c5f8a3e9d244b7a8f112d3e4f5a6b7c", /8-4-4-4-12/],
    ["{0c5f8a3e-9d24-4b7a-8f11-2d3e4f5a6b7c}", /8-4-4-4-12/],
    ["0c5f8a3e-9d24-4b7a-8f11-2d3e4f5a6b7g", /8-4-4-4-12/],
    ["0c5f8a3e-9d24-4b7a-8f11-2d3e4f5a6b7c\n", /8-4-4-4-12/],
  ],
  int: [
    [1.5, /not an integer/],
    [Number.NaN, /not an integer/],
    [Number.POSITIVE_INFINITY, /not an integer/],
    ["1", /not an integer/],
    [2147483648, /32 bits/],
    [-2147483649n, /32 bits/],
    [2n ** 64n, /32 bits/],
  ],
  long: [
    [1.5, /not an integer/],
    ["1", /not an integer/],
    [2 ** 53, /use a bigint/],
    [-(2 ** 53), /use a bigint/],
    [1e300, /use a bigint/],
    [2n ** 63n, /64 bits/],
    [-(2n ** 63n) - 1n, /64 bits/],
  ],
  real: [
    ["1.5", /not a number/],
    [1n, /not a number/],
    [true, /not a number/],
  ],
  string: [
    [1, /not a string/],
    [Object("boxed"), /not a string/],
    ["\ud83d", /lone surrogate/],
    ["x\ude00", /lone surrogate/],
    ["y".repeat(mib + 1), /over 1 MiB/],
    ["é".repeat(mib / 2 + 1), /over 1 MiB/],
  ],
  timespan: [
    ["1:02:03", /not \[-\]/],
    ["24:00:00", /not \[-\]/],
    ["00:60:00", /not \[-\]/],
    ["00:00:00.12345678", /not \[-\]/],
    ["10675199.02:48:05.4775808", /64 bits/],
    ["-10675199.02:48:05.4775809", /64 bits/],
    [Number.NaN, /finite/],
    [1e300, /64 bits/],
    [-1e300, /64 bits/],
    [2n ** 63n, /64 bits/],
    [new Date(0), /no timespan/],
  ],
};

for (const kind of Object.keys(accepted) as Kind[]) {
  test(`${kind} takes what its contract says`, () => {
    for (const [value, csv] of accepted[kind]) assert.equal(packed(kind, value), csv, `${String(value).slice(0, 60)}`);
  });

  test(`${kind} refuses what its contract does not name, saying why`, () => {
    for (const [value, reason] of refused[kind]) {
      const error = refusal(() => packed(kind, value));
      assert.match(String(error.context.reason), reason);
      assert.match(error.message, reason);
      assert.equal(error.context.column, "v");
      assert.equal(error.context.kind, kind);
      assert.ok(String(error.context.value).length <= 80);
    }
  });

  test(`${kind}: null and undefined only where the column is optional`, () => {
    for (const value of [null, undefined]) assert.match(refusal(() => packed(kind, value)).message, /not optional/);
  });
}

const readings = table("Readings", { device: k.string(), value: k.real(), note: k.string().optional() });

function packerOf(options = {}): Packer {
  return compilePacker(readings, { format: "csv", maxRecordBytes: 1e9, ...options });
}

function csvOf(packer: Packer): string {
  return encodedText(jsEncoder(readings, "csv", limits), [packer.take()!]);
}

describe("a refused record", () => {
  test("is named by table, column, value, number and place", () => {
    const packer = packerOf();
    packer.pack({ device: "a", value: 1 });
    const error = refusal(() => packer.pack({ device: "b", value: "12" }, "events.ndjson:17"));
    assert.equal(
      error.message,
      'Record 1 (events.ndjson:17) does not fit table Readings: column value (real) got "12": it is not a number.',
    );
    assert.deepEqual(error.context, {
      table: "Readings",
      column: "value",
      kind: "real",
      value: '"12"',
      reason: "it is not a number",
      record: 1,
      place: "events.ndjson:17",
    });
    const lazy = refusal(() => packer.pack(7, () => "there"));
    assert.equal(lazy.context.place, "there");
    assert.equal(lazy.context.record, 2);
  });

  test("leaves its neighbours as they are, and uses up its number", () => {
    const packer = packerOf();
    const bad = [
      { device: "half\nwritten", value: 5, note: 7 },
      { device: "x", value: null },
      { value: 1 },
      null,
      "text",
      [],
      () => 1,
      {
        device: "thrown",
        get value() {
          throw new Error("no value today");
        },
      },
    ];
    for (const record of bad) {
      refusal(() => packer.pack(record));
      packer.pack({ device: "é", value: 1 });
    }
    const chunk = packer.take()!;
    assert.equal(chunk.rows, bad.length);
    assert.equal(chunk.firstRecord, 1);
    assert.equal(chunk.lastRecord, 2 * bad.length - 1);
    assert.deepEqual(
      bad.map((_, row) => recordOf(chunk, row)),
      bad.map((_, row) => 2 * row + 1),
    );
    assert.equal(encodedText(jsEncoder(readings, "csv", limits), [chunk]), "é,1,\n".repeat(bad.length));
  });

  test("whose getter throws is refused with the cause", () => {
    const cause = new Error("no value today");
    const error = refusal(() =>
      packerOf().pack({
        get device() {
          throw cause;
        },
      }),
    );
    assert.equal(error.cause, cause);
    assert.match(error.message, /no value today/);
  });

  test("may not be shown in full: the value is cut, on one line, and never well less formed than it was", () => {
    const packer = compilePacker(table("T", { n: k.int() }), { format: "csv", maxRecordBytes: 1e9 });
    for (const value of [
      "\u{1f600}".repeat(100),
      "a\nb",
      cycle,
      Symbol("s"),
      2n ** 200n,
      "\ud800",
      { a: "z".repeat(200) },
    ]) {
      const shown = String(refusal(() => packer.pack({ n: value })).context.value);
      assert.ok(shown.length <= 80 && shown.isWellFormed() && !shown.includes("\n"), shown);
    }
  });
});

test("properties that are no column are left alone, inherited ones are read, Object's own are not columns", () => {
  const t = table("T", { constructor: k.string().optional(), __proto__x: k.int(), toString: k.string().optional() });
  class Row {
    readonly extra = { big: 1n };
    get __proto__x() {
      return 7;
    }
  }
  const packer = compilePacker(t, { format: "csv", maxRecordBytes: 1e9 });
  packer.pack(new Row());
  packer.pack({ __proto__x: 8, constructor: "c", toString: "s" });
  packer.pack(Object.assign(Object.create(null), { __proto__x: 9 }));
  assert.equal(encodedText(jsEncoder(t, "csv", limits), [packer.take()!]), ",7,\nc,8,s\n,9,\n");
});

describe("half a surrogate pair", () => {
  const pair = table("Pair", { a: k.string(), b: k.string() });

  test("never fuses with the half that another value ends or begins with", () => {
    const packer = compilePacker(pair, { format: "csv", maxRecordBytes: 1e9, malformedText: "replace" });
    packer.pack({ a: "x\ud83d", b: "\ude00y" });
    assert.equal(encodedText(jsEncoder(pair, "csv", limits), [packer.take()!]), "x\ufffd,\ufffdy\n");
  });

  test("refuses the record by default", () => {
    const packer = compilePacker(pair, { format: "csv", maxRecordBytes: 1e9 });
    assert.equal(refusal(() => packer.pack({ a: "x\ud83d", b: "\ude00y" })).context.column, "a");
    assert.equal(packer.rows, 0);
    assert.equal(packer.take(), undefined);
  });
});

describe("maxRecordBytes", () => {
  const text = table("T", { s: k.string() });

  test("counts the encoded row with its newline, to the byte", () => {
    for (const [format, value, bytes] of [
      ["csv", "abc", 4],
      ["csv", 'a"', 6],
      ["csv", "é\u{1f600}", 7],
      ["ndjson", "abc", 12],
      ["ndjson", "\u0001\n", 17],
    ] as const) {
      compilePacker(text, { format, maxRecordBytes: bytes }).pack({ s: value });
      const error = refusal(() => compilePacker(text, { format, maxRecordBytes: bytes - 1 }).pack({ s: value }));
      assert.match(error.message, new RegExp(`takes ${bytes} bytes, and the limit of a batch is ${bytes - 1}`));
    }
  });

  test("measures the record alone, not those before it", () => {
    const packer = compilePacker(text, { format: "csv", maxRecordBytes: 10 });
    for (let i = 0; i < 100; i++) packer.pack({ s: "123456789" });
    refusal(() => packer.pack({ s: "1234567890" }));
    assert.equal(packer.rows, 100);
  });
});

describe("chunks", () => {
  test("are full by rows, or by text", () => {
    const byRows = packerOf({ rowsPerChunk: 3 });
    for (const device of ["a", "b", "c"]) {
      assert.equal(byRows.isFull, false);
      byRows.pack({ device, value: 0 });
    }
    assert.equal(byRows.isFull, true);
    assert.throws(() => byRows.pack({ device: "d", value: 0 }), { code: "INTERNAL" });
    assert.equal(csvOf(byRows), "a,0,\nb,0,\nc,0,\n");
    assert.equal(byRows.isFull, false);

    const byText = packerOf();
    byText.pack({ device: "x".repeat(262_144), value: 0 });
    assert.equal(byText.isFull, true);
  });

  test("keep counting records from one to the next, and fill recycled buffers without a trace of what was in them", () => {
    const packer = packerOf({ rowsPerChunk: 4 });
    for (let i = 0; i < 4; i++) packer.pack({ device: "long text of an earlier chunk", value: i, note: "note" });
    const first = packer.take()!;
    packer.recycle(first);
    for (let i = 0; i < 2; i++) packer.pack({ device: "", value: i });
    const second = packer.take()!;
    assert.equal(encodedText(jsEncoder(readings, "csv", limits), [second]), ",0,\n,1,\n");
    for (const device of ["y", "z"]) packer.pack({ device, value: 9 });
    const third = packer.take()!;
    assert.ok(third.text === first.text && third.tape === first.tape);
    assert.equal(third.firstRecord, 6);
    // From the second row on: what stands before it is found by the lengths of the first.
    const encoder = jsEncoder(readings, "csv", limits);
    assert.equal(encoder.append(third, 1), 1);
    assert.equal(textOf(sealed(encoder)), "z,9,\n");
  });

  test("hold texts of any width in the order of the records, whose texts are written piece by piece", () => {
    const packer = packerOf();
    const texts = Array.from({ length: 1_500 }, (_, i) => ["a", "é", "€", "𝄞"][i % 4]!.repeat(1 + ((i * 37) % 90)));
    for (const device of texts) packer.pack({ device, value: 0 });
    const chunk = packer.take()!;
    const expected = Buffer.from(texts.join(""));
    assert.ok(chunk.textUnits > 65_536);
    assert.equal(chunk.textUnits, texts.join("").length);
    assert.ok(Buffer.from(new Uint8Array(chunk.text, 0, chunk.textBytes)).equals(expected));
    const rows = texts.map((text) => `${text},0,\n`).join("");
    assert.equal(encodedText(jsEncoder(readings, "csv", limits), [chunk]), rows);
  });

  test("know whether they are all ASCII by their lengths", () => {
    const packer = packerOf();
    packer.pack({ device: "x".repeat(70_000), value: 0 });
    const ascii = packer.take()!;
    assert.equal(ascii.textBytes, ascii.textUnits);
    packer.pack({ device: `${"€".repeat(70_000)}`, value: 0 });
    const wide = packer.take()!;
    assert.equal(wide.textUnits, 70_000);
    assert.equal(wide.textBytes, 210_000);
    assert.equal(encodedText(jsEncoder(readings, "csv", limits), [wide]), `${"€".repeat(70_000)},0,\n`);
  });
});

test("a record written from within another record's getter is refused, and the outer one as well is not lost in silence", () => {
  const packer = packerOf();
  const error = refusal(() =>
    packer.pack({
      device: "outer",
      get value() {
        packer.pack({ device: "inner", value: 1 });
        return 2;
      },
    }),
  );
  assert.match(error.message, /write it afterwards/);
  packer.pack({ device: "next", value: 3 });
  assert.equal(csvOf(packer), "next,3,\n");
});
