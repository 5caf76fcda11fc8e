import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { encoder } from "../../src/encode/choose-encoder.ts";
import { sealed } from "../../src/encode/gzip-member.ts";
import { jsonReasons } from "../../src/encode/json-syntax.ts";
import { rawReasons } from "../../src/encode/raw-reasons.ts";
import type { RowFormat } from "../../src/encode/row-format.ts";
import { embeddedWasm } from "../../src/encode/wasm-embedded.ts";
import { tableOf } from "../../src/schema/table.ts";
import { garbage, mutated, text } from "./arbitraries.ts";
import { found, rawChunkOf } from "./raw-chunks.ts";
import { textOf } from "./rows.ts";

const formats: readonly RowFormat[] = ["csv", "ndjson"];
const noLimits = { maxRows: 1e9, maxBytes: 1e9 };
const encoders = { WebAssembly: embeddedWasm(), JavaScript: undefined };

function tableOfWidth(columns: number) {
  const list = Array.from({ length: columns }, (_, i) => ({
    name: `c${i}`,
    kind: "string" as const,
    isOptional: true,
  }));
  return tableOf("Raw", list);
}

test("assembly numbers the reasons as the host does", () => {
  const source = readFileSync(new URL("../../assembly/reasons.ts", import.meta.url), "utf8");
  const numbers = [...source.matchAll(/^export const (\w+): u32 = (\d+);$/gm)].map((match) => Number(match[2]));
  assert.deepEqual(
    numbers,
    Array.from({ length: 7 + jsonReasons.length }, (_, i) => i + 1),
  );
  for (const [name, number] of Object.entries(rawReasons)) {
    const upper =
      name === "json"
        ? "OBJECT_MISSING"
        : name
            .replace(/(?=[A-Z]|8)/g, "_")
            .toUpperCase()
            .replace("F_8", "F8");
    assert.match(source, new RegExp(`^export const ${upper}: u32 = ${number};$`, "m"));
  }
});

