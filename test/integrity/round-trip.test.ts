import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, KustoConnectionStringBuilder } from "azure-kusto-data";
import fc from "fast-check";
import { kusto } from "../../src/connectors/kusto/index.ts";
import { type Emulator, startEmulator } from "../../src/emulator/index.ts";
import type { RowFormat } from "../../src/encode/row-format.ts";
import { open } from "../../src/open.ts";
import type { Json } from "../../src/schema/kinds.ts";
import { createMergeTableCommand } from "../../src/schema/kql.ts";
import { type Infer, k, table } from "../../src/schema/table.ts";

// Every value of all ten types that a sink takes reads back, through Microsoft's own client, as the value sent.

let emulator: Emulator;
let client: Client;

before(async () => {
  emulator = await startEmulator({ databases: ["db"] });
  client = new Client(new KustoConnectionStringBuilder(emulator.url));
});

after(async () => {
  client?.close();
  await emulator?.close();
});

const columns = {
  id: k.int(),
  flag: k.bool().optional(),
  moment: k.datetime().optional(),
  exact: k.decimal().optional(),
  bag: k.dynamic().optional(),
  key: k.guid().optional(),
  small: k.int().optional(),
  big: k.long().optional(),
  float: k.real().optional(),
  text: k.string().optional(),
  span: k.timespan().optional(),
};
const shape = table("shape", columns);
type Row = Omit<Infer<typeof shape>, "id">;

const ticksPerMs = 10_000n;
const ticksAtUnixEpoch = 621_355_968_000_000_000n;
const lastTick = 3_155_378_975_999_999_999n;

/** Text with everything that framing, escaping and UTF-8 can trip over. */
const pitfalls = ['"', ",", "\r", "\n", "\\", "\u0000", "\ufeff", "é", "漢", "😀", " ", "\t", "a", "'", "{", "\u2028"];
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.array(fc.constantFrom(...pitfalls), { maxLength: 12 }).map((parts) => parts.join("")),
);

const json: fc.Arbitrary<Json> = fc.oneof(
  fc.jsonValue({ maxDepth: 5 }).map((value) => JSON.parse(JSON.stringify(value)) as Json),
  fc.integer({ min: 1, max: 60 }).map((depth) => {
    let nested: Json = "core";
    for (let i = 0; i < depth; i++) nested = i % 2 ? [nested] : { "a b": nested };
    return nested;
  }),
);

const decimal = fc
  .tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 10n ** 34n - 1n }), fc.integer({ min: 0, max: 20 }))
  .map(([isNegative, digits, scale]) => {
    const padded = digits.toString().padStart(scale + 1, "0");
    const whole = padded.slice(0, padded.length - scale);
    return `${isNegative ? "-" : ""}${whole}${scale > 0 ? `.${padded.slice(-scale)}` : ""}`;
  });

const firstYear = new Date("0001-01-01T00:00:00Z");
const lastYear = new Date("9999-12-31T23:59:59.999Z");

const row: fc.Arbitrary<Row> = fc.record(
  {
    flag: fc.option(fc.boolean()),
    moment: fc.option(
      fc.oneof(fc.date({ min: firstYear, max: lastYear, noInvalidDate: true }), fc.bigInt({ min: 0n, max: lastTick })),
    ),
    exact: fc.option(decimal),
    bag: fc.option(json),
    key: fc.option(fc.uuid()),
    small: fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
    big: fc.option(
      fc.oneof(
        fc.constantFrom(2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n, 0n),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      ),
    ),
    float: fc.option(
      fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Infinity, -Infinity, -0, 5e-324, Number.MAX_VALUE)),
    ),
    text: fc.option(text),
    span: fc.option(fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n })),
  },
  { noNullPrototype: true },
);

interface Read {
  [column: string]: unknown;
}

async function send(name: string, rows: Row[], format: RowFormat, malformedText: "refuse" | "replace" = "refuse") {
  const target = table(name, columns);
  await client.execute("db", createMergeTableCommand(target));
  const sink = await open({
    table: target,
    to: kusto({
      cluster: emulator.url,
      database: "db",
      flushImmediately: true,
      pollForIngestionStatus: true,
      pollIntervalMs: 20,
    }),
    format,
    malformedText,
  });
  try {
    await sink.writeAll(rows.map((fields, id) => ({ id, ...fields })));
    await sink.close();
  } finally {
    await sink.abort();
  }
}

/**
 * What came over the wire: the client's own datetimes and timespans end at the millisecond, so its raw row is taken.
 * Longs go through text: the client reads JSON numbers, which end at 2^53.
 */
async function read(name: string): Promise<Read[]> {
  const answer = await client.execute("db", `${name} | extend big = tostring(big) | sort by id asc`);
  return [...answer.primaryResults[0]!.rows()].map(({ columns, raw }) =>
    Object.fromEntries(columns.map((column) => [column.name, (raw as unknown[])[column.ordinal]])),
  );
}

function ticksOfDatetime(value: unknown): bigint {
  if (typeof value === "bigint") return value;
  if (value instanceof Date) return BigInt(value.getTime()) * ticksPerMs + ticksAtUnixEpoch;
  const [, seconds, fraction = ""] = /^(.*?)(?:\.(\d+))?Z$/.exec(String(value))!;
  return BigInt(Date.parse(`${seconds}Z`)) * ticksPerMs + ticksAtUnixEpoch + BigInt(fraction.padEnd(7, "0"));
}

