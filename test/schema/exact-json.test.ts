import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseExactly } from "../../src/schema/exact-json.ts";
import { ExactNumber, stringifyExactly } from "../../src/schema/exact-number.ts";

const parseDynamic = (text: string) => parseExactly(text, -1);

/** A number of JSON by its parts, so that its value is known without reading its text. */
interface Spelled {
  readonly text: string;
  readonly digits: bigint;
  readonly exponent: number;
}

const spelled: fc.Arbitrary<Spelled> = fc
  .record({
    isNegative: fc.boolean(),
    digits: fc.bigInt({ min: 0n, max: 10n ** 40n }),
    places: fc.integer({ min: 0, max: 45 }),
    exponent: fc.option(fc.oneof(fc.integer({ min: -30, max: 30 }), fc.integer({ min: -420, max: 420 }))),
    letter: fc.constantFrom("e", "E", "e+"),
  })
  .map(({ isNegative, digits, places, exponent, letter }) => {
    const padded = String(digits).padStart(places + 1, "0");
    const whole = padded.slice(0, padded.length - places);
    const fraction = places > 0 ? `.${padded.slice(-places)}` : "";
    const power = exponent === null ? "" : exponent < 0 ? `e${exponent}` : `${letter}${exponent}`;
    const text = `${isNegative ? "-" : ""}${whole}${fraction}${power}`;
    return { text, digits: isNegative ? -digits : digits, exponent: (exponent ?? 0) - places };
  });

function sameValue(text: string, { digits, exponent }: Spelled): boolean {
  const [, sign, whole = "", fraction = "", power = "0"] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)!;
  const left = BigInt(sign + whole + fraction);
  const leftExponent = Number(power) - fraction.length;
  const least = Math.min(leftExponent, exponent);
  return left * 10n ** BigInt(leftExponent - least) === digits * 10n ** BigInt(exponent - least);
}

test("every number keeps its value, wherever it stands", () => {
  fc.assert(
    fc.property(spelled, (number) => {
      const { text } = number;
      const written = stringifyExactly(parseDynamic(`{"a":[${text},{"b":${text}}],"c":${text}}`))!;
      const found = /^\{"a":\[(.*?),\{"b":(.*?)\}\],"c":(.*?)\}$/.exec(written);
      assert.ok(found, written);
      for (const each of found.slice(1)) assert.ok(sameValue(each, number), `${text} became ${each}`);
      const { n } = parseExactly(`{"n":${text}}`) as { n: number | bigint | ExactNumber };
      assert.ok(sameValue(String(n), number), `${text} became ${n}`);
    }),
    { numRuns: 2_000 },
  );
});

test("what a double holds stays a number, also where its text has many digits", () => {
  for (const text of ["0.1", "-0", "1e22", "123456789012345", "1.0000000000000000000", "1e-300", "5e-324", "-1E+100"])
    assert.equal(parseDynamic(text), JSON.parse(text), text);
  assert.ok(Object.is(parseDynamic("-0.00000000000000000000"), -0));
});

test("members of the record become bigints where they are integers; others and longer ones are exact numbers", () => {
  const record = parseExactly('{"a":9007199254740993,"b":[9007199254740993],"c":0.10000000000000000001,"d":1e400}') as {
    [name: string]: unknown;
  };
  assert.equal(record.a, 9007199254740993n);
  for (const value of [(record.b as unknown[])[0], record.c, record.d]) assert.ok(value instanceof ExactNumber);
  assert.equal(`${record.d}`, "1e400");
  assert.equal(Number(record.c), 0.1);
  const { n } = parseExactly(`{"n":1${"0".repeat(50)}1}`) as { n: ExactNumber };
  assert.equal(n.text, `1${"0".repeat(50)}1`);
});

test("texts that look like numbers, names and broken JSON are what JSON.parse makes of them", () => {
  const texts = [
    '{"12345678901234567.89":"12345678901234567.89 \\" 1e400","1e999":"\\\\","__proto__":{"a":1e2},"a":1,"a":2}',
    '["9e107d9d372bb6826bd81d3542a419d6","2024.01.02.03.04.05.06"]',
  ];
  for (const text of texts) {
    assert.deepEqual(parseExactly(text), JSON.parse(text));
    // Beside a number that is kept.
    assert.deepEqual((parseDynamic(`[${text},12345678901234567.89]`) as unknown[])[0], JSON.parse(text));
  }
  const own = parseExactly('{"__proto__":12345678901234567890}') as object;
  assert.equal(Object.getPrototypeOf(own), Object.prototype);
  assert.ok(Object.hasOwn(own, "__proto__"));
  for (const broken of ['{"a":12345678901234567.89', '{"a":01234567890123456789}', '{"a":1234567890123456.}'])
    assert.throws(() => parseExactly(broken), SyntaxError);
});

test("megabytes of digits, of text and of depth take a time in proportion, or are refused", () => {
  const many = 1_000_000;
  const digits = `1${"0".repeat(many)}1`;
  assert.equal((parseExactly(`{"n":${digits}}`) as { n: ExactNumber }).n.text, digits);
  const text = 'a"'.repeat(many);
  const record = parseExactly(`{"s":${JSON.stringify(text)},"n":12345678901234567.89}`) as {
    s: string;
    n: ExactNumber;
  };
  assert.equal(record.s, text);
  assert.equal(record.n.text, "12345678901234567.89");
  assert.throws(() => parseExactly(`{"a":${"[".repeat(many)}1e400${"]".repeat(many)}}`), RangeError);
});

test("stringifyExactly writes what JSON.stringify writes, and the digits", () => {
  const value = { a: new ExactNumber("1e400"), b: [1, "x", null], c: undefined };
  assert.equal(stringifyExactly(value), '{"a":1e400,"b":[1,"x",null]}');
  assert.equal(stringifyExactly(undefined), undefined);
  // A toJSON() that makes its text itself, or a copy by way of text.
  const number = new ExactNumber("12345678901234567.89");
  assert.equal(stringifyExactly({ toJSON: () => JSON.stringify({ number }) }), '"{\\"number\\":12345678901234567.89}"');
  assert.equal(
    stringifyExactly({ toJSON: () => JSON.parse(JSON.stringify([number])) as unknown }),
    "[12345678901234567.89]",
  );
  const fault = {
    toJSON(): never {
      throw new Error("no");
    },
  };
  assert.throws(() => stringifyExactly([number, fault]), /no/);
  assert.ok(!JSON.stringify([number]).includes("~"));
});
