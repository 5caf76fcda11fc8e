import assert from "node:assert/strict";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { type Options, parse as parseCsv } from "csv-parse/sync";
import fc from "fast-check";
import { type CsvDialect, rfc4180 } from "../../src/source/csv-dialect.ts";
import { csvFields, csvSplitter } from "../../src/source/csv-rows.ts";
import type { FilesOptions } from "../../src/source/file-options.ts";
import { type FilesSource, files } from "../../src/source/files.ts";
import type { Position, Refusal } from "../../src/source/source.ts";
import { stdin } from "../../src/source/stdin.ts";

const folder = mkdtempSync(join(tmpdir(), "millrace-dialect-"));
after(() => rmSync(folder, { recursive: true }));

let count = 0;
function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, `${++count}-${name}`);
  writeFileSync(path, content);
  return path;
}

interface Read {
  records: Record<string, unknown>[];
  places: string[];
  refused: Refusal[];
  notices: string[];
  positions: Position[];
}

async function read(source: FilesSource, from: Record<string, Position> = {}): Promise<Omit<Read, "notices">> {
  const result = { records: [], places: [], refused: [], positions: [] } as Omit<Read, "notices">;
  for await (const slice of source.read(from, new AbortController().signal)) {
    result.records.push(...slice.records);
    result.places.push(...slice.records.map((_, i) => slice.placeOf!(i).split(":").at(-1)!));
    result.refused.push(...(slice.refused ?? []));
    result.positions.push(slice.position);
  }
  return result;
}

async function readFile(path: string, options: FilesOptions = {}): Promise<Read> {
  const notices: string[] = [];
  const all = await read(files(path, { ...options, onNotice: (notice) => notices.push(notice) }));
  return { ...all, notices: notices.map((notice) => notice.replace(path, "FILE")) };
}

const readText = (text: string, options: FilesOptions = {}, name = "a.csv") => readFile(write(name, text), options);

/** Each row of a text with the line on which it begins, in pieces of `size` bytes. */
function rowsOf(text: string, dialect: CsvDialect, size: number): { fields: string[] | string; line: number }[] {
  const bytes = Buffer.from(text);
  const splitter = csvSplitter({ byte: 0, line: 1 }, dialect, "f");
  const rows: { fields: string[] | string; line: number }[] = [];
  for (let length = size; ; length += size) {
    const isLast = length >= bytes.length;
    const window = { bytes, base: 0, length: Math.min(length, bytes.length) };
    for (let frame = splitter.next(window, isLast); frame; frame = splitter.next(window, isLast))
      rows.push({ fields: csvFields(bytes.toString("utf8", frame.start, frame.end), dialect), line: frame.line });
    if (isLast) return rows;
  }
}

// Dialects, against csv-parse.

/** A dialect, and the options by which csv-parse reads the same. */
const dialects = fc
  .record({
    delimiter: fc.constantFrom(",", ";", "\t", "|", ":"),
    quote: fc.constantFrom('"', "'", ""),
    isEscaped: fc.boolean(),
    comment: fc.constantFrom("", "#"),
    end: fc.constantFrom("\n", "\r\n", "\r"),
  })
  .map(({ delimiter, quote, isEscaped, comment, end }) => {
    const escapeMark = isEscaped && quote !== "" ? "\\" : quote;
    const dialect: CsvDialect = { ...rfc4180, delimiter, quote, escape: escapeMark, comment };
    const options: Options = {
      delimiter,
      quote: quote === "" ? null : quote,
      escape: quote === "" ? null : escapeMark,
      comment: comment === "" ? null : comment,
      comment_no_infix: true,
      record_delimiter: end,
      relax_column_count: true,
      skip_empty_lines: true,
    };
    return { dialect, options, end };
  });

