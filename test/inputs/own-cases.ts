import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { InputFile } from "./check-file.ts";

/** A text of CSV: its rows, in order of their lines, and why some are rejected. */
interface CsvCase {
  readonly text: string | Uint8Array;
  readonly rows: readonly (readonly [line: number, ...fields: string[]])[];
  readonly rejected?: Readonly<Record<number, string>>;
}

const long = "x".repeat(200_000);
const wide = Array.from({ length: 300 }, (_, i) => `c${i}`);

/**
 * What readers of CSV are known to fail at. We wrote the cases; the facts are those of RFC 4180 and of what the test suites of
 * uniVocity-parsers, PapaParse and csv-parse look at. The suites of PapaParse are run as they are, see csv-suites.ts.
 */
const csvCases: Readonly<Record<string, CsvCase>> = {
  "doubled quotes": { text: 'a,b\n"x""y","""z"""\n', rows: [[2, 'x"y', '"z"']] },
  "line ends within quotes": {
    text: 'a,b\r\n"1\r\n2\n3\r4",x\r\n5,6\r\n',
    rows: [
      [2, "1\r\n2\n3\r4", "x"],
      [5, "5", "6"],
    ],
  },
  "white space belongs to the field": {
    text: 'a,b\n x ,\ty\t\n" z "," "\n',
    rows: [
      [2, " x ", "\ty\t"],
      [3, " z ", " "],
    ],
  },
  "an empty field, quoted or not": {
    text: 'a,b,c\n,"",\n"",x,""\n',
    rows: [
      [2, "", "", ""],
      [3, "", "x", ""],
    ],
  },
  "the last row has no line end": {
    text: "a,b\n1,2\n3,4",
    rows: [
      [2, "1", "2"],
      [3, "3", "4"],
    ],
  },
  "the last field is empty at the end": { text: "a,b\n1,", rows: [[2, "1", ""]] },
  "the last field is quoted at the end": { text: 'a,b\n1,"2"', rows: [[2, "1", "2"]] },
  "a delimiter too many": { text: "a,b\n1,2,\n3,4\n", rows: [[3, "3", "4"]], rejected: { 2: "width" } },
  "a delimiter too few": { text: "a,b\n1\n3,4\n", rows: [[3, "3", "4"]], rejected: { 2: "width" } },
  "nothing but delimiters": {
    text: "a,b,c\n,,\n1,,\n",
    rows: [
      [2, "", "", ""],
      [3, "1", "", ""],
    ],
  },
  "blank lines": {
    text: "a,b\n\n1,2\n\r\n\n3,4\n\n",
    rows: [
      [3, "1", "2"],
      [6, "3", "4"],
    ],
  },
  "mixed line ends": {
    text: "a,b\r\n1,2\n3,4\r\n5,6",
    rows: [
      [2, "1", "2"],
      [3, "3", "4"],
      [4, "5", "6"],
    ],
  },
  "a quote within a plain field": { text: 'a,b\n1"2,3\n4,5\n', rows: [[3, "4", "5"]], rejected: { 2: "quote" } },
  "text behind a closing quote": { text: 'a,b\n"1"2,3\n4,5\n', rows: [[3, "4", "5"]], rejected: { 2: "quote" } },
  "a space before a quote": {
    text: 'a,b\n1, "2"\n4,5\n',
    rows: [
      [2, "1", "2"],
      [3, "4", "5"],
    ],
  },
  "carriage returns alone": {
    text: "a,b\r1,2\r3,4\r",
    rows: [
      [2, "1", "2"],
      [3, "3", "4"],
    ],
  },
  "a backslash escapes nothing": {
    text: 'a,b\n"1\\",2\\\n\\n,\\t\n',
    rows: [
      [2, "1\\", "2\\"],
      [3, "\\n", "\\t"],
    ],
  },
  "apostrophes quote nothing": { text: "a,b\n'1,2'\n", rows: [[2, "'1", "2'"]] },
  "signs that are data": {
    text: "a,b\n#1,=1+1\n-- ,@x\n",
    rows: [
      [2, "#1", "=1+1"],
      [3, "-- ", "@x"],
    ],
  },
  "null bytes and controls": {
    text: "a,b\n\0x\0,\u0001\u001f\u007f\n\v,\f\n",
    rows: [
      [2, "\0x\0", "\u0001\u001f\u007f"],
      [3, "\v", "\f"],
    ],
  },
  "line ends of Unicode are data": {
    text: "a,b\n\u2028,\u2029\n\u0085,\u00a0\n",
    rows: [
      [2, "\u2028", "\u2029"],
      [3, "\u0085", "\u00a0"],
    ],
  },
  "a byte order mark, one within a row, and one before a row": {
    text: "\ufeffa,b\n\ufeff1,2\n3,4\ufeff\n",
    rows: [[3, "3", "4\ufeff"]],
    rejected: { 2: "a byte order mark, as where files were put together" },
  },
  "every plane of Unicode": {
    text: "a,b\né,\u4e2d\n\u{1f600},\u{10ffff}\ue000\ufffd\n",
    rows: [
      [2, "é", "\u4e2d"],
      [3, "\u{1f600}", "\u{10ffff}\ue000\ufffd"],
    ],
  },
  "bytes that are not UTF-8": {
    text: Buffer.from("a,b\n\xe9,1\n2,3\n\xc0\xaf,4\n\xed\xa0\x80,5\n6,7\n", "latin1"),
    rows: [
      [3, "2", "3"],
      [6, "6", "7"],
    ],
    rejected: { 2: "UTF-8", 4: "UTF-8", 5: "UTF-8" },
  },
  "a long field": {
    text: `a,b\n"${long}",${long}\n1,2\n`,
    rows: [
      [2, long, long],
      [3, "1", "2"],
    ],
  },
  "many columns": { text: `${wide.join(",")}\n${wide.join(",")}\n`, rows: [[2, ...wide]] },
  "a header of quotes, line ends and names twice": {
    text: '"a\n""b""",a b,,x,x\n1,2,3,4,5\n',
    rows: [[3, "1", "2", "3", "4", "5"]],
  },
  "names of every object's members": {
    text: "constructor,toString,__proto__,valueOf\n1,2,3,4\n",
    rows: [[2, "1", "2", "3", "4"]],
  },
  "names like numbers": {
    text: "b,2001,a,0,1999\n1,2,3,4,5\n6,7,8,9,10\n",
    rows: [
      [2, "1", "2", "3", "4", "5"],
      [3, "6", "7", "8", "9", "10"],
    ],
  },
};

