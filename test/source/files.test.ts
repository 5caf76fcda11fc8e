import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { parse as parseCsv } from "csv-parse/sync";
import { stringifyExactly } from "../../src/schema/exact-number.ts";
import { inferTable } from "../../src/schema/infer.ts";
import type { FilesOptions } from "../../src/source/file-options.ts";
import { type FilesSource, files } from "../../src/source/files.ts";
import type { Position, Positions, Refusal } from "../../src/source/source.ts";
import { stdin } from "../../src/source/stdin.ts";

const folder = mkdtempSync(join(tmpdir(), "millrace-files-"));
after(() => rmSync(folder, { recursive: true }));

const vega = (name: string): string =>
  new URL(`../../node_modules/vega-datasets/data/${name}`, import.meta.url).pathname;

let count = 0;
function write(name: string, content: string | Uint8Array): string {
  mkdirSync(join(folder, String(++count)));
  const path = join(folder, String(count), name);
  writeFileSync(path, content);
  return path;
}

interface Read {
  records: Record<string, unknown>[];
  places: string[];
  refused: Refusal[];
  bytes: number;
  slices: { position: Position; records: number }[];
}

async function read(source: FilesSource, from: Positions = {}): Promise<Read> {
  const result: Read = { records: [], places: [], refused: [], bytes: 0, slices: [] };
  for await (const slice of source.read(from, new AbortController().signal)) {
    result.records.push(...slice.records);
    result.places.push(...slice.records.map((_, i) => slice.placeOf!(i)));
    result.refused.push(...(slice.refused ?? []));
    result.bytes += slice.bytes ?? 0;
    result.slices.push({ position: slice.position, records: slice.records.length });
  }
  return result;
}

const readFile = (path: string, options?: FilesOptions) => read(files(path, options));
const brief = (refused: readonly Refusal[], path: string) =>
  refused.map((r) => [r.place.replace(`${path}:`, ""), r.reason]);

// Real files, against parsers that we did not write.

test("flights-200k.json: 200 000 elements of an array on one line", async () => {
  const path = vega("flights-200k.json");
  const expected = JSON.parse(readFileSync(path, "utf8"));
  const { records, refused, bytes } = await readFile(path);
  assert.deepEqual(records, expected);
  assert.deepEqual(refused, []);
  assert.ok(bytes > 9_800_000);
});

test("earthquakes.json: the features of a GeoJSON document, found without being named", async () => {
  const path = vega("earthquakes.json");
  const expected = JSON.parse(readFileSync(path, "utf8"));
  assert.deepEqual((await readFile(path)).records, expected.features);
  assert.deepEqual((await readFile(path, { path: "features" })).records, expected.features);
  assert.deepEqual((await readFile(path, { path: "$" })).records, [expected]);
});

test("movies.json: a pretty-printed array, and its lines", async () => {
  const path = vega("movies.json");
  const text = readFileSync(path, "utf8");
  const { records, places } = await readFile(path);
  assert.deepEqual(records, JSON.parse(text));
  assert.equal(places[0], `${path}:2`);
  assert.equal(places.at(-1), `${path}:${text.split("\n").findLastIndex((l) => l.includes("{")) + 1}`);
});

test("birdstrikes.csv: as csv-parse reads it, and its table", async () => {
  const path = vega("birdstrikes.csv");
  const { records, refused } = await readFile(path);
  assert.deepEqual(records, parseCsv(readFileSync(path), { columns: true }));
  assert.deepEqual(refused, []);
  const { table } = inferTable("Birdstrikes", records, { from: "csv" });
  const kinds = Object.fromEntries(table.list.map((c) => [c.name, c.kind]));
  assert.equal(kinds["Flight Date"], "datetime");
  assert.equal(kinds["Cost Other"], "int");
  assert.equal(kinds["Airport Name"], "string");
});

// Formats.

test("NDJSON with a BOM, CR LF, blank lines and no last line end", async () => {
  const path = write("a.ndjson", '\ufeff{"a":1}\r\n\r\n  \n{"a":2}\n{"a":"é💧"}');
  const { records, places } = await readFile(path);
  assert.deepEqual(records, [{ a: 1 }, { a: 2 }, { a: "é💧" }]);
  assert.deepEqual(places, [`${path}:1`, `${path}:4`, `${path}:5`]);
});

