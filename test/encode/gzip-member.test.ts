import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { crc32 } from "../../src/encode/crc32.ts";
import { gzipMember, joined } from "../../src/encode/gzip-member.ts";
import { jsSegment } from "../../src/encode/js-segment.ts";

/** One member, of a segment for each text. */
function memberOf(texts: readonly Uint8Array[]) {
  const member = gzipMember();
  for (const raw of texts) {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    const segment = jsSegment(1, (piece) => parts.push(new Uint8Array(piece)));
    segment.push(raw);
    segment.end();
    member.add({ rows: 1, rawBytes: raw.length, crc: crc32(0, raw), parts });
  }
  const { parts, rawBytes } = member.end();
  return { packed: Buffer.concat(parts), rawBytes };
}

test("members joined are one member to zlib, which checks its CRC and length", () => {
  const text = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.string({ maxLength: 40 }).map((some) => Buffer.from(some.repeat(20))),
  );
  fc.assert(
    fc.property(fc.array(fc.array(text, { maxLength: 3 }), { minLength: 1, maxLength: 5 }), (members) => {
      const { parts, packedBytes } = joined(members.map(memberOf));
      const packed = Buffer.concat(parts);
      assert.equal(packed.length, packedBytes);
      // A second member behind the first would come out as well: a single one has nothing left behind it.
      assert.equal(packed.indexOf(Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]), 1), -1);
      assert.ok(gunzipSync(packed).equals(Buffer.concat(members.flat())));
    }),
    { numRuns: 500 },
  );
});

test("what another has packed is not joined", () => {
  const other = { packed: gzipSync("abc"), rawBytes: 3 };
  assert.throws(() => joined([memberOf([Buffer.from("abc")]), other]), { code: "INTERNAL" });
  assert.throws(() => joined([{ packed: new Uint8Array(5), rawBytes: 0 }]), { code: "INTERNAL" });
});
