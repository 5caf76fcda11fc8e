import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { descriptorOf, fixedBytes, layoutOf, textKinds } from "../../src/encode/layout.ts";
import { kinds } from "../../src/schema/kinds.ts";

test("assembly numbers the kinds as the descriptor does", () => {
  const source = readFileSync(new URL("../../assembly/layout.ts", import.meta.url), "utf8");
  kinds.forEach((kind, i) => {
    assert.match(source, new RegExp(`^export const ${kind.toUpperCase()}: u32 = ${i};$`, "m"));
  });
});

const list = fc
  .array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 100 })
  .map((some) => some.map((kind, i) => ({ name: `c${i}`, kind, isOptional: true })));

test("slots are aligned to their size, do not overlap, and lie within the row", () => {
  fc.assert(
    fc.property(list, (columns) => {
      const { slots, stride, nullWords } = layoutOf({ name: "T", list: columns });
      const used = new Set<number>();
      const take = (from: number, bytes: number): void => {
        assert.equal(from % bytes, 0);
        for (let at = from; at < from + bytes; at++) {
          assert.ok(at < stride && !used.has(at));
          used.add(at);
        }
      };
      take(0, 4);
      for (let word = 0; word < nullWords; word++) take(4 + 4 * word, 4);
      assert.ok(nullWords * 32 >= columns.length);
      for (const { kind, offset } of slots)
        take(offset, ["real", "long", "datetime", "timespan"].includes(kind) ? 8 : 4);
      assert.equal(stride % 8, 0);
    }),
  );
});

test("the lengths of texts stand side by side, in the order of the columns, behind all else", () => {
  fc.assert(
    fc.property(list, (columns) => {
      const { slots, textsOffset, texts } = layoutOf({ name: "T", list: columns });
      const lengths = slots.filter(({ kind }) => textKinds.has(kind)).map(({ offset }) => offset);
      assert.deepEqual(
        lengths,
        Array.from({ length: texts }, (_, i) => textsOffset + 4 * i),
      );
      for (const { kind, offset } of slots) assert.ok(textKinds.has(kind) || offset < textsOffset);
    }),
  );
});

test("the descriptor carries the keys of NDJSON escaped, and none for CSV", () => {
  const shape = { name: "T", list: [{ name: 'naïve "x"', kind: "int" as const, isOptional: false }] };
  const key = ',"naïve \\"x\\"":';
  assert.ok(Buffer.from(descriptorOf(shape, "ndjson")).toString("utf8").endsWith(key));
  assert.equal(descriptorOf(shape, "csv").length, 40);
  assert.equal(fixedBytes(shape, "ndjson") - fixedBytes(shape, "csv"), Buffer.byteLength(key));
});
