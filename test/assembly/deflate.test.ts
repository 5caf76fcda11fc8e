import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import * as fflate from "fflate";
import { compileKernels, randomWords, seedOf } from "./compile-kernels.ts";
import { greatestWrites, pack } from "./pack.ts";

// The oracles are zlib's inflate and fflate's, both of which also check CRC-32 and length.

const kernels = await compileKernels();
const seed = seedOf();
const next = randomWords(seed);
const headerAndTrailer = 18;

/** Packs at both levels and reads back; returns what level 1 made. */
function assertRoundTrip(data: Uint8Array, nextWrite = greatestWrites): Buffer {
  const [fast] = [1, 2].map((level) => {
    const packed = pack(kernels, data, nextWrite, level);
    assert.ok(gunzipSync(packed).equals(data), `zlib reads back something else, level ${level}`);
    assert.ok(Buffer.from(fflate.gunzipSync(packed)).equals(data), `fflate reads back something else, level ${level}`);
    return packed;
  });
  return fast!;
}

function randomBytes(length: number, range = 256): Uint8Array {
  return Uint8Array.from({ length }, () => next() % range);
}

function repeated(unit: Uint8Array, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => unit[i % unit.length]!);
}

function csvLines(rows: number): Uint8Array {
  let text = "";
  for (let row = 0; row < rows; row++) {
    text += `2026-01-01T00:00:${String(row % 60).padStart(2, "0")}Z,device-${next() % 500},${next() / 2 ** 32},"a, ${row}"\n`;
  }
  return Buffer.from(text);
}

describe("small and regular", () => {
  test("nothing, and every length up to 300 of bytes that do and do not repeat", () => {
    const noise = randomBytes(300);
    for (let length = 0; length <= 300; length++) {
      assertRoundTrip(noise.subarray(0, length));
      assertRoundTrip(new Uint8Array(length));
      assertRoundTrip(repeated(Buffer.from("abcde"), length));
    }
  });

  test("all zeros: no more than the longest matches need", () => {
    const packed = assertRoundTrip(new Uint8Array(5 << 20));
    assert.ok(packed.length < ((5 << 20) / 258) * 0.3, `${packed.length}`);
  });

  test("each byte value, alone and in turn", () => {
    for (let value = 0; value < 256; value++) assertRoundTrip(new Uint8Array(1000).fill(value));
    assertRoundTrip(
      repeated(
        Uint8Array.from({ length: 256 }, (_, i) => i),
        100_000,
      ),
    );
  });

  test("short periods, which make matches that overlap themselves", () => {
    for (let period = 1; period <= 40; period++) assertRoundTrip(repeated(randomBytes(period), 3000));
  });
});

describe("limits of a match", () => {
  test("every length from 3 to 600 between noise", () => {
    const subject = randomBytes(600);
    for (let length = 3; length <= 600; length++) {
      const part = subject.subarray(0, length);
      assertRoundTrip(Buffer.concat([part, randomBytes(9), part, randomBytes(5)]));
    }
  });

  test("distances around 32768 and 65536", () => {
    const subject = randomBytes(258);
    for (const distance of [32_766, 32_767, 32_768, 32_769, 32_770, 65_535, 65_536, 65_537, 98_304]) {
      const packed = assertRoundTrip(Buffer.concat([subject, randomBytes(distance - 258), subject]));
      const saved = distance + 258 + headerAndTrailer - packed.length;
      // A distance that deflate can express is used; one that it cannot is not.
      assert.equal(saved > 0, distance <= 32_768, `distance ${distance} saved ${saved}`);
    }
  });

  test("a period of 32 KiB exactly is one long chain of matches", () => {
    const packed = assertRoundTrip(repeated(randomBytes(32_768), 1 << 20));
    // Once found, it is lost once when the parser changes its manner, and found again.
    assert.ok(packed.length < 32_768 * 4, `${packed.length}`);
  });

  test("a period one byte beyond the window is noise", () => {
    const length = 1 << 20;
    const packed = assertRoundTrip(repeated(randomBytes(32_769), length));
    assert.ok(packed.length <= storedBound(length), `${packed.length}`);
  });

  test("nothing of an earlier member is matched, and the bytes do not depend on it", () => {
    const subject = csvLines(1000);
    const first = assertRoundTrip(subject);
    // Nearly the same bytes at the same places: what they leave in the hash looks right, but differs in what was entered.
    for (let every = 50; every < 1000; every += 50) {
      assertRoundTrip(subject.map((byte, i) => (i % every < 3 ? 0x78 : byte)));
      assert.ok(assertRoundTrip(subject).equals(first));
    }
  });
});

