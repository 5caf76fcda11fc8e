import fc from "fast-check";
import { type Kind, kinds } from "../../src/schema/kinds.ts";
import { type NamedColumn, tableOf } from "../../src/schema/table.ts";

const lastTick = 3_155_378_975_999_999_999n;

/** Texts with all that a row format must not stumble over, short and long, well-formed. */
export const text = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    '"',
    '""',
    ",",
    "\r",
    "\n",
    "\r\n",
    "\\",
    "\0",
    "\u0001\u001f\u007f",
    "\b\t\f",
    "\ufeff",
    "\ufeffid",
    "id\ufeff",
    "\u0085x",
    "x\u0085",
    "\u00a0x",
    "x\u3000",
    "x\u2028",
    "\u1680",
    "x\u2009",
    "x\u205f",
    "\u202fx",
    "é",
    "x\u0142",
    "\u{1f600}",
    "a,b",
    'say "hi"',
    "true",
    "null",
    "{}",
    "0123456789abcde,",
    "0123456789abcdef",
    "0123456789abcdef,",
    '0123456789abcdef"0123456789abcdef"',
    "\u{1f600}".repeat(9),
    "aaaaaaaaaaaaaaa\u{1f600}",
    "aaaaaaaaaaaaaaé",
  ),
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: "binary" }),
  fc.string({ unit: "binary-ascii", maxLength: 70 }),
  fc.string({ unit: fc.constantFrom('"', ",", "\n", "\\", "a", "é", "\u{1f600}", " ", "\t"), maxLength: 60 }),
);

export const real = fc.oneof(
  fc.constantFrom(
    0,
    -0,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    5e-324,
    Number.MAX_VALUE,
    1e21,
    1e-7,
    0.1,
    2 ** 53,
  ),
  fc.double(),
  fc.integer(),
);

const long64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

const decimalDigits = fc
  .tuple(
    fc.constantFrom("", "-", "+"),
    fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength: 17 }),
    fc.option(fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength: 17 })),
    fc.option(fc.integer({ min: -60, max: 60 })),
  )
  .map(([sign, whole, part, e]) => `${sign}${whole}${part === null ? "" : `.${part}`}${e === null ? "" : `e${e}`}`);

const json = fc.oneof(
  fc.jsonValue({ stringUnit: "binary" }).filter((value) => value !== null),
  fc.constant(JSON.parse(`${"[".repeat(200)}1${"]".repeat(200)}`)),
  fc.constantFrom({ a: "\ud83d" }, { "\ude00": [1, null] }, "text", { u: undefined }),
);

