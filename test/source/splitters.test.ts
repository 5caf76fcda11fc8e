import assert from "node:assert/strict";
import { test } from "node:test";
import { parse as parseCsv } from "csv-parse/sync";
import fc from "fast-check";
import { append, byteWindow, dropBefore } from "../../src/source/byte-window.ts";
import { rfc4180 } from "../../src/source/csv-dialect.ts";
import { csvFields, csvSplitter } from "../../src/source/csv-rows.ts";
import { elementSplitter } from "../../src/source/json-elements.ts";
import { pathSplitter } from "../../src/source/json-path.ts";
import { lineSplitter } from "../../src/source/lines.ts";
import type { FilePosition, Splitter } from "../../src/source/splitter.ts";

type MakeSplitter = (from: FilePosition) => Splitter;

interface Found {
  text: string;
  line: number;
  fault?: string;
  position: FilePosition;
}

const start: FilePosition = { byte: 0, line: 1 };

/** Feeds a text from a position on, in pieces of the given sizes (used in turn), and lets go of all that may go. */
function split(make: MakeSplitter, text: string, sizes: readonly number[], from = start): Found[] {
  const bytes = Buffer.from(text);
  const splitter = make(from);
  const window = byteWindow(from.byte);
  const found: Found[] = [];
  const drain = (isLast: boolean): void => {
    for (let frame = splitter.next(window, isLast); frame; frame = splitter.next(window, isLast)) {
      const { start, end, line, fault } = frame;
      assert.ok(start >= window.base, "a record's bytes were let go too early");
      const record = window.bytes.toString("utf8", start - window.base, end - window.base);
      found.push({ text: record, line, ...(fault && { fault }), position: splitter.position() });
    }
    dropBefore(window, splitter.keepFrom);
  };
  for (let at = from.byte, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    append(window, bytes.subarray(at, at + size));
    at += size;
    drain(false);
  }
  drain(true);
  return found;
}

/** The line of each offset where a record is expected, counted in the simplest way. */
const lineOf = (text: string, offset: number): number => text.slice(0, offset).split("\n").length;

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });

/** What the splitter finds is what is expected, in whatever pieces it comes, and from each position on the rest. */
function check(make: MakeSplitter, text: string, expected: readonly string[], pieces: readonly number[]): void {
  const found = split(make, text, pieces);
  assert.deepEqual(
    found.map((f) => f.text),
    expected,
  );
  for (const [i, { position, fault }] of found.entries()) {
    assert.equal(fault, undefined);
    assert.ok(!("isFirst" in position));
    const rest = split(make, text, pieces, JSON.parse(JSON.stringify(position)));
    assert.deepEqual(rest, found.slice(i + 1));
  }
}

const blanks = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
const json = fc.jsonValue({ maxDepth: 3 });
const object = fc.dictionary(fc.string({ unit: "binary" }), json, { maxKeys: 4 });

/** JSON text of an object, pretty or not; both are found by their brackets alone. */
const objectText = fc
  .tuple(object, fc.constantFrom(undefined, 1, "\t"))
  .map(([o, indent]) => JSON.stringify(o, null, indent));

test("lines: NDJSON in any pieces, with CR LF, blank lines, and no end to the last line", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          text: object.map((o) => JSON.stringify(o)),
          end: fc.constantFrom("\n", "\r\n", "\n\n", "\n \t\r\n"),
        }),
      ),
      fc.boolean(),
      sizes,
      (lines, hasEnd, pieces) => {
        const text = lines.map((l, i) => l.text + (hasEnd || i < lines.length - 1 ? l.end : "")).join("");
        check(
          lineSplitter,
          text,
          lines.map((l) => l.text),
          pieces,
        );
      },
    ),
  );
});

test("elements: those of one array, or objects one after another, in any pieces", () => {
  const element = fc.oneof(
    { weight: 4, arbitrary: objectText },
    json.map((v) => JSON.stringify(v)),
  );
  const array = fc.array(fc.tuple(blanks, element, blanks), { maxLength: 5 }).chain((elements) =>
    blanks.map((gap) => ({
      elements: elements.map((e) => e[1]),
      text: `[${elements.map((e) => e.join("")).join(",") || gap}]`,
    })),
  );
  const objects = fc.array(
    fc.tuple(
      objectText.map((text) => ({ elements: [text], text })),
      blanks,
    ),
    { maxLength: 4 },
  );
  const documents = fc.oneof(
    objects,
    fc.tuple(array, blanks).map((only) => [only]),
  );
  fc.assert(
    fc.property(documents, sizes, (list, pieces) => {
      const text = list.map(([d, gap]) => d.text + gap).join("");
      check(
        (from) => elementSplitter(from, "f"),
        text,
        list.flatMap(([d]) => d.elements),
        pieces,
      );
    }),
  );
});

