import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import iconv from "iconv-lite";
import type { FilesOptions } from "../../src/source/file-options.ts";
import { type FilesSource, files } from "../../src/source/files.ts";
import type { Position } from "../../src/source/source.ts";
import { stdin } from "../../src/source/stdin.ts";
import { encodingNamed, inUtf8 } from "../../src/source/text-encoding.ts";

// iconv-lite encodes; what we decode must be the text again.

const folder = mkdtempSync(join(tmpdir(), "millrace-encoding-"));
after(() => rmSync(folder, { recursive: true }));

let count = 0;
function write(name: string, content: Uint8Array): string {
  const path = join(folder, `${++count}-${name}`);
  writeFileSync(path, content);
  return path;
}

async function read(source: FilesSource, from: Record<string, Position> = {}) {
  const records: Record<string, unknown>[] = [];
  const places: string[] = [];
  const refused: string[] = [];
  const positions: Position[] = [];
  for await (const slice of source.read(from, new AbortController().signal)) {
    records.push(...slice.records);
    places.push(...slice.records.map((_, i) => slice.placeOf!(i)));
    refused.push(...(slice.refused ?? []).map(({ place, reason }) => `${place.split(":").at(-1)}: ${reason}`));
    positions.push(slice.position);
  }
  return { records, places, refused, positions };
}

async function decoded(bytes: Buffer, encoding: string, size: number): Promise<Buffer> {
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const parts: Uint8Array[] = [];
  for await (const part of inUtf8(pieces(), encoding)) parts.push(part);
  return Buffer.concat(parts);
}

const anyText = fc.string({ unit: "binary", maxLength: 30 }).filter((s) => s.isWellFormed());
const singleByte = (encoding: string) =>
  fc
    .array(fc.integer({ min: 0, max: 255 }), { maxLength: 30 })
    .map((bytes) => iconv.decode(Buffer.from(bytes), encoding))
    .filter((text) => !text.includes("\ufffd"));

const encodings: [encoding: string, texts: fc.Arbitrary<string>][] = [
  ["utf-16le", anyText],
  ["utf-16be", anyText],
  ["utf-32le", anyText],
  ["utf-32be", anyText],
  ["latin1", singleByte("iso-8859-1")],
  ["windows-1252", singleByte("windows-1252")],
  ["windows-1251", singleByte("windows-1251")],
  ["iso-8859-15", singleByte("iso-8859-15")],
  ["shift_jis", fc.constantFrom("", "日本語", "カナ,abc", "ｶﾅ\n")],
  ["gbk", fc.constantFrom("", "中文", "价格,12\n")],
];

for (const [encoding, texts] of encodings)
  test(`${encoding}: what iconv-lite encodes is read back, in any pieces`, async () => {
    await fc.assert(
      fc.asyncProperty(texts, fc.integer({ min: 1, max: 7 }), async (text, size) => {
        const utf8 = await decoded(iconv.encode(text, encoding, { addBOM: false }), encodingNamed(encoding)!, size);
        assert.equal(utf8.toString("utf8"), text);
        assert.deepEqual(utf8, Buffer.from(text));
      }),
    );
  });

test("all 256 bytes of windows-1252", async () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const expected = iconv.decode(bytes, "windows-1252");
  const text = (await decoded(bytes, "windows-1252", 256)).toString();
  // The five bytes that it does not assign are control characters for the web, and unknown to iconv-lite.
  for (let i = 0; i < 256; i++)
    if (expected[i] === "\ufffd") assert.equal(text[i], String.fromCharCode(i));
    else assert.equal(text[i], expected[i], String(i));
});

const table = (end: string) => `id,Größe €\n1,naïve 😀\n2,"x\ny"${end}`.replaceAll("\n", end);
const expected = [
  { id: "1", "Größe €": "naïve 😀" },
  { id: "2", "Größe €": "x\r\ny" },
];

for (const encoding of ["utf-16le", "utf-16be", "utf-32le", "utf-32be"])
  for (const addBOM of [true, false])
    test(`${encoding} ${addBOM ? "with" : "without"} a mark: seen, said and read, packed or not, as a file and a stream`, async () => {
      const content = iconv.encode(table("\r\n"), encoding, { addBOM });
      for (const [name, bytes] of [
        ["a.csv", content],
        ["a.csv.gz", gzipSync(content)],
      ] as const) {
        const notices: string[] = [];
        const path = write(name, bytes);
        const source = files(path, { onNotice: (n) => notices.push(n) });
        const { records, refused, places } = await read(source);
        assert.deepEqual([records, refused], [expected, []]);
        assert.deepEqual(places, [`${path}:2`, `${path}:3`]);
        assert.deepEqual(notices, [`${path}: the text is ${encoding}, as its first bytes show.`]);
        const plan = await source.plan();
        assert.deepEqual([plan.totalBytes, plan.files[0]?.encoding], [undefined, encoding]);
        const stream = Readable.from([...bytes].map((byte) => Buffer.of(byte)));
        assert.deepEqual((await read(stdin({ format: "csv", stream }))).records, expected);
      }
      const asked = files(write("a.csv", content), { encoding: addBOM ? encoding.slice(0, 6) : encoding });
      assert.deepEqual((await read(asked)).records, expected);
    });