const anyField = fc
  .oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^[-"',;|:#\\\t\r\n a]{0,6}$/))
  .filter((s) => s.isWellFormed() && !s.includes("\ufeff"));

function written(text: string, { delimiter, quote, escape: escapeMark, comment }: CsvDialect): string {
  if (quote === "")
    return (
      text
        .replace(/[\r\n]/g, "")
        .replaceAll(delimiter, "")
        .replaceAll(comment || "\n", "") || "x"
    );
  const isPlain = /^[a-z0-9.]+$/i.test(text) && !text.includes(delimiter);
  if (isPlain) return text;
  const body =
    escapeMark === quote
      ? text.replaceAll(quote, quote + quote)
      : text.replace(/["'\\]/g, (c) => (c === quote || c === escapeMark ? escapeMark + c : c));
  return quote + body + quote;
}

test("every dialect: csv-parse reads the same rows, in any pieces", () => {
  const rows = fc.array(fc.array(anyField, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(
      dialects,
      rows,
      fc.integer({ min: 1, max: 9 }),
      fc.boolean(),
      ({ dialect, options, end }, list, size, hasEnd) => {
        const lines = list.map((row) => row.map((field) => written(field, dialect)).join(dialect.delimiter));
        if (dialect.comment !== "") lines.splice(1, 0, `#${dialect.quote} a comment${dialect.delimiter}`);
        const text = lines.join(end) + (hasEnd ? end : "");
        assert.deepEqual(
          rowsOf(text, dialect, size).map((row) => row.fields),
          parseCsv(text, options),
        );
      },
    ),
    { numRuns: 2_000 },
  );
});

test("line ends may be mixed, CR within quotes is data, and lines are counted as an editor counts them", () => {
  const ends = fc.constantFrom("\n", "\r\n", "\r");
  const row = fc.record({
    text: fc.array(fc.oneof(ends, fc.constantFrom("a", "b", " ")), { maxLength: 5 }).map((parts) => parts.join("")),
    end: fc.oneof(ends, fc.constant("\r\n\r"), fc.constant("\n\r\n")),
  });
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 5 }), (list, size) => {
      let text = "";
      const expected = list.map(({ text: field, end }) => {
        const line = text.split(/\r\n|\r|\n/).length;
        text += `"${field}",1${end}`;
        return { fields: [field, "1"], line };
      });
      assert.deepEqual(rowsOf(text, rfc4180, size), expected);
    }),
    { numRuns: 1_000 },
  );
});

test("NDJSON: CR ends a line, too, with the right line numbers, in any pieces", async () => {
  for (const end of ["\r", "\r\n", "\n"]) {
    const lines = ['{"a":1}', "", '{"a":', '{"a":2}'];
    const { records, places, refused } = await readText(lines.join(end), {}, "a.ndjson");
    assert.deepEqual(records, [{ a: 1 }, { a: 2 }]);
    assert.deepEqual(places, ["1", "4"]);
    assert.match(refused[0]!.place, /:3$/);
    for (const size of [1, 2, 3, 7]) {
      const bytes = Buffer.from(lines.join(end));
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      const streamed = await read(stdin({ format: "ndjson", stream: Readable.from(pieces) }));
      assert.deepEqual([streamed.records, streamed.places], [records, places]);
    }
  }
});

test("CSV of an old Mac, and reading on in the middle of it", async () => {
  const rows = Array.from({ length: 700 }, (_, i) => `${i},"x\r${i}"`);
  const path = write("mac.csv", `id,t\r${rows.join("\r")}\r`);
  const all = await readFile(path);
  assert.equal(all.records.length, 700);
  assert.deepEqual(all.records[699], { id: "699", t: "x\r699" });
  assert.equal(all.places[699], String(2 + 699 * 2));
  const rest = await read(files(path), { [path]: all.positions[0]! });
  assert.deepEqual(rest.records, all.records.slice(-rest.records.length));
  assert.deepEqual(rest.places, all.places.slice(-rest.records.length));
  assert.ok(rest.records.length > 100 && rest.records.length < 700);
});