test("path: the array within an object, whatever stands before and behind it", () => {
  const others = fc.array(
    fc.tuple(
      fc.string({ unit: "binary" }).filter((s) => s !== "a\n" && s !== "b"),
      json,
    ),
    { maxLength: 3 },
  );
  fc.assert(
    fc.property(
      fc.array(object, { maxLength: 4 }),
      others,
      others,
      fc.constantFrom(undefined, 2),
      sizes,
      (elements, before, behind, indent, pieces) => {
        const inner = Object.fromEntries([...before, ["b", elements], ...behind]);
        const text = JSON.stringify(Object.fromEntries([...before, ["a\n", inner], ...behind]), null, indent);
        const found = split((from) => pathSplitter(from, ["a\n", "b"], "f"), text, pieces);
        assert.deepEqual(
          found.map((f) => JSON.parse(f.text)),
          JSON.parse(JSON.stringify(elements)),
        );
        check(
          (from) => pathSplitter(from, ["a\n", "b"], "f"),
          text,
          found.map((f) => f.text),
          pieces,
        );
        let at = 0;
        for (const { text: record, line } of found) {
          at = text.indexOf(record, at);
          if (record.length > 2) assert.equal(line, lineOf(text, at));
          at += record.length;
        }
      },
    ),
  );
});

