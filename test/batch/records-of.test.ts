import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type DecodedRow, recordsOf } from "../../src/batch/records-of.ts";
import type { SealedBatch } from "../../src/batch/sealed-batch.ts";
import { memory } from "../../src/destination/memory.ts";
import { open } from "../../src/open.ts";
import { ExactNumber } from "../../src/schema/exact-number.ts";
import { rawJson } from "../../src/schema/raw-json.ts";
import { k, type Table, table, tableOf } from "../../src/schema/table.ts";
import { tableAndRecords } from "../encode/arbitraries.ts";

const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000);

const all = table("All", {
  b: k.bool().optional(),
  i: k.int().optional(),
  l: k.long().optional(),
  r: k.real().optional(),
  dec: k.decimal().optional(),
  s: k.string().optional(),
  at: k.datetime().optional(),
  span: k.timespan().optional(),
  g: k.guid().optional(),
  d: k.dynamic().optional(),
});

async function batchesOf(to: Table, records: readonly unknown[], raw = ""): Promise<SealedBatch<"records">[]> {
  const destination = memory({ payload: "records" });
  const sink = await open({ table: to, to: destination, parallelism: 0 });
  for (const record of records) if (!sink.write(record as never)) await sink.ready;
  if (raw !== "") sink.writeRaw(raw);
  await sink.close();
  return destination.batches;
}

async function decoded(to: Table, records: readonly unknown[], raw?: string): Promise<DecodedRow[]> {
  return (await batchesOf(to, records, raw)).flatMap((batch) => [...recordsOf(to, batch)]);
}

const nulls = { b: null, i: null, l: null, r: null, dec: null, s: null, at: null, span: null, g: null, d: null };

test("each kind is decoded to one type, exactly", async () => {
  const g = "74be27de-1e4e-49d9-b579-fe0b331d3642";
  const rows = await decoded(all, [
    {
      ...{ b: true, i: -5, l: 9_007_199_254_740_993n, r: 0.1, dec: "12.50", s: 'a "b"\n', g },
      ...{ at: new Date("2024-05-06T07:08:09.120Z"), span: 93_784_500, d: { a: [1, null, "x"] } },
    },
    { l: 7, r: Number.NaN, s: "", at: "2024-05-06T07:08:09.1234567+02:00", d: rawJson('{"n":1.00000000000000000001}') },
    { l: -(2n ** 63n), r: Number.NEGATIVE_INFINITY },
    // The double of these digits prints them, and is another number.
    { l: 31_731_086_265_953_110n, dec: "31731086265953110" },
    { r: -0, dec: 1e-7, g: g.toUpperCase(), d: rawJson("12345678901234567890") },
    {},
  ]);
  assert.deepEqual(
    rows.map(({ row }) => row),
    [0, 1, 2, 3, 4, 5],
  );
  const [first, second, third, held, fourth, last] = rows.map(({ record }) => record);
  assert.deepEqual(first, {
    ...{ b: true, i: -5, l: 9_007_199_254_740_993n, r: 0.1, dec: "12.50", s: 'a "b"\n', g },
    ...{ at: "2024-05-06T07:08:09.12Z", span: "1.02:03:04.5", d: { a: [1, null, "x"] } },
  });
  assert.deepEqual(second, {
    ...{ ...nulls, l: 7n, r: Number.NaN, s: "", at: "2024-05-06T05:08:09.1234567Z" },
    d: { n: new ExactNumber("1.00000000000000000001") },
  });
  assert.deepEqual(third, { ...nulls, l: -(2n ** 63n), r: Number.NEGATIVE_INFINITY });
  assert.deepEqual(held, { ...nulls, l: 31_731_086_265_953_110n, dec: "31731086265953110" });
  assert.ok(Object.is(fourth!.r, -0));
  assert.equal(String(fourth!.d), "12345678901234567890");
  assert.equal(String(fourth!.g).toLowerCase(), g);
  assert.equal(Number(fourth!.dec), 1e-7);
  assert.deepEqual(last, nulls);
  assert.deepEqual(Object.keys(last!), Object.keys(nulls));
});

test("a raw row is converted as coerce() does it, and one that does not fit says why; its neighbours are decoded", async () => {
  const raw = [
    '{"l":"12","at":"2024/05/06 03:00:00 +02:00","g":"{74BE27DE-1E4E-49D9-B579-FE0B331D3642}","more":1}',
    '{"i":"many"}',
    '{"at":"yesterday"}',
    '{"l":9223372036854775808}',
    '{"s":{"a":1},"dec":1.5}',
  ];
  const rows = await decoded(all, [{ i: 1 }], `${raw.join("\n")}\n`);
  assert.deepEqual(rows[1]!.record, {
    ...{ ...nulls, l: 12n, at: "2024-05-06T01:00:00Z", g: rows[1]!.record!.g },
  });
  assert.equal(String(rows[1]!.record!.g).toLowerCase(), "74be27de-1e4e-49d9-b579-fe0b331d3642");
  assert.match(rows[2]!.reason!, /^column i \(int\) got "many": /);
  assert.match(rows[3]!.reason!, /^column at \(datetime\) got "yesterday": /);
  assert.match(rows[4]!.reason!, /^column l \(long\) got 9223372036854775808n: /);
  assert.deepEqual(rows[5]!.record, { ...nulls, s: '{"a":1}', dec: "1.5" });

  const strict = table("Strict", { id: k.int() });
  const [missing] = await decoded(strict, [], "{}\n");
  assert.match(missing!.reason!, /^column id \(int\) got undefined: it is missing/);
});

test("names of Object's members and __proto__ are columns like others", async () => {
  const odd = tableOf("Odd", [
    { name: "__proto__", kind: "string", isOptional: true },
    { name: "constructor", kind: "int", isOptional: true },
  ]);
  const [row] = await decoded(odd, [JSON.parse('{"__proto__":"p"}')]);
  assert.deepEqual(Object.entries(row!.record!), [
    ["__proto__", "p"],
    ["constructor", null],
  ]);
});

test(`written again, a decoded record gives the same row, whatever the table (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(tableAndRecords, async ({ table: shape, records }) => {
      const to = tableOf(shape.name, shape.list);
      const batches = await batchesOf(to, records);
      const again = batches.flatMap((batch) =>
        [...recordsOf(to, batch)].map(({ record, reason }) => {
          assert.equal(reason, undefined);
          return Object.fromEntries(to.list.map(({ name }) => [name, record![name]]));
        }),
      );
      const text = (all: readonly SealedBatch<"records">[]) =>
        all.map(({ bytes }) => Buffer.from(bytes).toString()).join("");
      assert.equal(text(await batchesOf(to, again)), text(batches));
    }),
    { seed, numRuns: 60 },
  );
});

test("a batch of CSV is refused by name", async () => {
  const batch = { bytes: new Uint8Array(), ends: new Uint32Array(), format: "csv", table: "All" } as const;
  assert.throws(() => [...recordsOf(all, batch)], /recordsOf\(\): batch is of format csv/);
});
