import assert from "node:assert/strict";
import { test } from "node:test";
import { sealed } from "../../src/encode/gzip-member.ts";
import { jsEncoder } from "../../src/encode/js-encoder.ts";
import type { RowFormat } from "../../src/encode/row-format.ts";
import { instantiate } from "../../src/encode/wasm.ts";
import { embeddedWasm } from "../../src/encode/wasm-embedded.ts";
import { wasmEncoder } from "../../src/encode/wasm-encoder.ts";
import { k, table } from "../../src/schema/table.ts";
import { batchesOf, chunksOf, textOf } from "./rows.ts";

const formats: readonly RowFormat[] = ["csv", "ndjson"];

const notes = table("Notes", {
  id: k.int().optional(),
  body: k.string().optional(),
  when: k.datetime().optional(),
  extra: k.dynamic().optional(),
  size: k.real().optional(),
  tail: k.string().optional(),
});

/** Texts around and beyond the gzip window, of one, two, three and four bytes a character, with and without quotes. */
const bodies = ["x", "é", "€", "\u{1f600}", '"', "\\", "\u0001", 'a,"é\n'].flatMap((unit) =>
  [1_000, 21_000, 43_000, 131_000, 262_000].map((length) => unit.repeat(Math.ceil(length / unit.length / 2))),
);

const records = bodies.flatMap((body, i) => [
  { id: i, body, when: "2024-05-06T07:08:09.1234567Z", extra: { body }, size: i / 3, tail: "end" },
  { body },
  { extra: [body], tail: body },
  { id: i, size: Number.NaN },
]);

for (const format of formats)
  test(`${format}: rows larger than the gzip window are written in pieces, as the oracle writes them`, () => {
    const chunks = chunksOf({ table: notes, records }, format);
    for (const limits of [
      { maxRows: 1e6, maxBytes: 1e9 },
      { maxRows: 3, maxBytes: 1e9 },
      { maxRows: 1e6, maxBytes: 4_000_000 },
    ]) {
      const wasm = batchesOf(wasmEncoder(notes, format, limits, instantiate(embeddedWasm())!), chunks);
      const js = batchesOf(jsEncoder(notes, format, limits), chunks);
      assert.equal(wasm.length, js.length);
      wasm.forEach((batch, i) => {
        assert.equal(batch.rows, js[i]!.rows);
        assert.ok(textOf(batch) === textOf(js[i]!), `batch ${i} differs`);
      });
    }
  });

test("a row of 40 MB passes without its size in memory beyond the chunk", () => {
  const list = Array.from({ length: 40 }, (_, i) => ({ name: `c${i}`, kind: "string" as const, isOptional: true }));
  const record = Object.fromEntries(list.map(({ name }) => [name, `"${"y".repeat(1_048_000)}`]));
  const kernel = instantiate(embeddedWasm())!;
  const before = kernel.memory.buffer.byteLength;
  const shape = { name: "Wide", list };
  const wasm = wasmEncoder(shape, "csv", { maxRows: 1e6, maxBytes: 3e8 }, kernel);
  const [chunk] = chunksOf({ table: shape, records: [record] }, "csv");
  wasm.append(chunk!, 0);
  const after = kernel.memory.buffer.byteLength;
  assert.ok(after < before + chunk!.textBytes + 2 ** 20, `${after} bytes`);
  wasm.append(chunk!, 0);
  assert.equal(kernel.memory.buffer.byteLength, after);
  const batch = sealed(wasm);
  assert.equal(batch.rows, 2);
  assert.equal(batch.rawBytes, 2 * 40 * (1_048_000 + 5));
  for (const part of batch.parts.slice(0, -1)) assert.ok(part.length >= 65_536);
});
