import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32c as oracle } from "@aws-crypto/crc32c";
import fc from "fast-check";
import { crc32c, crc32cInJavaScript } from "../../src/log/crc32c.ts";

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

test("short ones, those that go into WebAssembly, and those that go there in pieces, as another library has them", () => {
  const bytes = Uint8Array.from({ length: 400_000 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24);
  for (const length of [0, 1, 7, 8, 9, 8191, 8192, 8193, 131_071, 131_072, 131_073, 262_144, 399_990])
    for (let from = 0; from < 5; from++) {
      const run = bytes.subarray(from, from + length);
      assert.equal(crc32c(run), oracle(run), `${length} at ${from}`);
      assert.equal(crc32cInJavaScript(run, 0), oracle(run), `${length} at ${from}, in JavaScript`);
    }
});
