import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { encoder } from "../../src/encode/choose-encoder.ts";
import { compilePacker } from "../../src/encode/packer.ts";
import type { RowFormat } from "../../src/encode/row-format.ts";
import { embeddedWasm } from "../../src/encode/wasm-embedded.ts";
import { MillraceError } from "../../src/errors.ts";
import { rawJson } from "../../src/schema/raw-json.ts";
import { k, table } from "../../src/schema/table.ts";
import { mutated } from "./arbitraries.ts";
import { chunksOf, encodedText } from "./rows.ts";

const documents = table("Documents", { id: k.int(), d: k.dynamic(), tail: k.string().optional() });
const limits = { maxRows: 1e9, maxBytes: 1e9 };

function encoded(records: readonly unknown[], format: RowFormat): string {
  return encodedText(
    encoder(documents, format, limits, embeddedWasm()),
    chunksOf({ table: documents, records }, format),
  );
}

function refusal(d: unknown, options = {}): MillraceError | undefined {
  const packer = compilePacker(documents, { format: "csv", maxRecordBytes: 1e9, ...options });
  try {
    packer.pack({ id: 1, d });
    return undefined;
  } catch (error) {
    assert.ok(error instanceof MillraceError && error.code === "RECORD_REFUSED", String(error));
    return error;
  }
}

const json = fc
  .tuple(fc.jsonValue({ stringUnit: "binary" }), fc.constantFrom(undefined, 1, "\t", "\r\n"), fc.boolean())
  .filter(([value]) => value !== null)
  .map(([value, space, isPadded]) =>
    isPadded ? `\r\n ${JSON.stringify(value, null, space)}\n` : JSON.stringify(value, null, space),
  );

test("JSON text stands in the row as it was given, but for newlines, and other readers find the value", () => {
  fc.assert(
    fc.property(fc.array(json, { minLength: 1, maxLength: 5 }), fc.boolean(), (texts, isBytes) => {
      const records = texts.map((text, id) => ({ id, d: rawJson(isBytes ? Buffer.from(text) : text), tail: "\n" }));
      const lines = encoded(records, "ndjson").split("\n").slice(0, -1);
      const rows: string[][] = parse(encoded(records, "csv"));
      assert.equal(lines.length, texts.length);
      texts.forEach((text, id) => {
        const oneLine = text.replace(/[\r\n]/g, " ");
        assert.equal(lines[id], `{"id":${id},"d":${oneLine},"tail":"\\n"}`);
        assert.deepEqual(JSON.parse(lines[id]!).d, JSON.parse(text));
        assert.deepEqual(rows[id], [String(id), oneLine, "\n"]);
      });
    }),
    { numRuns: 300 },
  );
});

test("what JSON.parse refuses is refused by name, what it takes is taken", () => {
  const packer = compilePacker(documents, { format: "ndjson", maxRecordBytes: 1e9 });
  fc.assert(
    fc.property(json.chain(mutated), (cut) => {
      const text = cut.toWellFormed();
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        value = null; // refused as well: the column is not optional
      }
      let isTaken = true;
      try {
        packer.pack({ id: 1, d: rawJson(text) });
      } catch {
        isTaken = false;
      }
      packer.take();
      assert.equal(isTaken, value !== null, JSON.stringify(text));
    }),
    { numRuns: 5_000 },
  );
});

test("numbers keep their digits and keys their order, which JSON.parse would not give back", () => {
  const text = '{"b":12345678901234567890.10,"1":1E400,"a":-0,"b":2}';
  assert.equal(encoded([{ id: 1, d: rawJson(text) }], "ndjson"), `{"id":1,"d":${text}}\n`);
});

test("a refusal names the column, the text, the reason and the place", () => {
  const error = refusal(rawJson('{"a":1,}'))!;
  assert.match(error.message, /Documents.*column d \(dynamic\).*it is not JSON: a key is missing, at character 7/);
  assert.equal(error.context.value, JSON.stringify('{"a":1,}'));
});

test("texts that UTF-8 or Kusto cannot carry are refused", () => {
  assert.match(refusal(rawJson(Uint8Array.of(0x22, 0xff, 0x22)))!.message, /its JSON is not UTF-8/);
  assert.match(refusal(rawJson('"\ud83d"'))!.message, /lone surrogate/);
  assert.equal(refusal(rawJson('"\ud83d"'), { malformedText: "replace" }), undefined);
  assert.match(refusal(rawJson(`"${"é".repeat(524_288)}"`))!.message, /over 1 MiB/);
  assert.equal(refusal(rawJson(`"${"é".repeat(524_287)}"`)), undefined);
  assert.match(refusal(rawJson("\ufeff{}"))!.message, /a value is missing, at character 0/);
  assert.match(refusal(rawJson(`${"[".repeat(1025)}${"]".repeat(1025)}`))!.message, /nested too deep/);
});

test("null is the null of the column", () => {
  assert.match(refusal(rawJson(" null\n"))!.message, /not optional/);
  const optional = table("T", { d: k.dynamic().optional(), n: k.int() });
  const chunks = chunksOf({ table: optional, records: [{ d: rawJson("null"), n: 1 }] }, "ndjson");
  assert.equal(encodedText(encoder(optional, "ndjson", limits, undefined), chunks), '{"n":1}\n');
});

test("inside another value, and in a column of another kind, it is refused: it would become a string", () => {
  assert.match(refusal({ a: rawJson("1") })!.message, /rawJson\(\) inside/);
  assert.match(refusal([[rawJson("{}")]])!.message, /rawJson\(\) inside/);
  assert.equal(refusal({ a: 1 }), undefined);
  for (const kind of ["string", "int", "decimal"] as const) {
    const packer = compilePacker(table("T", { v: k[kind]().optional() }), { format: "csv", maxRecordBytes: 1e9 });
    for (const text of ["1", "null"]) assert.throws(() => packer.pack({ v: rawJson(text) }), /column v/);
  }
});

test("what is no text is refused at once, and a letter keeps the text to the digit", () => {
  for (const wrong of [1, null, undefined, {}, new ArrayBuffer(1)])
    assert.throws(() => rawJson(wrong as never), { code: "BAD_OPTION" });
  assert.equal(JSON.stringify({ d: rawJson('{"n":12345678901234567890') }), '{"d":"{\\"n\\":12345678901234567890"}');
  assert.equal(JSON.stringify(rawJson(Uint8Array.of(0x31, 0xff))), '"1\ufffd"');
});

test("bytes are read at once", () => {
  const bytes = Buffer.from('{"a":1}');
  const d = rawJson(bytes);
  bytes.fill(0x20);
  assert.equal(encoded([{ id: 1, d }], "ndjson"), '{"id":1,"d":{"a":1}}\n');
});