test("the line of a position is that of its byte, also where a row of several lines is cut by a chunk", async () => {
  const path = write("long.csv", `a,b\n${'1,"x\ny\nz"\n'.repeat(60_000)}`);
  const all = await readFile(path);
  for (const position of all.positions.filter((_, i) => i % 20 === 0)) {
    const rest = await read(files(path), { [path]: position });
    assert.deepEqual(rest.places, all.places.slice(all.places.length - rest.places.length));
  }
});

// The delimiter.

const ab = [{ a: "1", b: "2" }];

test("the delimiter is seen in the first rows, and said where it is no comma", async () => {
  for (const [delimiter, shown] of [
    [";", '";"'],
    ["\t", "a tab"],
    ["|", '"|"'],
  ] as const) {
    const { records, notices } = await readText(`a${delimiter}b\n1${delimiter}2\n`);
    assert.deepEqual(records, ab);
    assert.deepEqual(notices, [`FILE: the delimiter is ${shown}, as the first rows show.`]);
  }
  assert.deepEqual((await readText("a,b\n1,2\n")).notices, []);
  assert.deepEqual((await readText("a\tb\n1\t2\n", {}, "a.tsv")).notices, []);
  assert.deepEqual((await readText("a\tb\n1\t2\n", {}, "a.tab")).records, ab);
  assert.deepEqual((await readText("a|b\n1|2\n", {}, "a.psv")).records, ab);
  assert.deepEqual((await readText("a,b\n1,2\n", {}, "a.tsv")).records, ab, "a comma in what is called .tsv");
});

test("delimiters within quotes and decimal commas do not deceive", async () => {
  assert.deepEqual((await readText('a;b\n"1;,,|";2\n"x;y";"z,z"\n')).records, [
    { a: "1;,,|", b: "2" },
    { a: "x;y", b: "z,z" },
  ]);
  assert.deepEqual((await readText("id;price\n1;2,5\n3;4,5\n")).records, [
    { id: "1", price: "2,5" },
    { id: "3", price: "4,5" },
  ]);
  assert.deepEqual((await readText("text\nhello, world; and | more\nnothing\n")).refused.length, 1);
  const broken = await readText('a;b\n1;2\n3\n"4"x;5\n6;7\n');
  assert.deepEqual([broken.records.length, broken.refused.length], [2, 2], "rows that are broken do not deceive");
  assert.deepEqual((await readText("a,b\n1;x,2;y\n")).records, [{ a: "1;x", b: "2;y" }]);
  const both = await readText("a;x,b\n1;2,3\n");
  assert.deepEqual(both.records, [{ "a;x": "1;2", b: "3" }]);
  assert.match(both.notices[0]!, /^FILE: "," and ";" both divide the first rows; "," is taken/);
  const given = await readText("a;x,b\n1;2,3\n", { delimiter: ";" });
  assert.deepEqual([given.records, given.notices], [[{ a: "1", "x,b": "2,3" }], []]);
});

test("a delimiter that the detection chose is the one with which reading goes on", async () => {
  const path = write("a.csv", `a;b\n${Array.from({ length: 600 }, (_, i) => `${i};x,${i}`).join("\n")}\n`);
  const all = await readFile(path);
  const rest = await read(files(path), { [path]: all.positions[0]! });
  assert.ok(rest.records.length > 100);
  assert.deepEqual(rest.records, all.records.slice(-rest.records.length));
});

test("Excel's first line sep=; is obeyed, and is no row", async () => {
  for (const line of ["sep=;", '"sep=;"', "SEP=;"]) {
    const { records, places, notices } = await readText(`${line}\r\na;b\r\n1;2\r\n`);
    assert.deepEqual([records, places], [ab, ["3"]]);
    assert.deepEqual(notices, ['FILE: the delimiter is ";", as its first line says.']);
  }
  assert.deepEqual((await readText("\ufeffsep=\t\na\tb\n1\t2\n")).records, ab);
  assert.deepEqual((await readText("sep=;\na,b\n1,2\n", { delimiter: "," })).records, ab);
  assert.deepEqual((await readText("sep=x,b\n1,2\n")).records, [{ "sep=x": "1", b: "2" }]);
  const streamed = stdin({ format: "csv", stream: Readable.from([Buffer.from("se"), Buffer.from("p=;\na;b\n1;2\n")]) });
  assert.deepEqual((await read(streamed)).records, ab);
});