test("broken lines in the middle are refused by line, and their neighbours arrive", async () => {
  const bad = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}\n')]);
  const path = write(
    "a.ndjson",
    Buffer.concat([Buffer.from('{"a":1}\n{"a":\n[1]\n7\nnull\n'), bad, Buffer.from('{"a":"\ufffd"}\n')]),
  );
  const { records, refused } = await readFile(path);
  assert.deepEqual(records, [{ a: 1 }, { a: "\ufffd" }]);
  assert.deepEqual(brief(refused.slice(1), path), [
    ["3", "a record is a JSON object, and this is an array"],
    ["4", "a record is a JSON object, and this is a number"],
    ["5", "a record is a JSON object, and this is null"],
    ["6", "it is not UTF-8; if the file is in another encoding, name it (such as windows-1252)"],
  ]);
  assert.equal(refused[0]?.place, `${path}:2`);
  assert.match(refused[0]!.reason, /JSON/);
  assert.equal(refused[0]?.original, '{"a":');
});

test("a line that is longer than allowed is refused without being held", async () => {
  const long = `{"a":"${"x".repeat(3_000_000)}"}`;
  const path = write("a.ndjson", `{"a":1}\n${long}\n{"a":2}\n${long}`);
  const { records, refused } = await readFile(path, { maxRecordBytes: 100_000 });
  assert.deepEqual(records, [{ a: 1 }, { a: 2 }]);
  assert.deepEqual(brief(refused, path), [
    ["2", "it is longer than 100000 bytes"],
    ["4", "it is longer than 100000 bytes"],
  ]);
  assert.equal(String(refused[0]?.original).length, 1_000);
  const within = await readFile(path, { maxRecordBytes: 6 });
  assert.deepEqual([within.records.length, within.refused.length], [0, 4], "also one that lies within a single chunk");
  assert.equal((await readFile(path)).records.length, 4);
});

test("the same within an array, and in CSV", async () => {
  const long = "x".repeat(1_000_000);
  const json = write("a.json", `[{"a":1},\n{"a":"${long}"},\n{"a":2}]`);
  const one = await readFile(json, { maxRecordBytes: 100_000 });
  assert.deepEqual(one.records, [{ a: 1 }, { a: 2 }]);
  assert.deepEqual(brief(one.refused, json), [["2", "it is longer than 100000 bytes"]]);
  const csv = write("a.csv", `a,b\n1,2\n${long},3\n4,5\n`);
  const two = await readFile(csv, { maxRecordBytes: 100_000 });
  assert.deepEqual(two.records, [
    { a: "1", b: "2" },
    { a: "4", b: "5" },
  ]);
  assert.deepEqual(brief(two.refused, csv), [["3", "it is longer than 100000 bytes"]]);
});

test("integers beyond 2^53 keep their digits", async () => {
  const path = write(
    "a.ndjson",
    '{"id":9007199254740993,"s":"9007199254740993 \\" 1234567890123456","n":[1,9007199254740993],"x":1234567890.1234567}\n',
  );
  const { records } = await readFile(path);
  assert.equal(records[0]?.id, 9007199254740993n);
  assert.equal(records[0]?.s, '9007199254740993 " 1234567890123456');
  assert.equal(records[0]?.x, 1234567890.1234567);
  const rawJson = "rawJSON" in JSON;
  assert.equal(JSON.stringify(records[0]?.n), rawJson ? "[1,9007199254740993]" : '[1,"9007199254740993"]');
  assert.equal(stringifyExactly(records[0]?.n), "[1,9007199254740993]");
  const broken = write("b.ndjson", '{"id":9007199254740993\n');
  assert.equal((await readFile(broken)).refused.length, 1);
});

