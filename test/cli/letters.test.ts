import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { letterConversion, letterSource, type RestoredLetter } from "../../src/cli/letter-source.ts";
import { parseLetter, restore } from "../../src/cli/letters.ts";
import { fileDeadLetter } from "../../src/deliver/dead-letter.ts";
import { memory } from "../../src/destination/memory.ts";
import { open } from "../../src/open.ts";
import { run } from "../../src/run/run.ts";
import { coerce } from "../../src/schema/coerce.ts";
import { ExactNumber } from "../../src/schema/exact-number.ts";
import { k, type Table, table } from "../../src/schema/table.ts";
import type { FilesOptions } from "../../src/source/file-options.ts";
import { files } from "../../src/source/files.ts";
import type { RawRecord } from "../../src/source/records.ts";
import type { Refusal } from "../../src/source/source.ts";
import { rowsOf } from "../rows-of.ts";

// What is expected is the record that the generator made, or the sink's own row for it.

const folder = mkdtempSync(join(tmpdir(), "millrace-letters-"));
after(() => rmSync(folder, { recursive: true }));
const signal = new AbortController().signal;

/** Refuses every record: no source gives this column. */
const refusesAll = table("T", { b: k.string().optional(), a: k.string().optional(), missing: k.string() });
const takesAll = table("T", { b: k.string().optional(), a: k.string().optional() });

async function lettersOf(
  path: string,
  options: FilesOptions = {},
  target: Table = refusesAll,
  through?: (raw: RawRecord) => Record<string, unknown>,
): Promise<string> {
  const letters = `${path}.${Math.random()}.letters`;
  const source = files(path, options);
  const { form } = await source.plan();
  const sink = await open({ table: target, to: memory(), deadLetter: fileDeadLetter(letters) });
  const renames = [{ field: "B $", column: "b" }];
  await run({ from: source, into: sink, through: through ?? coerce(target, form, { renames }) });
  await sink.close();
  return letters;
}

interface Replayed {
  letters: RestoredLetter[];
  records: Record<string, unknown>[];
  refused: Refusal[];
}

async function replayed(path: string, target: Table = takesAll): Promise<Replayed> {
  const source = letterSource(path, target, { isReplayed: () => false, onRead() {}, async onTaken() {} });
  const convert = letterConversion(target);
  const result: Replayed = { letters: [], records: [], refused: [] };
  for await (const { records, refused = [] } of source.read({}, signal)) {
    result.letters.push(...records);
    result.records.push(...records.map(convert));
    result.refused.push(...refused);
  }
  return result;
}

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

