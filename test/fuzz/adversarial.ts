/** Text and bytes that parsers get wrong, made of random words. */

export function pick<T>(next: () => number, from: readonly T[]): T {
  return from[next() % from.length]!;
}

const numbers = [
  ..."0 -0 1 -1 00 01 -01 - -- +1 1. .1 0.0 -0.0 1.5 1e5 1E+5 1e-5 1e 1e+ 1.e5 0x1F 1e400 -1e400 5e-324 2.2250738585072014e-308".split(
    " ",
  ),
  ..."9007199254740993 18446744073709551616 0.1e1 1_000 Infinity -Infinity NaN 1a 0e0 123456789012345678901234567890.5".split(
    " ",
  ),
];
const strings = [
  ...[
    "",
    "a",
    "é",
    "€",
    "\u{1f600}",
    "\u2028",
    "\u0000",
    "\u001f",
    "\u007f",
    "\ufeff",
    '\\"',
    "\\\\",
    "\\/",
    "\\u0041",
  ],
  ...[
    "\\ud800",
    "\\udc00",
    "\\u12",
    "\\u12g4",
    "\\x41",
    "\\",
    "\\'",
    "\\\n",
    "\t",
    "\n",
    "\r",
    "a,b",
    '""',
    "__proto__",
  ],
];
const words = ["true", "false", "null", "tru", "True", "nulls", "undefined", "truefalse"];
const blanks = ["", "", "", "", " ", "\t", " \t ", "\r", "\n", "\u00a0", "\f"];

/** JSON, or nearly: sound in most places, so that what is behind a flaw is reached. */
export function nearlyJson(next: () => number, depth = 0): string {
  const blank = () => (next() % 8 === 0 ? pick(next, blanks) : "");
  const kind = next() % (depth > 5 ? 4 : 8);
  if (kind === 0) return blank() + (next() % 6 === 0 ? pick(next, numbers) : String((next() | 0) / 2 ** (next() % 40)));
  if (kind === 1) return blank() + (next() % 10 === 0 ? pick(next, words) : pick(next, words.slice(0, 3)));
  if (kind < 4) return blank() + nearlyString(next);
  const count = next() % 5;
  const items: string[] = [];
  for (let i = 0; i < count; i++) {
    const item = nearlyJson(next, depth + 1) + blank();
    items.push(kind < 6 ? item : `${blank()}${nearlyString(next)}${blank()}:${item}`);
  }
  const inner = items.join(next() % 60 === 0 ? pick(next, [",,", ";", ""]) : ",") + blank();
  return kind < 6 ? `[${inner}]` : `{${inner}}`;
}

function nearlyString(next: () => number): string {
  let text = "";
  for (let i = next() % 4; i > 0; i--)
    text += next() % 12 === 0 ? pick(next, strings) : pick(next, strings.slice(0, 6)).repeat(next() % 30);
  return `"${text}"`;
}

/** Arrays and objects in each other, about as deep as is allowed, or far deeper; sometimes not closed. */
export function deep(next: () => number): string {
  const depth = next() % 8 === 0 ? next() % 20_000 : 1_018 + (next() % 12);
  const isObject = Array.from({ length: depth }, () => next() % 2 === 0);
  const left = next() % 4 === 0 ? next() % 3 : 0;
  const closing = isObject.map((one) => (one ? "}" : "]")).reverse();
  return `${isObject.map((one) => (one ? '{"a":' : "[")).join("")}1${closing.slice(left).join("")}`;
}

const fields = [
  ...[
    "",
    "a",
    "0",
    "é€",
    "\u{1f600}",
    " ",
    "\t",
    "\u0000",
    "\ufeff",
    '"',
    '""',
    '"a"',
    '"a,b"',
    '"two\nlines"',
    '"a\r\nb"',
  ],
  ...['a"b', '"a"b', '"a" ', ' "a"', '"open', "cr\rcr", "\r", '"""', '""""', '"a""b"', "'a'", "\\,", "x".repeat(70)],
];

/** Rows of CSV, or nearly, with the right number of fields in most. */
export function nearlyCsv(next: () => number, columns: number): string {
  let text = "";
  for (let rows = next() % 8; rows > 0; rows--) {
    const width = next() % 6 === 0 ? 1 + (next() % (columns + 2)) : columns;
    const row: string[] = [];
    for (let i = 0; i < width; i++)
      row.push(next() % 4 === 0 ? pick(next, fields) : pick(next, fields.slice(0, 5)).repeat(next() % 20));
    text += row.join(",") + pick(next, ["\n", "\n", "\n", "\r\n", "\n\n", "\r\n\r\n", "\r"]);
  }
  return text;
}

/** A few bytes of it changed, taken out, put in, doubled, or the end cut off. */
export function spoiled(next: () => number, bytes: Uint8Array): Uint8Array {
  let out = Buffer.from(bytes);
  for (let flaws = next() % 4; flaws > 0; flaws--) {
    const at = next() % (out.length + 1);
    const [before, after] = [out.subarray(0, at), out.subarray(at)];
    const kind = next() % 5;
    if (kind === 0) out = Buffer.concat([before, Buffer.of(next() & 0xff), after.subarray(1)]);
    else if (kind === 1) out = Buffer.concat([before, Buffer.from(pick(next, inserts)), after]);
    else if (kind === 2) out = Buffer.concat([before, after.subarray(1 + (next() % 3))]);
    else if (kind === 3) out = Buffer.concat([before, out.subarray(next() % (at + 1), at), after]);
    else if (next() % 4 === 0) out = before;
  }
  return out;
}

const inserts: (string | number[])[] = [
  ...[
    '"',
    '""',
    ",",
    "\n",
    "\r",
    "\r\n",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ":",
    " ",
    "\t",
    "\u0000",
    "\ufeff",
    "é",
    "\u{1f600}",
  ],
  // No UTF-8: lone and missing continuations, overlong forms, a half of a pair, past the last character.
  ...[
    [0x80],
    [0xc3],
    [0xe2, 0x82],
    [0xc0, 0xaf],
    [0xe0, 0x80, 0xaf],
    [0xed, 0xa0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xff],
  ],
];

/** Pieces of any size, as a stream would give them. */
export function* piecesOf(next: () => number, bytes: Uint8Array): Generator<Uint8Array> {
  // Of long input not byte by byte: the rest of a row is looked at anew with each piece.
  const most = Math.max(pick(next, [1, 3, 40, 1_000, 100_000]), bytes.length >> 8);
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + (next() % most);
    yield bytes.subarray(at, at + length);
    at += length;
  }
}