/** Values that each kind must take. */
export const valueOfKind: Readonly<Record<Kind, fc.Arbitrary<unknown>>> = {
  bool: fc.boolean(),
  datetime: fc.oneof(
    fc.date({ noInvalidDate: true, min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59.999Z") }),
    fc.bigInt({ min: 0n, max: lastTick }),
    fc.constantFrom(0n, lastTick, 0, -0.5, 1e12 + 0.1234, "0001-01-01", "9999-12-31T23:59:59.9999999Z", "1969-12-31"),
    fc.double({ min: -62_135_596_800_000, max: 253_402_300_799_998, noNaN: true }),
  ),
  decimal: fc.oneof(
    decimalDigits,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.bigInt({ min: -(10n ** 34n) + 1n, max: 10n ** 34n - 1n }),
  ),
  dynamic: json,
  guid: fc.oneof(
    fc.uuid(),
    fc.uuid().map((id) => id.toUpperCase()),
  ),
  int: fc.oneof(
    fc.integer(),
    fc.constantFrom(-0, 2 ** 31 - 1, -(2 ** 31)),
    fc.integer().map((n) => BigInt(n)),
  ),
  long: fc.oneof(
    fc.maxSafeInteger(),
    long64,
    fc.constantFrom(2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n, -0, -1, -4_294_967_296, 4_294_967_295),
  ),
  real,
  string: text,
  timespan: fc.oneof(
    long64,
    fc.double({ min: -922_337_203_685_476, max: 922_337_203_685_476, noNaN: true }),
    fc.constantFrom(0, -1, -0.0001, "00:00:00", "-1.02:03:04.0000001", "10675199.02:48:05.4775807", -(2n ** 63n)),
  ),
};

const column = fc.tuple(fc.constantFrom(...kinds), fc.boolean());

/** Names that are no trouble for a table and some for a format: quotes, non-ASCII, members of every object. */
const names = ["id", 'a"b', "naïve", "toString", "constructor", "__proto__", "x y", "back\\slash", "\u{1f600}"];

export interface TableAndRecords {
  readonly table: { readonly name: string; readonly list: readonly NamedColumn[] };
  readonly records: readonly Readonly<Record<string, unknown>>[];
}

/** A table of any kinds and up to 40 columns (more than one word of null bits), and records that fit it. */
export const tableAndRecords: fc.Arbitrary<TableAndRecords> = fc
  .oneof(
    { weight: 9, arbitrary: fc.array(column, { minLength: 1, maxLength: 12 }) },
    { weight: 1, arbitrary: fc.array(column, { minLength: 30, maxLength: 40 }) },
  )
  .chain((columns) => {
    const list = columns.map(([kind, isOptional], i) => ({ name: names[i] ?? `c${i}`, kind, isOptional }));
    const record = fc
      .tuple(
        ...list.map(({ kind, isOptional }) =>
          isOptional ? fc.option(valueOfKind[kind], { nil: undefined, freq: 3 }) : valueOfKind[kind],
        ),
      )
      .map((values) => recordOf(list, values));
    return fc.record({ table: fc.constant(tableOf("Any", list)), records: fc.array(record, { maxLength: 30 }) });
  });

/** Made with defineProperty, so that a column may be named `__proto__`. */
export function recordOf(list: readonly NamedColumn[], values: readonly unknown[]): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  list.forEach(({ name }, i) => {
    if (values[i] !== undefined)
      Object.defineProperty(record, name, { value: values[i], enumerable: true, configurable: true, writable: true });
  });
  return record;
}

/** A text with a few of its characters taken out, doubled, or replaced by others that matter. */
export function mutated(text: string): fc.Arbitrary<string> {
  const change = fc.record({
    at: fc.nat({ max: text.length }),
    gone: fc.integer({ min: 0, max: 2 }),
    put: fc.constantFrom(
      "",
      '"',
      ",",
      "\n",
      "\r\n",
      "\\",
      "{",
      "}",
      "[",
      "]",
      ":",
      "0",
      "e",
      ".",
      "-",
      " ",
      "\u0001",
      "x",
    ),
  });
  return fc.array(change, { minLength: 1, maxLength: 3 }).map((changes) => {
    let result = text;
    for (const { at, gone, put } of changes) result = result.slice(0, at) + put + result.slice(at + gone);
    return result;
  });
}

/** What raw rows begin with, hold and end with, in CSV and in NDJSON. */
const bits = fc.constantFrom(
  ...'"""""",,,,\n\n\n\r{}[]:0123e.- \tx\\',
  "\r\n",
  '""',
  '"a"',
  '"a",',
  '{"a":1}',
  '{"a":"\\u00e9"}\n',
  "{}",
  "é",
  "€",
  "\u{1f600}",
  "0123456789abcdef",
  "0123456789abcdef0123456789abcde\n",
);

/** Bytes that are rows, nearly rows, or nothing of the kind. */
export const garbage = fc.oneof(
  fc.array(bits, { maxLength: 60 }).map((list) => new TextEncoder().encode(list.join(""))),
  fc.uint8Array({ maxLength: 200 }),
  fc
    .tuple(fc.array(bits, { maxLength: 40 }), fc.nat(40), fc.nat(255))
    .map(([list, at, byte]) => new TextEncoder().encode(list.join("")).map((b, i) => (i === at ? byte : b))),
);