const csvField = fc
  .oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^["',\r\n a]{0,6}$/))
  .filter((s) => s.isWellFormed());
const csvText = (rows: readonly string[][], end: string): string =>
  rows
    .map((row) =>
      row
        .map((f) => (/[",\r\n]/.test(f) || f === "" || f.startsWith("\ufeff") ? `"${f.replaceAll('"', '""')}"` : f))
        .join(","),
    )
    .join(end);

test("rows: csv-parse reads the same out of CSV, in any pieces", () => {
  const rows = fc
    .integer({ min: 1, max: 4 })
    .chain((n) => fc.array(fc.array(csvField, { minLength: n, maxLength: n }), { minLength: 1, maxLength: 6 }));
  fc.assert(
    fc.property(rows, fc.constantFrom("\n", "\r\n"), fc.boolean(), sizes, (list, end, hasEnd, pieces) => {
      const text = csvText(list, end) + (hasEnd ? end : "");
      const found = split((from) => csvSplitter(from, rfc4180, "f"), text, pieces);
      const fields = found.map((f) => csvFields(f.text, rfc4180));
      assert.deepEqual(fields, parseCsv(text, { record_delimiter: end }));
      check(
        (from) => csvSplitter(from, rfc4180, "f"),
        text,
        found.map((f) => f.text),
        pieces,
      );
    }),
    { numRuns: 500 },
  );
});

test("a stray quote spoils its own row and not the next", () => {
  const text = 'a,b\n1,x"y\n"ab"c,5\n6,"7"\n';
  const rows = split((from) => csvSplitter(from, rfc4180, "f"), text, [3]).map((f) => csvFields(f.text, rfc4180));
  assert.deepEqual(rows, [
    ["a", "b"],
    'a quote stands inside field 2, which does not begin with one (with quote "none" a quote is text)',
    "text follows the closing quote of field 1",
    ["6", "7"],
  ]);
});

test("a quote that is never closed spoils what follows it, and says its line; the rows before it are sound", () => {
  const rows = split((from) => csvSplitter(from, rfc4180, "f.csv"), 'a,b\n1,2\n3,"4\n5,6\n', [4]);
  assert.deepEqual(
    rows.map(({ text, line }) => [text, line]),
    [
      ["a,b", 1],
      ["1,2", 2],
      ['3,"4\n5,6\n', 3],
    ],
  );
  assert.deepEqual(
    rows.map(({ fault }) => fault?.replace(/ and .*/s, "")),
    [undefined, undefined, "a quote opens a field on line 3"],
  );
});

test("rows know their lines, also behind a field of several", () => {
  const text = 'a,b\r\n\r\n"x\ny",1\r\n2,3\r\n';
  assert.deepEqual(
    split((from) => csvSplitter(from, rfc4180, "f"), text, [100]).map((f) => f.line),
    [1, 3, 5],
  );
});

const brokenArrays: [text: string, faults: [text: string, fault: boolean][]][] = [
  [
    "[1 2]",
    [
      ["1", false],
      ["2", true],
    ],
  ],
  [
    "[{},,{}]",
    [
      ["{}", false],
      ["", true],
      ["{}", false],
    ],
  ],
  [
    "[{},]",
    [
      ["{}", false],
      ["", true],
    ],
  ],
  [
    "[,{}]",
    [
      ["", true],
      ["{}", false],
    ],
  ],
  [
    '[{"a":},{"b":1}]',
    [
      ['{"a":}', false],
      ['{"b":1}', false],
    ],
  ],
  [
    '[}, {"b":1}]',
    [
      ["}", false],
      ['{"b":1}', false],
    ],
  ],
  [
    '[nonsense, "x"y, {"b":1}]',
    [
      ["nonsense", false],
      ['"x"', false],
      ["y", true],
      ['{"b":1}', false],
    ],
  ],
];

for (const [text, expected] of brokenArrays)
  test(`broken array ${text}`, () => {
    for (const size of [1, 2, 3, 100])
      assert.deepEqual(
        split((from) => elementSplitter(from, "f"), text, [size]).map((f) => [f.text, f.fault !== undefined]),
        expected,
      );
  });

const broken: [make: MakeSplitter, text: string, message: RegExp][] = [
  [(from) => elementSplitter(from, "f"), '[{"a":1}', /within an array/],
  [(from) => elementSplitter(from, "f"), '\n[{"a":1', /within the record that begins on line 2/],
  [(from) => elementSplitter(from, "f"), '[{"a":"1}]', /within the record/],
  [(from) => elementSplitter(from, "f"), '[{"a":[1},{"b":1}]', /within an array/],
  [(from) => elementSplitter(from, "f"), "a,b\n", /f:1: expected \{ or \[ .* found "a"/],
  [(from) => elementSplitter(from, "f"), "[]\n]", /f:2: expected the end of the file behind the array, found "\]"/],
  [(from) => elementSplitter(from, "f"), '[{"a":1}]\n[{"a":2}]', /f:2: expected the end of the file/],
  [(from) => elementSplitter(from, "f"), "[]{}", /expected the end of the file/],
  [(from) => elementSplitter(from, "f"), "{} []", /expected \{ to begin another object, found "\["/],
  [(from) => elementSplitter(from, "f"), "{},{}", /expected \{ to begin another object, found ","/],
  [(from) => elementSplitter(from, "f"), "[]\0", /found the byte 0x00/],
  [(from) => elementSplitter(from, "f"), "\v{}", /found the byte 0x0b/],
  [(from) => elementSplitter(from, "f"), "\u00a0{}", /found the byte 0xc2/],
  [(from) => pathSplitter(from, ["a"], "f"), '{"b":[]}', /there is nothing at a/],
  [(from) => pathSplitter(from, ["a"], "f"), '{"a":{}}', /at a is no array/],
  [(from) => pathSplitter(from, ["a", "b"], "f"), '{"a":[]}', /a is no object/],
  [(from) => pathSplitter(from, ["a"], "f"), "[]", /the document is no object/],
  [(from) => pathSplitter(from, ["a"], "f"), '{"a"', /ends before the array/],
  [(from) => pathSplitter(from, ["a"], "f"), '{"a":[{}', /within an array/],
  [(from) => pathSplitter(from, ["a"], "f"), "{a:[]}", /member's name/],
  [(from) => pathSplitter(from, ["a"], "f"), '{"a" []}', /colon/],
  [(from) => pathSplitter(from, ["a"], "f"), '{"a":[{}]', /ends within the object that holds the array/],
  [(from) => pathSplitter(from, ["a", "b"], "f"), '{"a":{"b":[{}]}', /ends within the object that holds the array/],
  [
    (from) => pathSplitter(from, ["a"], "f"),
    '{"a":[{}]}\n\0',
    /f:2: expected the end of the file, found the byte 0x00/,
  ],
  [(from) => pathSplitter(from, ["a"], "f"), '{"a":[{}],}', /member's name/],
  [(from) => pathSplitter(from, ["a"], "f"), '{,"a":[{}]}', /member's name/],
  [(from) => pathSplitter(from, ["a"], "f"), '{"x":[1,],"a":[{}]}', /expected a value, found "\]"/],
  [(from) => pathSplitter(from, ["a"], "f"), '{"x":01,"a":[{}]}', /expected a comma or \}/],
  [(from) => pathSplitter(from, ["a"], "f"), '{"a":[{}],"x":nul}', /true, false or null/],
  [(from) => pathSplitter(from, ["a"], "f"), '{"a":[{}],"x":{"a":[]},"a":[{}]}', /a comes twice/],
  [(from) => pathSplitter(from, ["a", "b"], "f"), '{"a":{"b":[{}]},"\\u0061":{"b":[{}]}}', /: a comes twice/],
  [(from) => pathSplitter(from, ["a", "b"], "f"), '{"a":{"b":[{}],"b":1}}', /a\.b comes twice/],
];

for (const [make, text, message] of broken)
  test(`refused: ${JSON.stringify(text)}`, () => {
    for (const size of [1, 2, 100]) assert.throws(() => split(make, text, [size]), { code: "BAD_SOURCE", message });
  });
