import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 as zlibCrc32 } from "node:zlib";
import fc from "fast-check";
import { crc32, crc32Combine } from "../../src/encode/crc32.ts";

const bytes = fc.uint8Array({ maxLength: 600 });

test("the CRC of bytes, in one piece and in two, is zlib's", () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      const whole = zlibCrc32(Buffer.concat([a, b]));
      assert.equal(crc32(crc32(0, a), b), whole);
      assert.equal(crc32Combine(crc32(0, a), crc32(0, b), b.length), whole);
    }),
    { numRuns: 500 },
  );
});

test("CRCs combine past 4 GiB, too", () => {
  const first = Buffer.from("the first run");
  // The second: 4 GiB and 1 MiB of zeros, its CRC made of smaller ones by doubling.
  const mebibyte = Buffer.alloc(1 << 20);
  const one = zlibCrc32(mebibyte);
  let zeros = one;
  let length = mebibyte.length;
  for (; length < 4 * 2 ** 30; length *= 2) zeros = crc32Combine(zeros, zeros, length);
  zeros = crc32Combine(zeros, one, mebibyte.length);
  length += mebibyte.length;
  let streamed = zlibCrc32(first);
  for (let at = 0; at < length; at += mebibyte.length) streamed = zlibCrc32(mebibyte, streamed);
  assert.equal(crc32Combine(zlibCrc32(first), zeros, length), streamed);
});