/** Texts that have no rows: all of it is refused. */
const refusedCsv: Readonly<Record<string, string>> = {
  "a quote that is not closed": 'a,b\n1,"2\n3,4\n',
  "a header with a quote astray": 'a,b"c\n1,2\n',
};

/** Compared with lossless-json and DuckDB, as real files are. */
const jsonCases: Readonly<Record<string, string>> = {
  "members that are missing.json": '[{"constructor":"x","a":1},{"a":2},{"toString":3}]',
  "members of one name.json": '[{"a":1,"a":2},{"a":3}]',
  "integers.ndjson":
    '{"n":9007199254740993,"m":1}\n{"n":-9223372036854775808,"m":-2147483648}\n{"n":9223372036854775807}\n',
  "numbers.ndjson": '{"n":1.0,"m":-0.0}\n{"n":1e-7,"m":1E400000000}\n{"n":5e-324,"m":0.1}\n'.replace(
    "1E400000000",
    "1e308",
  ),
  "texts.json": '[{"t":"\\u0000\\ud83d\\ude00\\/\\b\\f\\n\\r\\t\\"\\\\"},{"t":""},{"t":null},{}]',
  "times.ndjson":
    '{"t":"2024-02-29T23:59:59.1234567Z"}\n{"t":"0001-01-01"}\n{"t":"9999-12-31 23:59:59.9999999+00:00"}\n{"t":"2024-01-01T00:00:00-08:00"}\n',
  "mixtures.json": '[{"m":1,"d":[]},{"m":"1.0","d":{"a":[null,{"b":-1.5e3}]}},{"m":true,"d":"[1]"},{"m":1.0,"d":0}]',
  "an empty object.json": '[{"a":1},{},{"a":null}]',
  "deep.json": `[{"d":${"[".repeat(500)}${"]".repeat(500)}}]`,
  "broken lines.ndjson": '{"a":1}\n{"a":2,}\nnull\n[1]\n\n{"a":3}\n"x"\n{"a":4} {"a":5}\n',
  "names.json": '[{"a b":1,"a.b":2,"ü":3,"$x":4,"x]":5,"2001":6,"":7,"a\\"b":8}]',
};

export function ownCases(folder: string): InputFile[] {
  const write = (name: string, content: string | Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  return [
    ...Object.entries(csvCases).map(([name, { text, rows, rejected = {} }]): InputFile => {
      const sound = rows.map(([line, ...value]) => ({ line, value }));
      const faulty = Object.entries(rejected).map(([line, fault]) => ({ line: Number(line), value: [], fault }));
      return { name: `csv:own/${name}`, path: write(`${name}.csv`, text), rows: [...sound, ...faulty], isText: true };
    }),
    ...Object.entries(refusedCsv).map(([name, text]): InputFile => {
      const whole = [/./, name] as const;
      return { name: `csv:own/${name}`, path: write(`${name}.csv`, text), rows: [], forgiven: [whole], isBroken: true };
    }),
    {
      name: "json:own/documents one after another",
      path: write("documents one after another.json", '{"a":1} {"a":2}\n\n{"a":\n3}\t{"b":[{}]}'),
      sameAs: '{"a":1}\n{"a":2}\n{"a":3}\n{"b":[{}]}',
    },
    ...Object.entries(jsonCases).map(([name, text]) => ({ name: `json:own/${name}`, path: write(name, text) })),
  ];
}