for (const format of formats)
  test(`${format}: WebAssembly finds in any bytes the rows that JavaScript finds, for the same reasons`, () => {
    fc.assert(
      fc.property(
        fc.array(garbage, { maxLength: 4 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom(1, 7, 1e9),
        fc.constantFrom(16, 40, 1e9),
        (inputs, columns, maxRows, maxBytes) => {
          const limits = { maxRows, maxBytes };
          const rawChunks = inputs.map(rawChunkOf);
          const wasm = found(encoder(tableOfWidth(columns), format, limits, embeddedWasm()), rawChunks);
          const js = found(encoder(tableOfWidth(columns), format, limits, undefined), rawChunks);
          assert.deepEqual(wasm.refused, js.refused);
          assert.equal(wasm.rows, js.rows);
          assert.deepEqual(wasm.batches.map(textOf), js.batches.map(textOf));
          for (const batch of wasm.batches) assert.ok(batch.rows <= maxRows && batch.rawBytes <= maxBytes);
        },
      ),
      { numRuns: 600 },
    );
  });

/** An NDJSON line as other people's code sees it: undefined for none, else whether it is an object. */
function judgedLine(bytes: Uint8Array): boolean | undefined {
  try {
    const line = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    if (/^[ \t\r]*$/.test(line)) return undefined;
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

const object = fc.dictionary(text, fc.jsonValue({ stringUnit: "binary", maxDepth: 4 })).map((o) => JSON.stringify(o));

for (const [name, wasm] of Object.entries(encoders))
  test(`ndjson: a line arrives where TextDecoder and JSON.parse take it as an object, and no other (${name})`, () => {
    const line = fc.oneof(
      object.map((one) => Buffer.from(one)),
      object.chain(mutated).map((one) => Buffer.from(one)),
      garbage.map((bytes) => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 12 }),
        fc.constantFrom("\n", "\r\n"),
        fc.boolean(),
        (lines, end, isEnded) => {
          const input = Buffer.concat(
            lines.flatMap((one, i) => [one, Buffer.from(i + 1 < lines.length || isEnded ? end : "")]),
          );
          const { batches, rows, refused } = found(encoder(tableOfWidth(1), "ndjson", noLimits, wasm), [
            rawChunkOf(input),
          ]);
          const whole = rawChunkOf(input);
          const bytes = Buffer.from(whole.bytes, 0, whole.length);
          const sound: Buffer[] = [];
          let expectedRows = 0;
          for (let at = 0; at < bytes.length; ) {
            const next = bytes.indexOf(0x0a, at) + 1;
            const verdict = judgedLine(bytes.subarray(at, next - 1));
            if (verdict !== undefined) expectedRows++;
            if (verdict) sound.push(bytes.subarray(at, next));
            at = next;
          }
          assert.equal(textOf(batches[0]!), Buffer.concat(sound).toString());
          assert.equal(rows, expectedRows);
          assert.equal(refused.length, expectedRows - sound.length);
        },
      ),
      { numRuns: 400 },
    );
  });

function quoted(field: string): string {
  return `"${field.replaceAll('"', '""')}"`;
}

/** A field as a writer may put it: between quotes where it must be, and sometimes where it need not. */
const field = fc
  .tuple(text, fc.boolean())
  .map(([value, always]) => (always || /[",\r\n]/.test(value) ? quoted(value) : value));

const csvRow = fc.array(field, { minLength: 3, maxLength: 3 }).map((fields) => fields.join(","));

for (const [name, wasm] of Object.entries(encoders))
  test(`csv: rows that RFC 4180 allows arrive as they are, and csv-parse reads the same from them (${name})`, () => {
    fc.assert(
      fc.property(fc.array(csvRow, { maxLength: 20 }), fc.constantFrom("\n", "\r\n"), (rows, end) => {
        const input = rows.map((row) => row + end).join("");
        const {
          batches,
          rows: count,
          refused,
        } = found(encoder(tableOfWidth(3), "csv", noLimits, wasm), [rawChunkOf(input)]);
        assert.deepEqual(refused, []);
        assert.equal(count, rows.length);
        assert.equal(textOf(batches[0]!), input);
        assert.equal(parse(textOf(batches[0]!), { record_delimiter: end }).length, count);
      }),
      { numRuns: 200 },
    );
  });

/** Fields that begin with a letter, so that a quote left open before them is seen at their own opening quote. */
const plainRow = fc
  .array(fc.tuple(fc.constantFrom("x", 'q""s', "a,b", "two\nlines", "é€\u{1f600}", "0123456789abcdef"), fc.boolean()), {
    minLength: 3,
    maxLength: 3,
  })
  .map((fields) => fields.map(([value, always]) => (always || /[",\n]/.test(value) ? `"z${value}"` : value)).join(","));

const badRow = fc.constantFrom(
  'a"b,c,d',
  '"a"b,c,d',
  '"a" ,c,d',
  "a,b",
  "a,b,c,d",
  ",,,",
  "x",
  'a,b,"never closed',
  '"never closed,b,c',
  "a,b,c\rd",
  "a,b\r,c",
  "\u0000",
);

for (const [name, wasm] of Object.entries(encoders))
  test(`csv: a bad row is refused by its number and its neighbours arrive (${name})`, () => {
    const row = fc.oneof(
      plainRow.map((line) => ({ line, isBad: false })),
      badRow.map((line) => ({ line, isBad: true })),
    );
    fc.assert(
      fc.property(fc.array(row, { maxLength: 30 }), (rows) => {
        const input = rows.map(({ line }) => `${line}\n`).join("");
        const {
          batches,
          rows: count,
          refused,
        } = found(encoder(tableOfWidth(3), "csv", noLimits, wasm), [rawChunkOf(input)]);
        const sound = rows.filter(({ isBad }) => !isBad).map(({ line }) => `${line}\n`);
        assert.equal(textOf(batches[0]!), sound.join(""));
        assert.equal(count, rows.length);
        assert.deepEqual(
          refused.map((one) => one.row),
          rows.flatMap(({ isBad }, i) => (isBad ? [i] : [])),
        );
        const bytes = Buffer.from(input);
        assert.deepEqual(
          refused.map(({ start, end }) => bytes.toString("utf8", start, end)),
          rows.filter(({ isBad }) => isBad).map(({ line }) => `${line}\n`),
        );
      }),
      { numRuns: 200 },
    );
  });

const utf8 = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 40 }),
  fc
    .tuple(fc.string({ unit: "binary", minLength: 1, maxLength: 40 }), fc.nat(200), fc.nat(255), fc.boolean())
    .map(([value, at, byte, isBroken]) => Buffer.from(value).map((b, i) => (isBroken && i === at ? byte : b))),
  fc
    .array(
      fc.constantFrom(
        0x41,
        0x7f,
        0x80,
        0x8f,
        0x90,
        0x9f,
        0xa0,
        0xbf,
        0xc0,
        0xc1,
        0xc2,
        0xdf,
        0xe0,
        0xe1,
        0xec,
        0xed,
        0xee,
        0xef,
        0xf0,
        0xf1,
        0xf3,
        0xf4,
        0xf5,
        0xff,
      ),
      { minLength: 1, maxLength: 40 },
    )
    .map((list) => Uint8Array.from(list)),
);

test("bytes that TextDecoder refuses are refused as no UTF-8, and no others", () => {
  const one = encoder(tableOfWidth(1), "csv", noLimits, embeddedWasm());
  fc.assert(
    fc.property(fc.array(utf8, { minLength: 1, maxLength: 5 }), (values) => {
      const rows = values.map((value) => Buffer.from([...value].filter((b) => ![0x22, 0x2c, 0x0a, 0x0d].includes(b))));
      const present = rows.filter((row) => row.length > 0);
      const { refused } = found(one, [rawChunkOf(Buffer.concat(present.flatMap((row) => [row, Buffer.from("\n")])))]);
      const isBroken = (row: Buffer): boolean => judgedUtf8(row) === false;
      assert.deepEqual(
        refused.map(({ row, reason }) => [row, reason]),
        present.flatMap((row, i) => (isBroken(row) ? [[i, rawReasons.notUtf8]] : [])),
      );
    }),
    { numRuns: 10_000 },
  );
});

function judgedUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

for (const [name, wasm] of Object.entries(encoders)) {
  test(`a row of exactly the batch's bytes is taken, one byte more is refused (${name})`, () => {
    for (const [format, row] of [
      ["csv", '"1234567890",abc'],
      ["ndjson", '{"a":1234567890}'],
    ] as const) {
      const size = row.length + 1;
      const input = `${row}\n${row}`;
      const exact = found(encoder(tableOfWidth(2), format, { maxRows: 10, maxBytes: size }, wasm), [rawChunkOf(input)]);
      assert.deepEqual(exact.batches.map(textOf), [`${row}\n`, `${row}\n`]);
      const less = found(encoder(tableOfWidth(2), format, { maxRows: 10, maxBytes: size - 1 }, wasm), [
        rawChunkOf(input),
      ]);
      assert.deepEqual(
        less.refused.map(({ row: number, reason }) => [number, reason]),
        [
          [0, rawReasons.tooLarge],
          [1, rawReasons.tooLarge],
        ],
      );
      assert.equal(less.batches.map(textOf).join(""), "");
    }
  });

  test(`a row of megabytes passes through the gzip window in pieces (${name})`, () => {
    const large = "x".repeat(3_000_000);
    for (const [format, rows] of [
      ["csv", [`1,${large}\n`, `2,"${large}\n""${large}"\r\n`, "3,\n"]],
      ["ndjson", [`{"a":"${large}"}\n`, `{"b":[${"1,".repeat(500_000)}2]}\n`, "{}\n"]],
    ] as const) {
      const one = encoder(tableOfWidth(2), format, { maxRows: 2, maxBytes: 1e9 }, wasm);
      const { batches } = found(one, [rawChunkOf(rows.join("")), rawChunkOf(rows[2])]);
      const texts = batches.map(textOf);
      assert.equal(texts.length, 2);
      assert.ok(texts[0] === rows[0] + rows[1]);
      assert.equal(texts[1], rows[2] + rows[2]);
    }
  });
}

test("a line of white space is no row, unless it is longer than a batch: what came behind may be missing", () => {
  const input = `${" ".repeat(31)}\n{}\n${" ".repeat(32)}\n\t\r\n{}\n`;
  for (const wasm of Object.values(encoders)) {
    const one = encoder(tableOfWidth(1), "ndjson", { maxRows: 9, maxBytes: 32 }, wasm);
    const { batches, rows, refused } = found(one, [rawChunkOf(input)]);
    assert.equal(textOf(batches[0]!), "{}\n{}\n");
    assert.equal(rows, 3);
    assert.deepEqual(
      refused.map(({ row, reason }) => [row, reason]),
      [[1, rawReasons.tooLarge]],
    );
  }
});

test("raw rows and packed rows share a batch, in their order", async () => {
  const { compilePacker } = await import("../../src/encode/packer.ts");
  const table = tableOfWidth(2);
  for (const wasm of Object.values(encoders)) {
    const one = encoder(table, "csv", noLimits, wasm);
    const packer = compilePacker(table, { format: "csv", maxRecordBytes: 1e9 });
    const tally = { rows: 0, refused: [] };
    one.appendRaw(rawChunkOf("a,1\n"), 0, tally);
    packer.pack({ c0: "b", c1: "2" });
    one.append(packer.take()!, 0);
    one.appendRaw(rawChunkOf('"c",3'), 0, tally);
    const batch = sealed(one);
    assert.equal(batch.rows, 3);
    assert.equal(textOf(batch), 'a,1\nb,2\n"c",3\n');
    assert.equal(tally.rows, 2);
  }
});
