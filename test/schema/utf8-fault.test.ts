import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { isSurrogateAt, utf8FaultAt } from "../../src/schema/utf8-fault.ts";

/** As the platform's decoder has it, which takes a character that is cut off by the end for unfinished. */
function isBegun(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

test("the fault is where the platform's decoders find it", () => {
  const seed = Date.now() % 1_000_000;
  const piece = fc.oneof(
    fc.string({ unit: "binary", maxLength: 4 }).map((text) => [...Buffer.from(text)]),
    fc.array(
      fc.constantFrom(0x00, 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff),
      { maxLength: 3 },
    ),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const bytes = Uint8Array.from(pieces.flat());
      const at = utf8FaultAt(bytes);
      assert.equal(at < 0, isUtf8(bytes));
      if (at < 0) return;
      assert.ok(isUtf8(bytes.subarray(0, at)), "what is before it is sound");
      assert.ok(!isBegun(bytes.subarray(at, at + 4)) || at + 4 > bytes.length, "and it is not");
    }),
    { seed, numRuns: 5_000 },
  );
});

test("a surrogate is told from other bytes", () => {
  for (const unit of [0xd800, 0xdbff, 0xdc00, 0xdfff])
    assert.ok(isSurrogateAt(Uint8Array.of(0xed, 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)), 0));
  for (const text of ["\ud7ff", "\ue000", "é"]) assert.ok(!isSurrogateAt(Buffer.from(text), 0));
  assert.ok(!isSurrogateAt(Uint8Array.of(0xed), 0));
});
