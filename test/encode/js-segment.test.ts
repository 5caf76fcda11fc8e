import assert from "node:assert/strict";
import { test } from "node:test";
import { inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { jsSegment } from "../../src/encode/js-segment.ts";

const lastBlock = Buffer.from([3, 0]);

function packed(pieces: readonly Uint8Array[], level: 1 | 6): Buffer {
  const out: Uint8Array[] = [];
  const segment = jsSegment(level, (piece) => out.push(piece));
  for (const piece of pieces) segment.push(piece);
  segment.end();
  return Buffer.concat(out);
}

test("segments behind each other are one stream to zlib, whatever is in them", () => {
  const text = fc.string({ maxLength: 200, unit: "grapheme" }).map((some) => Buffer.from(some.repeat(9)));
  const noise = fc.uint8Array({ maxLength: 4_000 });
  const piece = fc.oneof(
    text,
    noise,
    fc.tuple(noise, fc.nat(60)).map(([some, n]) => Buffer.concat(Array(n).fill(some))),
  );
  fc.assert(
    fc.property(
      fc.array(fc.array(piece, { maxLength: 4 }), { maxLength: 4 }),
      fc.constantFrom(1, 6),
      (segments, level) => {
        const stream = Buffer.concat([...segments.map((one) => packed(one, level)), lastBlock]);
        assert.ok(inflateRawSync(stream).equals(Buffer.concat(segments.flat())));
      },
    ),
    { numRuns: 300 },
  );
});