test("standard input: the delimiter is seen in the first row, however it arrives", async () => {
  const notices: string[] = [];
  const pieces = [..."a;b\n1;2\n"].map((c) => Buffer.from(c));
  const source = stdin({ format: "csv", stream: Readable.from(pieces), onNotice: (n) => notices.push(n) });
  assert.equal((await source.plan()).files[0]?.dialect?.delimiter, ";");
  assert.deepEqual((await read(source)).records, ab);
  assert.deepEqual(notices, ['stdin: the delimiter is ";", as the first rows show.']);
});

// The other options.

test("without a header, fields have the names of their places, also where reading goes on", async () => {
  const { records, refused, places } = await readText("1,2\n3\n4,5\n", { header: false });
  assert.deepEqual(records, [
    { column_1: "1", column_2: "2" },
    { column_1: "4", column_2: "5" },
  ]);
  assert.deepEqual(places, ["1", "3"]);
  assert.equal(
    refused[0]?.reason,
    'it has 1 field where the first row has 2; ragged: "pad" reads the missing fields as null',
  );
  const path = write("a.csv", Array.from({ length: 600 }, (_, i) => `${i},x\n`).join(""));
  const all = await readFile(path, { header: false });
  const rest = await read(files(path, { header: false }), { [path]: all.positions[0]! });
  assert.deepEqual(rest.records, all.records.slice(-rest.records.length));
  assert.equal(all.records.length, 600);
});

test("quotes: another character, or none", async () => {
  assert.deepEqual((await readText("a,b\n'x,''y',2\n", { quote: "'" })).records, [{ a: "x,'y", b: "2" }]);
  assert.deepEqual((await readText('a,b\n5" pipe,"2\n', { quote: "none" })).records, [{ a: '5" pipe', b: '"2' }]);
});

