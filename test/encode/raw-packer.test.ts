import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encoder } from "../../src/encode/choose-encoder.ts";
import { rawCutter } from "../../src/encode/raw-cutter.ts";
import { rawPacker } from "../../src/encode/raw-packer.ts";
import type { RowFormat } from "../../src/encode/row-format.ts";
import type { SharedBytes } from "../../src/encode/shared-buffer.ts";
import { instantiate } from "../../src/encode/wasm.ts";
import { embeddedWasm } from "../../src/encode/wasm-embedded.ts";
import { tableOf } from "../../src/schema/table.ts";
import { garbage, text } from "./arbitraries.ts";
import { type Found, found, rawChunkOf, rawChunksOf } from "./raw-chunks.ts";
import { textOf } from "./rows.ts";

const two = tableOf("Two", [
  { name: "a", kind: "string", isOptional: true },
  { name: "b", kind: "string", isOptional: true },
]);

const input = fc.oneof(
  fc.array(garbage, { maxLength: 5 }).map((parts) => Buffer.concat(parts)),
  fc
    .array(
      fc.constantFrom(
        "a,b\n",
        '"a",b\r\n',
        '{"a":1}\n',
        '"two\nlines",x\n',
        '"open,x\n',
        "\n",
        " \n",
        `x,${"y".repeat(90)}\n`,
      ),
      { maxLength: 30 },
    )
    .map((rows) => Buffer.from(rows.join(""))),
);

/** Cuts a text or bytes into pieces at the places given, with a flush where a place is even. */
function piecesOf<T extends Buffer | string>(whole: T, places: readonly number[]): (T | true)[] {
  const at = [0, ...places.map((place) => place % (whole.length + 1)), whole.length].sort((x, y) => x - y);
  return at.slice(1).flatMap((end, i) => {
    const piece = (typeof whole === "string" ? whole.slice(at[i], end) : whole.subarray(at[i], end)) as T;
    return places[i]! % 2 === 0 ? [piece, true as const] : [piece];
  });
}

const places = fc.array(fc.nat(10_000), { maxLength: 12 });

/** Of a line that is too long only its beginning is handed over. */
function assertSame(cut: Found, whole: Found): void {
  assert.equal(cut.batches.map(textOf).join(""), whole.batches.map(textOf).join(""));
  assert.equal(cut.rows, whole.rows);
  assert.deepEqual(
    cut.refused.map((one) => one.row),
    whole.refused.map((one) => one.row),
  );
  cut.left.forEach((text, i) => {
    assert.ok(
      whole.left[i]!.startsWith(text.replace(/\ufffd+$/, "")),
      `${text} is not the beginning of ${whole.left[i]}`,
    );
  });
}

for (const format of ["csv", "ndjson"] as const satisfies readonly RowFormat[])
  for (const [name, kernel] of [
    ["WebAssembly", instantiate(embeddedWasm())],
    ["JavaScript", undefined],
  ] as const)
    test(`${format}: however the input is cut into calls and rawChunks, its rows are the same (${name})`, () => {
      const limit = fc.constantFrom(16, 40, 100, 1e9);
      fc.assert(
        fc.property(input, places, limit, fc.integer({ min: 8, max: 80 }), (bytes, cuts, maxBytes, rawChunkBytes) => {
          const limits = { maxRows: 1e9, maxBytes };
          const cut = rawCutter(format, maxBytes, () => kernel);
          const rawChunks = rawChunksOf(piecesOf(bytes, cuts), { cut, maxRowBytes: maxBytes, rawChunkBytes });
          for (const rawChunk of rawChunks) assert.equal(new Uint8Array(rawChunk.bytes)[rawChunk.length - 1], 0x0a);
          assertSame(
            found(encoder(two, format, limits, undefined), rawChunks),
            found(encoder(two, format, limits, undefined), [rawChunkOf(dropMark(bytes))]),
          );
        }),
        { numRuns: 600 },
      );
    });