test("JSON documents: one, several, empty", async () => {
  const one = { a: { b: [1] }, c: 1 };
  assert.deepEqual((await readFile(write("a.json", JSON.stringify(one, null, 2)))).records, [one]);
  const several = `${JSON.stringify(one, null, 2)}\n${JSON.stringify(one)}`;
  assert.deepEqual((await readFile(write("a.json", several))).records, [one, one]);
  for (const second of ["[]", "[{}]", ",{}", "]", "\0"])
    await assert.rejects(readFile(write("a.json", `[${JSON.stringify(one)}]\n${second}`)), {
      code: "BAD_SOURCE",
      message: /a\.json:2: expected the end of the file behind the array/,
    });
  assert.deepEqual((await readFile(write("a.json", ""))).records, []);
  assert.deepEqual((await readFile(write("a.json", "[]"))).records, []);
  const nested = { x: { y: { list: [{ a: 1 }] } } };
  assert.deepEqual((await readFile(write("a.json", JSON.stringify(nested)), { path: "x.y.list" })).records, [{ a: 1 }]);
});

test("JSON knows four characters of white space; others are no records, and said to be none", async () => {
  for (const space of ["\0", "\v", "\f", "\x1f", "\u00a0", "\u2028", "\ufeff"]) {
    const array = await readFile(write("a.json", `[${space}]`));
    assert.deepEqual([array.records, array.refused.length], [[], 1], JSON.stringify(space));
    const lines = await readFile(write("a.ndjson", `{"a":1}${space}\n${space}\n{"a":2}\n`));
    assert.deepEqual(lines.records, [{ a: 2 }], JSON.stringify(space));
    assert.deepEqual(
      lines.refused.map(({ place }) => place.split(":").at(-1)),
      ["1", "2"],
    );
    await assert.rejects(readFile(write("a.json", `${space === "\ufeff" ? "\ufeff\ufeff" : space}[]`)), {
      code: "BAD_SOURCE",
    });
  }
});

test("an object with two arrays of objects is not guessed at", async () => {
  const path = write("a.json", JSON.stringify({ as: [{}], n: [1], e: [], mixed: [{}, 1], bs: [{}, {}] }));
  await assert.rejects(readFile(path), { code: "BAD_SOURCE", message: /several arrays of objects \(as, bs\)/ });
  assert.equal((await readFile(path, { path: "bs" })).records.length, 2);
  assert.equal((await readFile(path, { path: "$" })).records.length, 1);
});

test("what is called .json may be a document per line, and then a broken one costs its line only", async () => {
  const path = write("a.json", '{"a":1}\n{"a":2}\n{"a":\n{"a":3}\n');
  assert.equal((await files(path).plan()).files[0]?.format, "ndjson");
  const { records, refused } = await readFile(path);
  assert.deepEqual(records, [{ a: 1 }, { a: 2 }, { a: 3 }]);
  assert.equal(refused[0]?.place, `${path}:3`);
});

test("a broken element of an array is refused by its line", async () => {
  const path = write("a.json", '[\n{"a":1},\n{"a":},\n5,\n{"a":2}\n]');
  const { records, refused } = await readFile(path);
  assert.deepEqual(records, [{ a: 1 }, { a: 2 }]);
  assert.deepEqual(
    refused.map((r) => r.place),
    [`${path}:3`, `${path}:4`],
  );
});

test("CSV: wrong numbers of fields, stray quotes, quoted line ends, a BOM", async () => {
  const path = write("a.csv", '\ufeffa,b\r\n1,2\r\n3\r\n\r\n"x\r\ny",4,5\r\n6,a"b\r\n7,"say ""hi"""\r\n');
  const { records, refused, places } = await readFile(path);
  assert.deepEqual(records, [
    { a: "1", b: "2" },
    { a: "7", b: 'say "hi"' },
  ]);
  assert.deepEqual(brief(refused, path), [
    ["3", 'it has 1 field where the header has 2; ragged: "pad" reads the missing fields as null'],
    ["5", "it has 3 fields where the header has 2"],
    ["7", 'a quote stands inside field 2, which does not begin with one (with quote "none" a quote is text)'],
  ]);
  assert.deepEqual(places, [`${path}:2`, `${path}:8`]);
});

