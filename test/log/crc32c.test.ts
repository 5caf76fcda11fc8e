import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { crc32c } from "../../src/log/crc32c.ts";

/** RFC 3720, appendix B.4. */
const published: readonly [string, Uint8Array, number][] = [
  ["32 bytes of zeros", new Uint8Array(32), 0x8a9136aa],
  ["32 bytes of ones", new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ["32 bytes rising", Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ["32 bytes falling", Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  ["the check value of the catalogue", new TextEncoder().encode("123456789"), 0xe3069283],
];

for (const [what, bytes, sum] of published)
  test(`CRC-32C of ${what}`, () => {
    assert.equal(crc32c(bytes), sum);
  });

test("the sum goes on over any cut", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, at) => {
      assert.equal(crc32c(bytes.subarray(at), crc32c(bytes.subarray(0, at))), crc32c(bytes));
    }),
  );
});