test("NDJSON and JSON in UTF-16, as PowerShell writes them", async () => {
  const lines = iconv.encode('{"a":"ä"}\r\n{"a":2}\r\n', "utf-16le", { addBOM: true });
  assert.deepEqual((await read(files(write("a.json", lines)))).records, [{ a: "ä" }, { a: 2 }]);
  const nested = iconv.encode('{"x":{"list":[{"a":"ä"}]}}', "utf-16be");
  assert.deepEqual((await read(files(write("a.json", nested), { path: "x.list" }))).records, [{ a: "ä" }]);
  const found = iconv.encode('{"list":[{"a":"ä"}]}', "utf-16be");
  assert.deepEqual((await read(files(write("a.json", found)))).records, [{ a: "ä" }]);
});

test("reading on from every position of a text that is decoded", async () => {
  const text = `id,t\n${Array.from({ length: 900 }, (_, i) => `${i},"ä\n${i % 2 === 0 ? "中" : "x"}"`).join("\n")}\n`;
  for (const [encoding, content] of [
    ["utf-16le", iconv.encode(text, "utf-16le", { addBOM: true })],
    ["gbk", iconv.encode(text.replaceAll("ä", "文"), "gbk")],
  ] as const) {
    const path = write("a.csv", content);
    const options = encoding === "gbk" ? { encoding } : {};
    const all = await read(files(path, options));
    assert.equal(all.records.length, 900);
    assert.ok(all.positions.length >= 3);
    for (const position of all.positions) {
      const rest = await read(files(path, options), { [path]: JSON.parse(JSON.stringify(position)) });
      assert.deepEqual(rest.records, all.records.slice(all.records.length - rest.records.length));
      assert.deepEqual(rest.places, all.places.slice(all.places.length - rest.places.length));
    }
  }
});

test("what is not valid is refused with its line, and its neighbours arrive", async () => {
  const half = Buffer.from([0x3d, 0xd8]); // the first half of a pair
  const row = (text: string) => Buffer.from(text, "utf16le");
  const mark = Buffer.from([0xff, 0xfe]);
  const content = Buffer.concat([mark, row("a,b\n1,"), half, row("x\n2,\ufffd\n3,4\n5,"), Buffer.of(0x41)]);
  const utf16 = await read(files(write("a.csv", content)));
  assert.deepEqual(utf16.records, [
    { a: "2", b: "\ufffd" },
    { a: "3", b: "4" },
  ]);
  assert.deepEqual(utf16.refused, ["2: it is not valid utf-16le", "5: it is not valid utf-16le"]);
  const large = Buffer.concat([
    iconv.encode("a\n1\n", "utf-32le"),
    Buffer.from([0, 0, 0x20, 0]),
    iconv.encode("\n2\n", "utf-32le"),
  ]);
  const utf32 = await read(files(write("a.csv", large), { encoding: "utf-32le" }));
  assert.deepEqual([utf32.records, utf32.refused], [[{ a: "1" }, { a: "2" }], ["3: it is not valid utf-32le"]]);
  const jis = Buffer.concat([Buffer.from("a\n1\n"), Buffer.from([0x81, 0xff]), Buffer.from("\n2\n")]);
  const shiftJis = await read(files(write("a.csv", jis), { encoding: "shift_jis" }));
  assert.deepEqual(shiftJis.records, [{ a: "1" }, { a: "2" }]);
  assert.equal(shiftJis.refused.length, 1);
});

test("Windows' own encoding: refused as UTF-8 with the way out, read where it is named", async () => {
  const path = write("a.csv", iconv.encode("name\nplain\nGröße “€”\n", "windows-1252"));
  const asUtf8 = await read(files(path));
  assert.deepEqual(asUtf8.records, [{ name: "plain" }]);
  assert.match(asUtf8.refused[0]!, /^3: it is not UTF-8; .*windows-1252/);
  const options: FilesOptions = { encoding: "cp1252" };
  assert.deepEqual((await read(files(path, options))).records, [{ name: "plain" }, { name: "Größe “€”" }]);
});
