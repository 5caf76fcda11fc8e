import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fileHead, frame, frameAt, headBytes, versionIn } from "../../src/log/frame.ts";

/** A file of frames, and where each begins. */
function fileOf(payloads: readonly Uint8Array[]): { bytes: Uint8Array; starts: number[] } {
  const pieces: Uint8Array[] = [fileHead("TEST", 1)];
  const starts: number[] = [];
  let size = headBytes;
  for (const payload of payloads) {
    starts.push(size);
    const written = frame(size, [payload.subarray(0, payload.length >> 1), payload.subarray(payload.length >> 1)]);
    pieces.push(...written);
    size += written.reduce((sum, piece) => sum + piece.length, 0);
  }
  return { bytes: new Uint8Array(Buffer.concat(pieces)), starts };
}

/** Reads until something is not a frame. */
function readAll(bytes: Uint8Array): { payloads: string[]; end: string } {
  const payloads: string[] = [];
  for (let at = headBytes; ; ) {
    const found = frameAt(bytes, at);
    if (found.found !== "frame") return { payloads, end: found.found };
    payloads.push(Buffer.from(found.payload).toString("hex"));
    at = found.end;
  }
}

/** As the journal writes: no byte is zero, nor becomes so by one flipped bit. */
const payload = fc
  .uint8Array({ minLength: 1, maxLength: 1_500 })
  .map((bytes) => Uint8Array.from(bytes, (byte) => byte | 3));

test("what was written is read, and the head tells kind and version", () => {
  fc.assert(
    fc.property(fc.array(payload, { maxLength: 5 }), (payloads) => {
      const { bytes } = fileOf(payloads);
      assert.equal(versionIn(bytes, "TEST"), 1);
      assert.equal(versionIn(bytes, "OTHER"), undefined);
      assert.deepEqual(readAll(bytes), {
        payloads: payloads.map((each) => Buffer.from(each).toString("hex")),
        end: "end",
      });
    }),
  );
});

test("a file that ends anywhere in its last frame is torn there, and the frames before are sound", () => {
  fc.assert(
    fc.property(fc.array(payload, { minLength: 1, maxLength: 4 }), fc.nat(), (payloads, cut) => {
      const { bytes, starts } = fileOf(payloads);
      const last = starts.at(-1)!;
      const end = last + 1 + (cut % (bytes.length - last - 1));
      const read = readAll(bytes.subarray(0, end));
      assert.equal(read.end, "torn");
      assert.equal(read.payloads.length, payloads.length - 1);
    }),
  );
});

test("one flipped bit anywhere in the frames is damage, never a torn end", () => {
  fc.assert(
    fc.property(fc.array(payload, { minLength: 1, maxLength: 4 }), fc.nat(), (payloads, where) => {
      const { bytes } = fileOf(payloads);
      const bit = headBytes * 8 + (where % ((bytes.length - headBytes) * 8));
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(readAll(bytes).end, "damaged");
    }),
    { numRuns: 2_000 },
  );
});

test("a last frame with a hole of zeros, as a power failure leaves it, is torn", () => {
  const { bytes, starts } = fileOf([new Uint8Array(2_000).fill(7), new Uint8Array(2_000).fill(9)]);
  const torn = bytes.slice();
  torn.fill(0, Math.ceil((starts[1]! + 100) / 512) * 512, Math.ceil((starts[1]! + 100) / 512) * 512 + 512);
  assert.deepEqual(readAll(torn).end, "torn");
  assert.equal(readAll(torn).payloads.length, 1);
  const grown = new Uint8Array(bytes.length + 700);
  grown.set(bytes);
  assert.equal(readAll(grown).end, "torn");
  assert.equal(readAll(grown).payloads.length, 2);
  // The same hole before the last frame is damage: what follows was written later.
  const holed = bytes.slice();
  holed.fill(0, 512, 1_024);
  assert.equal(readAll(holed).end, "damaged");
});
