import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { constants, crc32, deflateRawSync, gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { gunzip } from "../../src/source/gunzip.ts";

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function unpack(bytes: Uint8Array, size = bytes.length): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of gunzip(pieces(bytes, size), "f.gz")) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

interface Fields {
  extra?: Uint8Array;
  name?: string;
  comment?: string;
  hasSum?: boolean;
}

/** A member with the header fields that Node's gzip never writes. */
function member(text: string, { extra, name, comment, hasSum }: Fields): Buffer {
  const flags = (hasSum ? 2 : 0) | (extra ? 4 : 0) | (name !== undefined ? 8 : 0) | (comment !== undefined ? 16 : 0);
  const parts = [Buffer.from([0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 3])];
  if (extra) parts.push(Buffer.from([extra.length & 255, extra.length >> 8]), Buffer.from(extra));
  for (const each of [name, comment]) if (each !== undefined) parts.push(Buffer.from(`${each}\0`, "latin1"));
  const header = Buffer.concat(parts);
  const sum = Buffer.alloc(2);
  sum.writeUInt16LE(crc32(header) & 0xffff);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(text), 0);
  trailer.writeUInt32LE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, ...(hasSum ? [sum] : []), deflateRawSync(text), trailer]);
}

const fields: Fields[] = [
  {},
  { name: "events.ndjson" },
  { comment: "ü, and more" },
  { extra: Buffer.alloc(65_535, 7) },
  { hasSum: true },
  { extra: Buffer.from("BC\u0002\0ab"), name: "n", comment: "c", hasSum: true },
];

test("members with every header field, as zlib reads them, in pieces of any size", async () => {
  const packed = Buffer.concat(fields.map((each, i) => member(`member ${i}\n`, each)));
  const expected = fields.map((_, i) => `member ${i}\n`).join("");
  assert.equal(gunzipSync(packed).toString(), expected, "the test's own members are sound");
  for (const size of [1, 2, 3, 7, 10, 4_096, packed.length]) assert.equal(await unpack(packed, size), expected);
});

test("zeros between members and behind them hide nothing, as Python reads it", async (t) => {
  const packed = Buffer.concat([
    ...[gzipSync("a\n"), Buffer.alloc(100), gzipSync(""), gzipSync("b\n"), Buffer.alloc(1), gzipSync("c\n")],
    Buffer.alloc(70_000),
  ]);
  for (const size of [1, 5, 64, 1_024, packed.length]) assert.equal(await unpack(packed, size), "a\nb\nc\n");
  assert.equal(gunzipSync(packed).toString(), "a\n", "which is why zlib's own stream is not used");
  const python = spawnSync(
    "python3",
    ["-c", "import gzip,sys; sys.stdout.buffer.write(gzip.decompress(sys.stdin.buffer.read()))"],
    {
      input: packed,
    },
  );
  // Without Python the texts of which the members were made are the oracle alone.
  if (python.error) return t.diagnostic(`python3 was not asked: ${python.error.message}`);
  assert.equal(python.stdout.toString(), "a\nb\nc\n", python.stderr.toString());
});

test("bytes that are no gzip behind a member: the rows before them, then an error that names the byte", async () => {
  const sound = gzipSync("a\n");
  for (const rest of ["garbage", "\x1f", "\x1f\x8a", "\0\0x"])
    for (const size of [1, 3, 1_000]) {
      const packed = Buffer.concat([sound, Buffer.from(rest, "latin1")]);
      const chunks: Uint8Array[] = [];
      const at = sound.length + (rest.startsWith("\0") ? 2 : 0);
      await assert.rejects(
        async () => {
          for await (const chunk of gunzip(pieces(packed, size), "f.gz")) chunks.push(chunk);
        },
        { code: "BAD_SOURCE", message: new RegExp(`f\\.gz: its gzip data ends at byte ${at}, and`) },
      );
      assert.equal(Buffer.concat(chunks).toString(), "a\n");
    }
});

test("cut off at any byte: an error, never a shorter text", async () => {
  const first = gzipSync("first member\n");
  const packed = Buffer.concat([first, member("second\n", { name: "n", extra: Buffer.from("xy"), hasSum: true })]);
  for (let end = 1; end < packed.length; end++) {
    if (end === first.length) continue;
    const expected = end === first.length + 1 ? /ends at byte|cut off/ : /its gzip data is (cut off|damaged)/;
    await assert.rejects(unpack(packed.subarray(0, end), 16), { code: "BAD_SOURCE", message: expected }, `${end}`);
  }
  assert.equal(await unpack(packed.subarray(0, first.length)), "first member\n");
});

test("a damaged byte is an error wherever zlib says so, and nothing else than zlib's text comes out", async () => {
  const packed = Buffer.concat([gzipSync("x".repeat(50)), member("y\n", { hasSum: true, name: "n" })]);
  for (let at = 0; at < packed.length; at++) {
    const broken = Buffer.from(packed);
    broken[at]! ^= 0x55;
    const expected = (() => {
      try {
        return gunzipSync(broken).toString();
      } catch {
        return undefined;
      }
    })();
    const found = await unpack(broken, 8).catch((error) => {
      assert.equal(error.code, "BAD_SOURCE", `byte ${at}: ${error.stack}`);
      return undefined;
    });
    assert.equal(found, expected, `byte ${at}`);
  }
});

test("members of any length in chunks of any size", async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
  const levels = [0, 1, 9].map((level) => ({ level, strategy: constants.Z_DEFAULT_STRATEGY }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(300_000), fc.nat(2), fc.nat(20)), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 100_000 }),
      async (members, size) => {
        const texts = members.map(([length], i) => `${i}`.repeat(length));
        const packed = members.flatMap(([, level, zeros], i) => [
          gzipSync(texts[i]!, levels[level]),
          Buffer.alloc(zeros),
        ]);
        assert.equal(await unpack(Buffer.concat(packed), size), texts.join(""));
      },
    ),
    { seed, numRuns: 30 },
  );
});