test("CSV: every field has a name of its own, and what was changed is told", async () => {
  const notices: string[] = [];
  const path = write("a.csv", "a,,a,a_2,__proto__\n1,2,3,4,5\n");
  const { records } = await readFile(path, { onNotice: (n) => notices.push(n) });
  assert.deepEqual(records, [{ a: "1", column_2: "2", a_3: "3", a_2: "4", proto: "5" }]);
  assert.equal(notices.length, 3);
  assert.match(notices[0]!, /column 2 has no name; it is read as "column_2"/);
});

test("TSV, other delimiters, a header alone, an empty file", async () => {
  assert.deepEqual((await readFile(write("a.tsv", "a\tb\n1,5\t2\n"))).records, [{ a: "1,5", b: "2" }]);
  assert.deepEqual((await readFile(write("a.csv", "a;b\n1;2"), { delimiter: ";" })).records, [{ a: "1", b: "2" }]);
  assert.deepEqual((await readFile(write("a.csv", "a,b\n"))).records, []);
  assert.deepEqual((await readFile(write("a.csv", ""))).records, []);
});

test("a CSV whose lines end with CR alone, and CR within quotes", async () => {
  const cases: [text: string, records: unknown[]][] = [
    [
      "a,b\r1,2\r3,4\r",
      [
        { a: "1", b: "2" },
        { a: "3", b: "4" },
      ],
    ],
    ['"a",b\r"x\r\ny",2', [{ a: "x\r\ny", b: "2" }]],
    ["\ufeffa,b\r1,2\n", [{ a: "1", b: "2" }]],
    ['"a\r""b",c\r\n1,2\r\n', [{ 'a\r"b': "1", c: "2" }]],
  ];
  for (const [text, records] of cases) assert.deepEqual((await readFile(write("mac.csv", text))).records, records);
});

test("gzip is told by its bytes, not by its name", async () => {
  const text = '{"a":1}\n{"a":2}\n';
  const packed = gzipSync(text);
  const members = Buffer.concat([packed, gzipSync('{"a":3}\n')]);
  assert.equal((await readFile(write("a.ndjson.gz", packed))).records.length, 2);
  assert.equal((await readFile(write("a.ndjson", packed))).records.length, 2);
  assert.equal((await readFile(write("a.ndjson.gz", text))).records.length, 2);
  assert.equal((await readFile(write("a.ndjson.gz", members))).records.length, 3);
  assert.equal((await files(write("a.ndjson.gz", packed)).plan()).totalBytes, undefined);
  const cut = write("a.ndjson.gz", gzipSync("x".repeat(100_000)).subarray(0, 60));
  await assert.rejects(readFile(cut), { code: "BAD_SOURCE", message: /gzip data is cut off/ });
});

// Positions.

