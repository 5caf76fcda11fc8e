import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, gunzipSync } from "node:zlib";
import fc from "fast-check";
import * as fflate from "fflate";
import { compileKernels, randomWords, seedOf } from "./compile-kernels.ts";
import { greatestWrites, joinSegments, packSegment } from "./pack.ts";

const instances = [await compileKernels(), await compileKernels(), await compileKernels()];
const next = randomWords(seedOf());

function rows(count: number): Buffer {
  return Buffer.from(
    Array.from({ length: count }, (_, i) => `${i},device-${next() % 90},${next() / 2 ** 32}\n`).join(""),
  );
}

/** Packs `parts` turn by turn on separate instances and reads the one member that they join to. */
function assertJoins(parts: readonly Uint8Array[], level: number): Buffer {
  const data = Buffer.concat(parts);
  const segments = parts.map((part, i) => packSegment(instances[i % 3]!, part, greatestWrites, level));
  const packed = joinSegments(segments);
  assert.ok(gunzipSync(packed).equals(data), "zlib reads back something else");
  assert.ok(Buffer.from(fflate.gunzipSync(packed)).equals(data), "fflate reads back something else");
  // One member: a raw inflate that starts behind the header ends at the trailer, and there is the CRC of all.
  assert.equal(packed.readUInt32LE(packed.length - 8), crc32(data));
  assert.ok(Buffer.from(fflate.inflateSync(packed.subarray(10, packed.length - 8))).equals(data));
  return packed;
}

test("no segment, empty segments, and the bytes of an empty one", () => {
  assertJoins([], 1);
  assertJoins([Buffer.alloc(0), Buffer.alloc(0)], 1);
  assertJoins([Buffer.alloc(0), rows(10), Buffer.alloc(0)], 2);
  const { bytes } = packSegment(instances[0]!, Buffer.alloc(0), greatestWrites);
  assert.equal(Buffer.from(bytes).toString("hex"), "000000ffff");
});

test("large segments, compressible and not, cost little more than one", () => {
  const data = rows(30_000);
  const noise = Buffer.from(Uint8Array.from({ length: 300_000 }, () => next()));
  for (const level of [1, 2]) {
    const whole = assertJoins([data], level).length;
    const third = Math.ceil(data.length / 3);
    const parts = [data.subarray(0, third), data.subarray(third, 2 * third), data.subarray(2 * third)];
    assert.ok(assertJoins(parts, level).length < whole * 1.05);
    assertJoins([data, noise, data, noise.subarray(0, 131_070), noise.subarray(0, 16_384)], level);
  }
});

test("any split of any input, as a property", () => {
  const part = fc.oneof(
    fc.uint8Array({ maxLength: 3000 }),
    fc.string({ maxLength: 300, unit: "grapheme" }).map((text) => Buffer.from(text.repeat(7))),
    fc.nat(400).map(rows),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), fc.integer({ min: 1, max: 2 }), (parts, level) => {
      assertJoins(parts, level);
    }),
    { numRuns: 150 },
  );
});