test("backslashes: as text, or before a quote", async () => {
  const text = 'a,b\n"say \\"hi\\", C:\\\\x",2\n3,4\n';
  assert.deepEqual((await readText(text, { escape: "\\" })).records[0], { a: 'say "hi", C:\\x', b: "2" });
  const { refused, records } = await readText(text);
  assert.match(refused[0]!.reason, /text follows the closing quote of field 1 \(escape "\\" reads \\" as a quote\)/);
  assert.deepEqual(records, [{ a: "3", b: "4" }]);
});

test("blanks before and behind a quoted field are no part of it; around others they stay, or are trimmed", async () => {
  const text = 'a, "b" ,c\n1, "x, ""y""\nz"\t, 3\n"4"x,5,6\n"7" "8",9,10\n';
  const { records, refused } = await readText(text);
  assert.deepEqual(records, [{ a: "1", b: 'x, "y"\nz', c: " 3" }]);
  assert.deepEqual(
    refused.map(({ reason }) => reason),
    ["text follows the closing quote of field 1", "text follows the closing quote of field 1"],
  );
  assert.deepEqual((await readText("a , b\n 1 ,\t2 3 \n", { trim: true })).records, [{ a: "1", b: "2 3" }]);
});

test("comments and lines before the header", async () => {
  const text = 'Report "of", today\n\n# made by x\na,b\n#1,"2\n1,2\n';
  const { records, places } = await readText(text, { skipLines: 2, comment: "#" });
  assert.deepEqual([records, places], [ab, ["6"]]);
  assert.deepEqual((await readText("x\ry\r\na,b\n1,2", { skipLines: 2 })).records, ab);
  const path = write("a.csv", `${"#\n".repeat(3)}a,b\n${'1,"2"\n#"\n'.repeat(600)}`);
  const all = await readFile(path, { comment: "#", skipLines: 1 });
  assert.equal(all.records.length, 600);
  const rest = await read(files(path, { comment: "#", skipLines: 1 }), { [path]: all.positions[0]! });
  assert.deepEqual(rest.places, all.places.slice(-rest.places.length));
});

test("ragged rows: refused, or padded; a value without a column is never dropped", async () => {
  const text = "a,b,c\n1,2\n3,4,5,\n6,7,8,9\n";
  assert.deepEqual(
    (await readText(text)).refused.map(({ reason }) => reason),
    [
      'it has 2 fields where the header has 3; ragged: "pad" reads the missing fields as null',
      'it has 4 fields where the header has 3; ragged: "pad" leaves out the empty fields at the end',
      "it has 4 fields where the header has 3",
    ],
  );
  const { records, refused } = await readText(text, { ragged: "pad" });
  assert.deepEqual(records, [
    { a: "1", b: "2", c: null },
    { a: "3", b: "4", c: "5" },
  ]);
  assert.deepEqual(
    refused.map(({ reason }) => reason),
    ["it has 4 fields where the header has 3"],
  );
});

test("a line before the header that was taken for it: the reason names its line, also where reading goes on", async () => {
  const reason = (what: string, line: number) =>
    `it has 2 fields where the ${what} has 1; the ${what} on line ${line} may be a line before it: skipLines or comment leaves such lines out`;
  const text = `\n\nReport of today\n${"a,b\n".repeat(600)}`;
  const path = write("a.csv", text);
  const all = await readFile(path);
  assert.deepEqual(new Set(all.refused.map(({ reason }) => reason)), new Set([reason("header", 3)]));
  const rest = await read(files(path), { [path]: all.positions[0]! });
  assert.equal(rest.refused.length, 600 - 256);
  assert.deepEqual(new Set(rest.refused.map(({ reason }) => reason)), new Set([reason("header", 3)]));
  const first = await readText("x\na,b\n", { header: false });
  assert.equal(first.refused[0]?.reason, reason("first row", 1));
  assert.deepEqual((await readText(text, { skipLines: 3 })).refused, []);
});

test("a header of values is said; one of years, or of names beside numbers, is not", async () => {
  const notice = (shown: string) =>
    `FILE: the header row looks like data (${shown}); if the file has no header, say header: false.`;
  const cases: [header: string, shown: string | undefined][] = [
    ["1,2026-01-01,x,y", '"1", "2026-01-01", "x", and 1 more'],
    ["2026-01-01T03:04:05Z,b,c,d", '"2026-01-01T03:04:05Z", "b", "c", and 1 more'],
    ["1.5,-2,.5,1e3", '"1.5", "-2", ".5", and 1 more'],
    ["7,,2024,9", '"7", "", "2024", and 1 more'],
    ["2021,2022,2023,2024", undefined],
    [",2021,2022,2023", undefined],
    ["country,1,2,3", undefined],
    ["a,b,c,007", undefined],
    [",,,", undefined],
  ];
  for (const [header, shown] of cases) {
    const said = (notices: string[]) => notices.filter((each) => each.includes("looks like data"));
    const text = `${header}\n1,2,3,4\n`;
    assert.deepEqual(said((await readText(text)).notices), shown === undefined ? [] : [notice(shown)], header);
    assert.deepEqual(said((await readText(text, { header: false })).notices), [], header);
  }
});

test("files that were put together: a header behind a byte order mark is left out, another row refused", async () => {
  const { records, refused, notices } = await readText("\ufeffa,b\n1,2\n\ufeffa,b\n3,4\n\ufeff5,6\n7,8\n");
  assert.deepEqual(
    records.map(({ a }) => a),
    ["1", "3", "7"],
  );
  assert.match(refused[0]!.place, /:5$/);
  assert.match(refused[0]!.reason, /byte order mark/);
  assert.match(notices[0]!, /the header stands in the file again/);
});

test("no record in a file that is not empty: an error, unless it looks like the export of an empty table", async () => {
  const cases: [name: string, content: string | Uint8Array, options?: FilesOptions][] = [
    ["a.csv", "\n\n"],
    ["a.csv", "\ufeff"],
    ["a.csv", "# a comment\n", { comment: "#" }],
    ["a.csv", "a title\n", { skipLines: 1 }],
    ["a.csv", "\n", { header: false }],
    ["a.ndjson", " \r\n\n"],
    ["a.ndjson.gz", gzipSync("\n")],
    ["a.json", "  \n"],
  ];
  for (const [name, content, options] of cases)
    await assert.rejects(readFile(write(name, content), options), {
      code: "BAD_SOURCE",
      message: /holds no record, and it is not empty/,
    });
  for (const [name, content] of [
    ["a.csv", "a,b\n"],
    ["a.json", "[]"],
  ] as const) {
    const { records, notices } = await readFile(write(name, content));
    assert.deepEqual(records, []);
    assert.deepEqual(notices, ["FILE holds no record: a CSV header or an empty JSON array, and nothing else."]);
  }
  for (const [name, content] of [
    ["a.csv", ""],
    ["a.ndjson.gz", gzipSync("")],
  ] as const)
    assert.deepEqual((await readFile(write(name, content))).notices, []);
  const blank = stdin({ format: "ndjson", stream: Readable.from([Buffer.from("\n\n")]) });
  await assert.rejects(read(blank), { code: "BAD_SOURCE", message: /^stdin holds no record/ });
});

test("options are checked", () => {
  const wrong: FilesOptions[] = [
    { quote: '""' },
    { quote: "" },
    { delimiter: "'", quote: "'" },
    { delimiter: ";;" },
    { escape: "\\\\" },
    { escape: "\\", quote: "none" },
    { delimiter: "#", comment: "#" },
    { escape: ",", delimiter: "," },
    { comment: "//" },
    { skipLines: -1 },
    { skipLines: 1.5 },
    { ragged: "drop" as "pad" },
    { header: "no" as never },
    { encoding: "klingon" },
    { format: "json", quote: "'" },
    { format: "ndjson", header: false },
  ];
  for (const options of wrong)
    assert.throws(() => files("a", options), { code: "BAD_OPTION" }, JSON.stringify(options));
  for (const options of [{ delimiter: '"', quote: "'" }, { escape: '"' }, { quote: "none", comment: "#" }])
    assert.doesNotThrow(() => files("a", options), JSON.stringify(options));
});

test("a growing file: a row that ends with CR is whole where CR ends the rows before it, and LF may follow where it does not", async () => {
  const texts: [name: string, text: string, whole: number][] = [
    ["a.csv", "a,b\r1,2\r3,4\r", 2],
    ["a.csv", "a,b\r1,2\r3,4", 1],
    ["a.csv", 'a,b\r1,2\r3,"4\r', 1],
    ["a.csv", "a,b\r\n1,2\r\n3,4\r", 1],
    ["a.csv", "a,b\r\n1,2\r\n3,4\r\n", 2],
    ["a.ndjson", '{"a":1}\r{"a":2}\r', 2],
    ["a.ndjson", '{"a":1}\r{"a":', 1],
  ];
  for (const [name, text, whole] of texts) {
    const path = write(name, text);
    const first = await read(files(path, { final: false }));
    assert.equal(first.records.length, whole, JSON.stringify(text));
    // The rest comes later: what was left is read whole, what was read is not read again.
    const end = text.includes("\n") ? "\r\n" : "\r";
    const more = name === "a.csv" ? `5,6${end}` : `{"a":5}${end}`;
    const rest = name === "a.csv" ? "" : text.endsWith(":") ? "3}" : "";
    const joined = text.endsWith("\r") && end === "\r\n" ? "\n" : text.endsWith(end) ? "" : rest + end;
    if (text.includes('"4')) continue;
    writeFileSync(path, text + joined + more);
    const all = await read(files(path));
    const second = await read(files(path), { [realpathSync(path)]: first.positions.at(-1)! });
    assert.deepEqual([...first.records, ...second.records], all.records, JSON.stringify(text));
    assert.deepEqual([...first.places, ...second.places], all.places, JSON.stringify(text));
  }
});