const rows = Array.from({ length: 1_500 }, (_, i) => ({ id: i, text: i % 7 === 0 ? `a "q",\n${i}` : `t${i}` }));
const ndjson = rows.map((r) => JSON.stringify(r)).join("\r\n");
const forms: [name: string, content: string | Uint8Array][] = [
  ["a.ndjson", ndjson],
  ["bom.ndjson", `\ufeff${ndjson}\n\n`],
  ["a.ndjson.gz", gzipSync(ndjson)],
  ["a.json", JSON.stringify(rows)],
  ["pretty.json", JSON.stringify(rows, null, 2)],
  ["features.json", JSON.stringify({ before: { features: 1 }, features: rows, behind: [1] }, null, 1)],
  ["documents.json", rows.map((r) => JSON.stringify(r, null, 1)).join("\n")],
  ["a.csv", `id,text\r\n${rows.map((r) => `${r.id},"${r.text.replaceAll('"', '""')}"`).join("\r\n")}\r\n`],
];

for (const [name, content] of forms)
  test(`${name}: reading on from every position gives exactly the rest`, async () => {
    const path = write(name, content);
    const all = await readFile(path);
    assert.equal(all.records.length, rows.length);
    assert.deepEqual(
      all.records.map((r) => String(r.text)),
      rows.map((r) => r.text),
    );
    assert.ok(all.slices.length >= 5);
    let read_ = 0;
    for (const { position, records } of all.slices) {
      read_ += records;
      const rest = await read(files(path), { [path]: JSON.parse(JSON.stringify(position)) });
      assert.deepEqual(rest.records, all.records.slice(read_));
      assert.deepEqual(rest.places, all.places.slice(read_));
    }
  });

test("several files are partitions of their own; one that was read is not read again", async () => {
  const [a, b] = [write("a.ndjson", '{"a":1}\n'), write("b.ndjson", '{"a":2}\n')];
  const source = files([a, b, a]);
  const all = await read(source);
  assert.deepEqual(all.records, [{ a: 1 }, { a: 2 }]);
  assert.deepEqual((await read(source, { [a]: all.slices[0]!.position })).records, [{ a: 2 }]);
  assert.equal((await source.plan()).totalBytes, 16);
});

test("a position that does not belong to the file is refused", async () => {
  const path = write("a.ndjson", '{"a":1}\n');
  for (const position of [{ byte: 1_000, line: 1 }, 7, { byte: "0", line: 1 }])
    await assert.rejects(read(files(path), { [path]: position }), {
      code: "BAD_SOURCE",
      message: /cannot be read on from position/,
    });
});

// What is not there.

test("missing files, folders, patterns without a match, unknown formats: named", async () => {
  const cases: [path: string, message: RegExp][] = [
    [join(folder, "none.ndjson"), /none\.ndjson: there is no such file/],
    [folder, /is a directory/],
    [join(folder, "*.nothing"), /No file matches .*\*\.nothing/],
    [write("a.dat", "hello"), /Cannot tell the format of .*a\.dat/],
    [write("a.csv", "\n\r\n"), /a\.csv holds no record, and it is not empty/],
    [write("a.json", "hello"), /expected \{ or \[/],
  ];
  for (const [path, message] of cases) await assert.rejects(readFile(path), { code: "BAD_SOURCE", message });
  assert.deepEqual((await readFile(write("a.dat", '{"a":1}'))).records, [{ a: 1 }]);
});

test("CSV beside JSON cannot be one run", async () => {
  await assert.rejects(files([write("a.csv", "a\n"), write("a.json", "[]")]).plan(), {
    message: /one after the other/,
  });
});

test("options are checked", () => {
  assert.throws(() => files("a", { fromat: "csv" } as never), { code: "BAD_OPTION", message: /Did you mean format/ });
  assert.throws(() => files("a", { format: "xml" } as never), { code: "BAD_OPTION" });
  assert.throws(() => files("a", { format: "csv", path: "a" }), { code: "BAD_OPTION" });
  assert.throws(() => files("a", { path: "a..b" }), { code: "BAD_OPTION" });
  assert.throws(() => files("a", { delimiter: '"' }), { code: "BAD_OPTION" });
  assert.throws(() => files([]), { code: "BAD_OPTION" });
});

test("globs", async () => {
  const root = join(folder, "glob");
  for (const sub of ["x", "x/y", "z"]) mkdirSync(join(root, sub), { recursive: true });
  for (const name of ["a.csv", "b.csv", "c.json", ".d.csv", "x/a.csv", "x/y/a.csv", "z/[1].csv"])
    writeFileSync(join(root, name), "a\n");
  const found = async (pattern: string) =>
    (await files(join(root, pattern), { format: "csv" }).plan()).files.map((f) => f.path.slice(root.length + 1));
  assert.deepEqual(await found("*.csv"), ["a.csv", "b.csv"]);
  assert.deepEqual(await found("**/*.csv"), ["a.csv", "b.csv", "x/a.csv", "x/y/a.csv", "z/[1].csv"]);
  assert.deepEqual(await found("{a,c}.*"), ["a.csv", "c.json"]);
  assert.deepEqual(await found("[!a].csv"), ["b.csv"]);
  assert.deepEqual(await found("?/a.csv"), ["x/a.csv"]);
  assert.deepEqual(await found("z/[1].csv"), ["z/[1].csv"], "a name that exists is no pattern");
});

// Standard input.

const bytesOf = (content: string | Uint8Array, size: number): Readable => {
  const bytes = Buffer.from(content);
  return Readable.from(
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size)),
  );
};

test("stdin reads the same formats, packed or not, in whatever pieces", async () => {
  const lines = '{"a":1}\n{"a":2}\n';
  const cases: [content: string | Uint8Array, options: FilesOptions, expected: unknown[]][] = [
    [lines, {}, [{ a: 1 }, { a: 2 }]],
    [gzipSync(lines), {}, [{ a: 1 }, { a: 2 }]],
    [`\ufeff${lines}`, { format: "ndjson" }, [{ a: 1 }, { a: 2 }]],
    ['[{"a":1}]', {}, [{ a: 1 }]],
    ['{"x":[{"a":1}]}', { path: "x" }, [{ a: 1 }]],
    ["a,b\n1,2\n", { format: "csv" }, [{ a: "1", b: "2" }]],
    ["", {}, []],
  ];
  for (const [content, options, expected] of cases)
    for (const size of [5, 1_000]) {
      const { records } = await read(stdin({ ...options, stream: bytesOf(content, size) }));
      assert.deepEqual(records, expected);
    }
});

test("stdin that brings a byte at a time, or one byte in all", { timeout: 20_000 }, async () => {
  const read = async (content: Buffer, options: FilesOptions) => {
    const stream = Readable.from([...content].map((byte) => Buffer.from([byte])));
    const records: unknown[] = [];
    for await (const slice of stdin({ ...options, stream }).read({}, new AbortController().signal))
      records.push(...slice.records);
    return records;
  };
  assert.deepEqual(await read(Buffer.from('\ufeff[{"a":1}]'), {}), [{ a: 1 }]);
  assert.deepEqual(await read(Buffer.from('\ufeff{"a":1}\n{"a":2}'), { format: "ndjson" }), [{ a: 1 }, { a: 2 }]);
  assert.deepEqual(await read(Buffer.from('{"n":{"a":[{"b":1}]}}'), { path: "n.a" }), [{ b: 1 }]);
  assert.deepEqual(await read(gzipSync('{"a":1}'), {}), [{ a: 1 }]);
  await assert.rejects(read(Buffer.from("1"), { format: "json" }), { code: "BAD_SOURCE" });
});

test("a stream that pauses gives what it has; abort ends the wait", async () => {
  const stream = new Readable({ read() {} });
  const abort = new AbortController();
  stream.push('{"a":1}\n{"a":2}\n{"a"');
  const slices = stdin({ stream }).read({}, abort.signal)[Symbol.asyncIterator]();
  const first = await slices.next();
  assert.deepEqual(first.value?.records, [{ a: 1 }, { a: 2 }]);
  const second = slices.next();
  setTimeout(() => abort.abort(), 10);
  await assert.rejects(second, { code: "ABORTED" });
  assert.equal(stream.destroyed, true);
});

test("abort before the first byte of a stream", async () => {
  const abort = new AbortController();
  const slices = stdin({ stream: new Readable({ read() {} }) })
    .read({}, abort.signal)
    [Symbol.asyncIterator]();
  const first = slices.next();
  setTimeout(() => abort.abort(), 10);
  await assert.rejects(first, { code: "ABORTED" });
});

test("abort while plan() waits for the first byte of a stream", async () => {
  const abort = new AbortController();
  const stream = new Readable({ read() {} });
  const planned = stdin({ stream }).plan(abort.signal);
  setTimeout(() => abort.abort(), 10);
  await assert.rejects(planned, { code: "ABORTED" });
  assert.equal(stream.destroyed, true);
});

// Being a good citizen.

const openFiles = async (): Promise<string[]> => (await readdir("/proc/self/fd").catch(() => [])).sort();

test("files are closed at the end, at a break, at an error and at an abort", {
  skip: process.platform !== "linux",
}, async () => {
  const path = write("a.json", JSON.stringify(rows));
  const packed = write("a.ndjson.gz", gzipSync(ndjson));
  const cut = write("cut.json", JSON.stringify(rows).slice(0, -1));
  await readFile(path);
  const before = (await openFiles()).length;
  for (const source of [files(path), files(packed)]) {
    for await (const _ of source.read({}, new AbortController().signal)) break;
    const abort = new AbortController();
    await assert.rejects(
      (async () => {
        for await (const _ of source.read({}, abort.signal)) abort.abort();
      })(),
      { code: "ABORTED" },
    );
  }
  await assert.rejects(readFile(cut), { code: "BAD_SOURCE" });
  for (const source of [files(path), files(packed)])
    await assert.rejects(
      (async () => {
        for await (const _ of source.read({}, AbortSignal.abort())) assert.fail("nothing is read");
      })(),
      { code: "ABORTED" },
    );
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal((await openFiles()).length, before);
});

test("the reader waits for the consumer", async () => {
  let produced = 0;
  const stream = Readable.from(
    (function* () {
      for (; produced < 1_000; produced++)
        yield Buffer.from(`${JSON.stringify({ a: "x".repeat(1_000) })}\n`.repeat(20));
    })(),
    { highWaterMark: 1 },
  );
  for await (const slice of stdin({ stream }).read({}, new AbortController().signal)) {
    assert.ok(slice.records.length <= 256);
    await new Promise((resolve) => setTimeout(resolve, 20));
    break;
  }
  assert.ok(produced < 20, `${produced} chunks were read for one slice`);
});

test("a header row that cannot be read ends the file: the next row is not taken for it", async () => {
  for (const [content, options, why] of [
    [Buffer.from("caf\xe9,b\n1,2\n3,4\n", "latin1"), {}, /:1: the header row cannot be read: it is not UTF-8/],
    [`${"long,".repeat(100)}b\n1,2\n`, { maxRecordBytes: 100 }, /:1: the header row cannot be read: it is longer than/],
  ] as const) {
    const path = write("header.csv", content);
    await assert.rejects(readFile(path, options), (error: Error & { code: string }) => {
      assert.equal(error.code, "BAD_SOURCE");
      assert.match(error.message, why);
      return true;
    });
  }
});

test("the text of a refused line is kept whole, with what is needed to read it again", async () => {
  const long = "x".repeat(50_000);
  const path = write("whole.csv", `b;a\n${long};1;2\n`);
  const { refused } = await readFile(path, { delimiter: ";" });
  assert.deepEqual(
    refused.map(({ original, source }) => ({ original, source })),
    [{ original: `${long};1;2`, source: { format: "csv", header: ["b", "a"], delimiter: ";" } }],
  );
});

test("a CR within an NDJSON record is white space, one between records ends a line, and a number of any size is no record", async () => {
  const path = write(
    "returns.ndjson",
    '{"a":\r1\r,"b":[\r{"c":2}\r]\r}\r{"a":2}\r-1e400\n12345678901234567890\n{broken\r{"a":3}\r',
  );
  const { records, refused } = await readFile(path);
  assert.deepEqual(records, [{ a: 1, b: [{ c: 2 }] }, { a: 2 }, { a: 3 }]);
  assert.deepEqual(
    refused.map(({ reason }) => /this is a number/.test(reason)),
    [true, true, false],
  );
});

test("readOne() reads a planned file from its start, tells nobody what plan() told, and leaves read() as it was", async () => {
  const path = write("wrapped.json", '{"id":7,"rows":[{"a":1},{"a":2}]}');
  const notices: string[] = [];
  const source = files(path, { onNotice: (notice) => notices.push(notice) });
  const plan = await source.plan();
  assert.equal(notices.length, 1);
  for (let turn = 0; turn < 2; turn++) {
    const found: unknown[] = [];
    for await (const { records } of source.readOne!(plan.files[0]!.path, new AbortController().signal))
      found.push(...records);
    assert.deepEqual(found, [{ a: 1 }, { a: 2 }]);
  }
  assert.deepEqual((await read(source)).records, [{ a: 1 }, { a: 2 }]);
  assert.equal(notices.length, 1);
  const other = source.readOne!("other.json", new AbortController().signal)[Symbol.asyncIterator]();
  await assert.rejects(other.next(), { code: "BAD_SOURCE", message: /^other\.json is none of the files/ });
});