function ticksOfTimespan(value: unknown): bigint {
  if (typeof value === "bigint") return value;
  const pattern = /^(-?)(?:(\d+)\.)?(\d\d):(\d\d):(\d\d)(?:\.(\d+))?$/;
  const [, sign, days = "0", h, m, s, fraction = ""] = pattern.exec(String(value))!;
  const seconds = ((BigInt(days) * 24n + BigInt(h!)) * 60n + BigInt(m!)) * 60n + BigInt(s!);
  const ticks = seconds * 10_000_000n + BigInt(fraction.padEnd(7, "0"));
  return sign ? -ticks : ticks;
}

/** A decimal's value as digits and scale without trailing zeros; -0 is 0. */
function plainDecimal(value: unknown): string {
  const [, sign, whole, fraction = ""] = /^(-?)0*(\d*?)(?:\.(\d*?)0*)?$/.exec(String(value))!;
  const digits = `${whole || "0"}${fraction ? `.${fraction}` : ""}`;
  return digits === "0" ? "0" : sign + digits;
}

const isNull = (value: unknown) => value === null || value === undefined;

function check(sent: Row, got: Read): void {
  const where = `sent ${JSON.stringify(sent, (_, v) => (typeof v === "bigint" ? `${v}n` : v))}`;
  const same = (name: keyof Row, of: (value: unknown) => unknown) =>
    isNull(sent[name])
      ? assert.ok(isNull(got[name]), `${name} should be null, is ${got[name]}; ${where}`)
      : assert.deepStrictEqual(of(got[name]), of(sent[name]), `${name}; ${where}`);

  same("flag", Boolean);
  same("moment", ticksOfDatetime);
  same("exact", plainDecimal);
  same("key", String);
  same("small", Number);
  same("float", Number);
  same("span", ticksOfTimespan);
  // tostring(long(null)) is the empty text, and Kusto has no null string.
  assert.equal(got.big, isNull(sent.big) ? "" : String(sent.big), `big; ${where}`);
  assert.equal(got.text, sent.text ?? "", `text; ${where}`);
  if (isNull(sent.bag)) assert.ok(isNull(got.bag), `bag should be null, is ${JSON.stringify(got.bag)}; ${where}`);
  else assert.deepStrictEqual(got.bag, sent.bag, `bag; ${where}`);
}

let tables = 0;

for (const format of ["csv", "ndjson"] as const)
  test(`any record of all ten types reads back as sent, ${format}`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 20, maxLength: 120 }), async (rows) => {
        const name = `T${tables++}`;
        await send(name, rows, format);
        const got = await read(name);
        assert.equal(got.length, rows.length);
        for (const [i, sent] of rows.entries()) check(sent, got[i]!);
      }),
      { numRuns: 12, endOnFailure: true },
    );
  });

const edges: Row[] = [
  {},
  { text: "" },
  { text: '"' },
  { text: "\r" },
  { text: "\n\n" },
  { text: " padded " },
  { text: "\ufeffmark" },
  { text: "a\u0000b" },
  { text: "😀 漢字 é" },
  { text: "NULL" },
  { text: "null" },
  { text: "\\N" },
  { float: Number.NaN },
  { float: Infinity },
  { float: -Infinity },
  { float: -0 },
  { float: 0.1 + 0.2 },
  { float: 5e-324 },
  { big: 2n ** 53n + 1n },
  { big: -(2n ** 63n) },
  { moment: new Date("1969-12-31T23:59:59.999Z") },
  { moment: "0001-01-01T00:00:00Z" },
  { moment: "9999-12-31T23:59:59.9999999Z" },
  { moment: "1883-11-18T12:03:58.0000001Z" },
  { exact: "9999999999999999999999999999999999" },
  { exact: "-0.0000000000000000000000000000000001" },
  { bag: { deep: [{ list: [[[[["😀", null, true, -1.5e-7]]]]] }] } },
  { bag: "text" },
  { bag: "\ufeff" },
  { bag: 0 },
  { bag: [] },
  { span: "-106751.23:59:59.9999999" },
  { span: 0n },
];

for (const format of ["csv", "ndjson"] as const)
  test(`the known hard values read back as sent, ${format}`, async () => {
    await send(`Edges_${format}`, edges, format);
    const got = await read(`Edges_${format}`);
    assert.equal(got.length, edges.length);
    for (const [i, sent] of edges.entries()) check(sent, got[i]!);
  });

for (const format of ["csv", "ndjson"] as const)
  test(`lone surrogates: refused by name, or replaced where asked, and the neighbours arrive, ${format}`, async () => {
    const halves = ["a\ud83d", "\ude00b", "\ud83d", "x\ude00\ud83dy"];
    const name = `Halves_${format}`;
    await assert.rejects(send(`${name}_refused`, [{ text: halves[0]! }], format), /text.*surrogate|surrogate.*text/is);
    const rows = ["before", ...halves, "after"].map((value) => ({ text: value }));
    await send(name, rows, format, "replace");
    assert.deepEqual(
      (await read(name)).map((r) => r.text),
      ["before", ...halves.map((half) => half.toWellFormed()), "after"],
    );
  });