/** What RFC 1951's stored blocks need: five bytes for each 65 535. */
function storedBound(length: number): number {
  return headerAndTrailer + length + 5 * Math.max(1, Math.ceil(length / 65_535));
}

describe("blocks", () => {
  test("incompressible input grows by no more than stored blocks must", () => {
    const noise = randomBytes(1 << 20);
    for (const length of [1, 2, 100, 65_534, 65_535, 65_536, 131_069, 131_070, 131_071, 262_140, 262_141, 1 << 20]) {
      const packed = assertRoundTrip(noise.subarray(0, length));
      assert.ok(packed.length <= storedBound(length), `${length} became ${packed.length}`);
      const small = pack(kernels, noise.subarray(0, length), greatestWrites, 2);
      assert.ok(small.length <= storedBound(length), `${length} became ${small.length} at level 2`);
    }
  });

  test("frequencies like Fibonacci's, whose unlimited code would be 24 bits long", () => {
    const bytes: number[] = [];
    for (let symbol = 0, a = 1, b = 1; symbol < 24; symbol++, [a, b] = [b, a + b]) {
      for (let i = 0; i < a; i++) bytes.push(symbol * 7);
    }
    for (let i = bytes.length - 1; i > 0; i--) {
      const j = next() % (i + 1);
      [bytes[i], bytes[j]] = [bytes[j]!, bytes[i]!];
    }
    const packed = assertRoundTrip(Uint8Array.from(bytes));
    assert.ok(packed.length < bytes.length * 0.5, `${packed.length} of ${bytes.length}`);
  });

  test("Fibonacci distances: the distance code is limited too", () => {
    // Copies of eight bytes from ever rarer distances.
    const parts: Uint8Array[] = [randomBytes(32_768)];
    let length = 32_768;
    const all = new Uint8Array(140_000);
    all.set(parts[0]!);
    const distances: number[] = [];
    for (let slot = 0, a = 1, b = 1; slot < 18; slot++, [a, b] = [b, a + b]) {
      for (let i = 0; i < a; i++) distances.push(32_000 >> (slot * 0.7));
    }
    for (const distance of distances) {
      if (length > 120_000) break;
      all.copyWithin(length, length - distance, length - distance + 8);
      length += 8;
      all[length++] = next();
    }
    assertRoundTrip(all.subarray(0, length));
  });

  test("tokens enough to end blocks by their count of matches", () => {
    const words = Array.from({ length: 64 }, () => randomBytes(5));
    assertRoundTrip(Buffer.concat(Array.from({ length: 60_000 }, () => words[next() % 64]!)));
  });

  test("two, three, ... symbols only", () => {
    for (const range of [2, 3, 4, 5, 8, 10, 16, 64, 128, 255]) assertRoundTrip(randomBytes(40_000, range));
  });

  test("text turns to noise and back, over many blocks", () => {
    const parts = Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? csvLines(3000) : randomBytes(150_000)));
    assertRoundTrip(Buffer.concat(parts));
  });
});