function random(from: number): () => number {
  let state = from;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

const pieces = ["a", "ü", ";", ",", "\t", '"', '""', "\n", "\r\n", " ", "0", "1e5", "null", "😀", "{", "\\", "é\u2028"];

test(`records of CSV come back as they were, whatever the order of the header and the delimiter, seed ${seed}`, async () => {
  const next = random(seed);
  const some = () => Array.from({ length: Math.floor(next() * 5) }, () => pieces[Math.floor(next() * pieces.length)]);
  for (const [round, delimiter] of [",", ";", "\t", "|"].entries()) {
    const header = round % 2 ? ["B $", "a", "more"] : ["more", "a", "B $"];
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    const records = Array.from({ length: 200 }, () =>
      Object.fromEntries(header.map((name) => [name, some().join("")])),
    );
    const path = join(folder, `random-${round}.csv`);
    const lines = [header, ...records.map((r) => header.map((name) => r[name]!))];
    writeFileSync(path, lines.map((fields) => `${fields.map(quoted).join(delimiter)}\n`).join(""));
    const { letters, records: converted, refused } = await replayed(await lettersOf(path, { delimiter }));
    assert.deepEqual(refused, []);
    assert.deepEqual(
      letters.map(({ record }) => record),
      records,
    );
    assert.deepEqual(
      converted,
      records.map((r) => ({ b: r["B $"], a: r.a })),
    );
  }
});

test("records of JSON come back to the last digit", async () => {
  const columns = {
    b: k.long().optional(),
    real: k.real().optional(),
    d: k.dynamic().optional(),
    s: k.string().optional(),
  };
  const takes = table("T", columns);
  const refuses = table("T", { ...columns, missing: k.string() });
  const lines = [
    '{"B $":9223372036854775807,"real":-0,"s":"\\u2028\\ud83d"}',
    '{"B $":-9007199254740993,"real":1e999,"d":{"deep":[1.5,null,"9007199254740993"],"__proto__":{"x":1}},"s":12345678901234567890}',
    '{"real":-1e400,"d":"text","s":null}',
    '{"s":"x","d":[{"a":-0.0}]}',
  ];
  const path = join(folder, "exact.ndjson");
  writeFileSync(path, lines.join("\n"));
  const read: RawRecord[] = [];
  for await (const { records } of files(path).read({}, signal)) read.push(...records);
  const { letters, refused, records } = await replayed(await lettersOf(path, {}, refuses), takes);
  assert.deepEqual(refused, []);
  assert.deepEqual(
    letters.map(({ record }) => record),
    read,
  );
  assert.deepEqual(
    records.map(({ b, real }) => [b, real]),
    [
      [9223372036854775807n, -0],
      [-9007199254740993n, new ExactNumber("1e999")],
      [undefined, new ExactNumber("-1e400")],
      [undefined, undefined],
    ],
  );
});

test("records of write() come back: NaN, infinities, -0, dates, raw JSON, and none of them as null", async () => {
  const columns = {
    real: k.real().optional(),
    when: k.datetime().optional(),
    big: k.long().optional(),
    d: k.dynamic().optional(),
  };
  const { rawJson } = await import("../../src/schema/raw-json.ts");
  const records = [
    { real: Number.NaN, d: rawJson('{"n":\n 1.25}') },
    { real: Number.NEGATIVE_INFINITY, when: new Date(1e12), big: 2n ** 62n },
    { real: -0, d: { at: new Date(0), nested: [Number.NaN] } },
  ];
  const rows: string[][] = [];
  for (const missing of [true, false]) {
    const path = join(folder, "written.letters");
    const to = memory();
    const own = table("T", missing ? { ...columns, missing: k.string() } : columns);
    const sink = await open({ table: own as Table, to, deadLetter: fileDeadLetter(path) });
    const again = missing ? [] : (await replayed(path, own)).records;
    for (const record of missing ? records : [...records, ...again]) sink.write(record as never);
    await sink.close();
    rows.push(...to.batches.flatMap((batch) => rowsOf(batch)));
  }
  assert.equal(rows.length, 6);
  const compact = (row: string[]) => row.map((field) => field.replaceAll(/\s/g, ""));
  assert.deepEqual(rows.slice(3).map(compact), rows.slice(0, 3).map(compact));
});

test("a line that was no record keeps its text and its header, and comes back once it is mended", async () => {
  const path = join(folder, "broken.csv");
  writeFileSync(path, 'B $;a\nlong;"x;y";1\nok;fine\nb"ad;z\n');
  const letters = await lettersOf(path, { delimiter: ";" }, takesAll);
  const lines = readFileSync(letters, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const source = { format: "csv", header: ["B $", "a"], delimiter: ";", renames: [{ field: "B $", column: "b" }] };
  assert.deepEqual(
    lines.map(({ original, source, place }) => ({ original, source, place })),
    [
      { original: 'long;"x;y";1', source, place: `${path}:2` },
      { original: 'b"ad;z', source, place: `${path}:4` },
    ],
  );
  const before = await replayed(letters);
  assert.deepEqual(before.letters, []);
  assert.deepEqual(
    before.refused.map(({ place, reason, original, source }) => ({ place, reason, original, source })),
    [
      { reason: "it has 3 fields where the header has 2", line: 0 },
      {
        reason: 'a quote stands inside field 1, which does not begin with one (with quote "none" a quote is text)',
        line: 1,
      },
    ].map(({ reason, line }) => ({
      place: `${letters}:${line + 1}, from ${lines[line].place}`,
      reason,
      original: lines[line].original,
      source,
    })),
  );
  writeFileSync(letters, readFileSync(letters, "utf8").replace("long;", "").replace('b\\"ad', "bad"));
  assert.deepEqual((await replayed(letters)).records, [
    { b: "x;y", a: "1" },
    { b: "bad", a: "z" },
  ]);
});

test("JSON text that was no record comes back once it is mended", async () => {
  for (const [name, content, mend] of [
    ["broken.ndjson", '{"a":"1"}\n{"a":\n', ['"{\\"a\\":"', '"{\\"a\\":\\"2\\"}"']],
    ["broken.json", '[{"a":"1"} {"a":"2"}]', ["", ""]],
  ] as const) {
    const path = join(folder, name);
    writeFileSync(path, content);
    const letters = await lettersOf(path, {}, takesAll);
    writeFileSync(letters, readFileSync(letters, "utf8").replace(mend[0], mend[1]));
    const { records, refused } = await replayed(letters);
    assert.deepEqual([records, refused], [[{ a: "2" }], []], name);
  }
});

test("what was not kept whole, or was not UTF-8, is not replayed as it stands", async () => {
  const path = join(folder, "damaged.csv");
  const long = "x".repeat(3_000);
  writeFileSync(path, Buffer.from(`a\n${long}\n\xff!\nok\n`, "latin1"));
  const letters = await lettersOf(path, { maxRecordBytes: 2_000 }, takesAll);
  const { letters: none, refused } = await replayed(letters);
  assert.deepEqual(none, []);
  assert.match(refused[0]!.reason, /only the beginning of its "original" was kept/);
  assert.match(refused[1]!.reason, /was not UTF-8: put what it should be where "original" has U\+FFFD/);
  writeFileSync(letters, readFileSync(letters, "utf8").replace(',"isCut":true', "").replace("\ufffd", "ÿ"));
  assert.deepEqual(
    (await replayed(letters)).records.map(({ a }) => a),
    [long.slice(0, 1_000), "ÿ!"],
  );
});

test("a record too large for a letter is marked as cut", async () => {
  const path = join(folder, "huge.letters");
  const sink = await open({ table: refusesAll, to: memory(), deadLetter: fileDeadLetter(path) });
  sink.write({ a: "x".repeat(5_000_000) } as never);
  await sink.close();
  const { refused, letters } = await replayed(path);
  assert.equal(letters.length, 0);
  assert.match(refused[0]!.reason, /only the beginning/);
});

test("what a program's own function converted is left to that program", async () => {
  const path = join(folder, "own.csv");
  writeFileSync(path, "a\n1\n1,2\n");
  const letters = await lettersOf(path, {}, refusesAll, ({ a }) => ({ a: `own ${a}` }));
  const { records, refused } = await replayed(letters);
  assert.deepEqual(records, [{ a: "own 1" }], "the record as write() was given it");
  assert.match(refused[0]!.reason, /the program that read it converts records by a function of its own/);
});

test("rows of batches and raw rows are read by the names of their columns, not by the table's order of today", async () => {
  const path = join(folder, "raw.letters");
  const columns = { n: k.int(), b: k.string(), d: k.dynamic() };
  const sink = await open({ table: table("T", columns), to: memory(), deadLetter: fileDeadLetter(path) });
  // The first row is sound, the second is mended below.
  sink.writeRaw('1,"x","{""id"":12345678901234567890}"\n2,y\n');
  await sink.close();
  writeFileSync(
    path,
    readFileSync(path, "utf8").replace(
      '"original":"2,y',
      '"original":"2,y,\\"{\\"\\"id\\"\\":12345678901234567890}\\"',
    ),
  );
  const now = table("T", { d: k.dynamic(), b: k.string(), n: k.int() });
  const to = memory();
  const again = await open({ table: now as Table, to });
  for (const record of (await replayed(path, now)).records) again.write(record as never);
  await again.close();
  assert.deepEqual(
    to.batches.flatMap((batch) => rowsOf(batch)),
    [['{"id":12345678901234567890}', "y", "2"]],
  );
});

test("letters of earlier releases: what they can only mean, and else a refusal", () => {
  const old = (place: string | undefined, original: unknown) =>
    parseLetter(JSON.stringify({ time: "t", table: "T", place, record: -1, reason: "r", original }));
  const back = (place: string | undefined, original: unknown) => {
    const letter = old(place, original);
    assert.ok(typeof letter === "object", String(letter));
    const restored = restore(letter, takesAll);
    return typeof restored === "string" ? restored : restored.record;
  };
  assert.deepEqual(back("f.csv:3", { b: "x", a: null }), { b: "x", a: null });
  assert.deepEqual(back("epoch 3, batch 00000001-2, row 77", 'x,"y\nz"\n'), { b: "x", a: "y\nz" });
  assert.deepEqual(back("raw row 0", "x,y"), { b: "x", a: "y" });
  assert.deepEqual(back("f.ndjson:3", '{"a":"y"}'), { a: "y" });
  assert.match(String(back("f.csv:3", "x,y")), /does not say how its "original" is to be read/);
  assert.match(String(back("raw row 5:3", "x,y")), /does not say how/, "a file of that name");
  assert.match(String(back(undefined, "(not JSON: cycle)")), /could not be kept/);
  assert.match(String(back("f.ndjson:9", `${"x".repeat(10)}... (cut, 9999 characters)`)), /only the beginning/);
  assert.match(String(back("raw row 0", 'x,"y')), /a quote in its "original" is not closed/);
  assert.match(String(back("raw row 0", "x,y\nz,w")), /more than one row/);
  assert.match(String(back("f.csv:3", [1])), /neither a record nor a text/);
});

test("lines that are no letters say why", () => {
  assert.match(String(parseLetter("{oops")), /^it is no letter: /);
  assert.match(String(parseLetter("[]")), /a letter is a JSON object/);
  assert.match(String(parseLetter('{"a":1}')), /it has no "table"/);
  const withSource = (source: unknown) =>
    String(parseLetter(JSON.stringify({ table: "T", reason: "r", original: "x", source })));
  assert.match(withSource({ format: "xml" }), /"source" cannot be used: "format" is "xml"/);
  assert.match(withSource({ format: "csv", header: ["a", "a"] }), /"header" is not a list of different names/);
  assert.match(withSource({ format: "csv", header: ["a"], delimiter: ";;" }), /"delimiter" is not one character/);
  assert.match(withSource({ format: "csv", header: ["a"], renames: [["a", "b"]] }), /"renames" is not a list/);
});