function dropMark(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

/** The raw chunks' bytes, one after the other. */
function bytesOf(pieces: readonly (string | Uint8Array | true)[], malformedText?: "refuse" | "replace"): Buffer {
  const cut = rawCutter("ndjson", 1e9, () => undefined);
  const rawChunks = rawChunksOf(pieces, { cut, malformedText, rawChunkBytes: 32 });
  return Buffer.concat(rawChunks.map((rawChunk) => Buffer.from(rawChunk.bytes, 0, rawChunk.length)));
}

test("texts and bytes, cut anywhere and mixed, are the bytes of the whole", () => {
  fc.assert(
    fc.property(text, places, (whole, cuts) => {
      const expected = Buffer.from(whole.replace(/^\ufeff/, "") || "");
      const ended =
        expected.length === 0 || expected.at(-1) === 0x0a ? expected : Buffer.concat([expected, Buffer.from("\n")]);
      assert.deepEqual(bytesOf(piecesOf(whole, cuts).filter((piece) => piece !== true)), ended);
      assert.deepEqual(bytesOf(piecesOf(Buffer.from(whole), cuts).filter((piece) => piece !== true)), ended);
    }),
    { numRuns: 1_000 },
  );
});

test("a surrogate pair may be cut in two; half of one is three bytes that are no UTF-8, or U+FFFD", () => {
  assert.equal(bytesOf(["\ud83d", "\ude00\n"]).toString(), "\u{1f600}\n");
  assert.equal(bytesOf(["a\ud83d", "b"]).toString("hex"), "61eda0bd620a");
  assert.equal(bytesOf(["a\ud83d", Buffer.from("b")]).toString("hex"), "61eda0bd620a");
  assert.equal(bytesOf(["a\ud83d"]).toString("hex"), "61eda0bd0a");
  assert.equal(bytesOf(["\ude00\ud83d\ud83d\ude00"]).toString("hex"), "edb880eda0bdf09f98800a");
  assert.equal(bytesOf(["a\ud83d", "b\ude00c"], "replace").toString(), "a\ufffdb\ufffdc\n");
  assert.equal(bytesOf(["a\ud83d"], "replace").toString(), "a\ufffd\n");
});

test("a byte order mark is dropped at the very start, however it comes, and nowhere else", () => {
  assert.equal(bytesOf(["\ufeff{}\n\ufeff"]).toString(), "{}\n\ufeff\n");
  assert.equal(bytesOf([Buffer.from([0xef]), Buffer.from([0xbb]), Buffer.from([0xbf, 0x31])]).toString(), "1\n");
  assert.equal(bytesOf(["1\n", true, "\ufeff2"]).toString(), "1\n\ufeff2\n");
  assert.equal(bytesOf(["\ufeff"]).length, 0);
});

test("what is given is copied and its buffer stays the caller's", () => {
  const rawChunks: SharedBytes[] = [];
  const packer = rawPacker({ cut: rawCutter("csv", 1e9, () => undefined), maxRowBytes: 1e9 }, ({ bytes }) =>
    rawChunks.push(bytes),
  );
  const given = Buffer.from("a,b\nc,d");
  packer.add(given);
  given.fill(0x7a);
  packer.flush(true);
  assert.equal(Buffer.from(rawChunks[0]!).toString("utf8", 0, 8), "a,b\nc,d\n");
  assert.equal(given.toString(), "z".repeat(7));
});

test("a line without end takes no more memory than a row may have, and is one refused row", () => {
  const lengths: number[] = [];
  const cut = rawCutter("csv", 1_000, () => instantiate(embeddedWasm()));
  const packer = rawPacker({ cut, maxRowBytes: 1_000, rawChunkBytes: 256 }, (rawChunk) =>
    lengths.push(rawChunk.length),
  );
  packer.add("a,b\n");
  for (let i = 0; i < 1_000; i++) packer.add(i % 2 === 0 ? "x".repeat(100) : Buffer.alloc(100, 0x79));
  packer.add("\nc,d\n");
  packer.flush(true);
  assert.equal(lengths.length, 3);
  assert.equal(lengths[0], 4);
  assert.ok(lengths[1]! > 1_000 && lengths[1]! < 1_600, `${lengths[1]} bytes`);
  assert.equal(lengths[2], 4);
});

test("nothing is gone over again while nothing was added", () => {
  let cuts = 0;
  const packer = rawPacker(
    {
      cut() {
        cuts++;
        return 0;
      },
      maxRowBytes: 1e9,
    },
    () => {},
  );
  assert.equal(packer.isWaiting, false);
  packer.add("unfinished");
  assert.equal(packer.isWaiting, true);
  packer.flush(false);
  assert.equal(packer.isWaiting, false);
  assert.equal(cuts, 1);
});

test("buffers that are given back are filled again", () => {
  const seen = new Set<SharedBytes>();
  const packer = rawPacker({ cut: rawCutter("ndjson", 1e9, () => undefined), maxRowBytes: 1e9 }, ({ bytes }) => {
    seen.add(bytes);
    packer.recycle(bytes);
  });
  for (let i = 0; i < 100; i++) {
    packer.add("{}\n");
    packer.flush(false);
  }
  assert.ok(seen.size <= 2, `${seen.size} buffers`);
});