describe("manners of level 1", () => {
  // Each row repeats some of a few hundred texts, and names one thing anew: literals are few and dear.
  function textRows(rows: number): Uint8Array {
    const texts = Array.from({ length: 300 }, () =>
      Buffer.from(randomBytes(8 + (next() % 30), 200)).toString("latin1"),
    );
    let text = "";
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < 6; i++) text += `${texts[next() % texts.length]},`;
      text += `${String.fromCharCode(next() % 256)}\n`;
    }
    return Buffer.from(text, "latin1");
  }

  test("rows, text rows and words, one behind the other, pack smaller than by zlib level 1", () => {
    const words = Array.from({ length: 2000 }, () => Buffer.from(randomBytes(7, 26)).toString("latin1"));
    const text = Array.from({ length: 40_000 }, () => words[next() % words.length]).join(" ");
    const data = Buffer.concat([csvLines(6000), textRows(6000), Buffer.from(text, "latin1"), textRows(3000)]);
    const packed = assertRoundTrip(data);
    const rival = gzipSync(data, { level: 1 });
    assert.ok(packed.length < rival.length, `${packed.length}, zlib ${rival.length}`);
  });

  test("the longer of two matches is taken: birdstrikes packs 12 % smaller than by zlib level 1", () => {
    const data = readFileSync(new URL("../../node_modules/vega-datasets/data/birdstrikes.csv", import.meta.url));
    const packed = assertRoundTrip(data);
    const rival = gzipSync(data, { level: 1 });
    assert.ok(packed.length < 0.88 * rival.length, `${packed.length}, zlib ${rival.length}`);
  });

  test("no manner gives way to another and back: text rows pack 4 % smaller than by zlib level 1", () => {
    const data = textRows(12_000);
    const packed = assertRoundTrip(data);
    const rival = gzipSync(data, { level: 1 });
    assert.ok(packed.length < 0.96 * rival.length, `${packed.length}, zlib ${rival.length}`);
  });
});

describe("writes", () => {
  const lines = csvLines(60_000);

  test("more than 4 MiB in greatest writes, and far smaller than they were; smaller still at level 2", () => {
    const data = Buffer.concat([lines, lines]);
    assert.ok(data.length > 4 << 20);
    const fast = assertRoundTrip(data).length;
    assert.ok(fast < data.length / 2);
    assert.ok(pack(kernels, data, greatestWrites, 2).length < fast * 0.98);
  });

  for (const level of [1, 2]) {
    test(`the bytes sent do not depend on how the input was cut, level ${level}`, () => {
      const whole = pack(kernels, lines, greatestWrites, level);
      for (const size of [65_536, 65_537, 4096, 1000, 267, 266, 1]) {
        const part = size < 267 ? lines.subarray(0, 300_000) : lines;
        const expected = part === lines ? whole : pack(kernels, part, greatestWrites, level);
        assert.ok(pack(kernels, part, () => size, level).equals(expected), `writes of ${size}`);
      }
      const random = pack(kernels, lines, () => next() % 70_000, level);
      assert.ok(random.equals(whole), "writes of random length, 0 among them");
    });
  }
});

test("any mixture of noise, runs, copies and text, in any writes, as a property", () => {
  const piece = fc.oneof(
    fc.record({ kind: fc.constant("noise" as const), length: fc.nat(3000), range: fc.integer({ min: 1, max: 256 }) }),
    fc.record({
      kind: fc.constant("copy" as const),
      length: fc.nat(1200),
      distance: fc.integer({ min: 1, max: 70_000 }),
    }),
    fc.record({ kind: fc.constant("text" as const), text: fc.string({ maxLength: 200, unit: "grapheme" }) }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), fc.integer({ min: 1, max: 70_000 }), (pieces, write) => {
      const data: number[] = [];
      for (const p of pieces) {
        if (p.kind === "text") data.push(...Buffer.from(p.text));
        else if (p.kind === "noise") data.push(...randomBytes(p.length, p.range));
        else for (let i = 0; i < p.length; i++) data.push(data[data.length - p.distance] ?? 0);
      }
      const packed = assertRoundTrip(Uint8Array.from(data), () => write);
      assert.ok(packed.length <= storedBound(data.length));
    }),
    { numRuns: 300 },
  );
});
