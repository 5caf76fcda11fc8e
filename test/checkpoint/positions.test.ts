import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { copyPosition, copyPositions, noSizes, sizesOf } from "../../src/checkpoint/positions.ts";
import { MillraceError } from "../../src/errors.ts";

const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000);

function copy(position: unknown): unknown {
  return copyPositions("checkpoint()", { p: position }).p;
}

function refusal(position: unknown): MillraceError {
  try {
    copy(position);
  } catch (error) {
    assert.ok(error instanceof MillraceError, String(error));
    assert.equal(error.code, "BAD_OPTION");
    assert.match(error.message, /^checkpoint\(\): the position of partition "p" /);
    assert.equal(error.context.partition, "p");
    return error;
  }
  return assert.fail("it was taken");
}

class Offset {
  readonly value = 1;
}

class Offsets extends Array<number> {}

const cycle: { next: unknown[] } = { next: [] };
cycle.next.push(cycle);
const hole: unknown[] = [1];
hole[2] = 3;
const throwing = {
  get offset() {
    throw new Error("no offset yet");
  },
};
const hidden = Object.defineProperty({ a: 1 }, "b", { value: 2 });

/** A position, where in it the fault lies, and what is quoted. */
const refused: readonly (readonly [string, unknown, string, string | RegExp | undefined])[] = [
  ["a bigint", 10n, "", "10n"],
  ["a bigint inside", { a: [1, { "b c": 10n }] }, '.a[1]["b c"]', "10n"],
  ["NaN", { offset: Number.NaN }, ".offset", "NaN"],
  ["infinity", [Number.NEGATIVE_INFINITY], "[0]", "-Infinity"],
  ["-0", { n: -0 }, ".n", "-0"],
  ["undefined", undefined, "", "undefined"],
  ["undefined inside", { a: 1, b: undefined }, ".b", "undefined"],
  ["undefined in an array", [undefined], "[0]", "undefined"],
  ["a function", { f() {} }, ".f", /^f\(\)/],
  ["a toJSON", { toJSON: () => 1 }, "", "1"],
  ["a symbol", { s: Symbol("s") }, ".s", "Symbol(s)"],
  ["a member by a symbol", { a: 1, [Symbol("s")]: 1 }, "", undefined],
  ["a hidden member", hidden, "", undefined],
  ["a Date", { at: new Date(0) }, ".at", "1970-01-01T00:00:00.000Z"],
  ["a Map", new Map([[1, 2]]), "", undefined],
  ["a Set", { set: new Set([1]) }, ".set", undefined],
  ["bytes", { bytes: new Uint8Array([1]) }, ".bytes", undefined],
  ["a Buffer", Buffer.from("a"), "", undefined],
  ["an ArrayBuffer", new ArrayBuffer(1), "", undefined],
  ["an instance of a class", { o: new Offset() }, ".o", undefined],
  ["an array of a class", Offsets.from([1, 2]), "", undefined],
  ["an object that inherits", Object.create({ offset: 1 }), "", undefined],
  ["a boxed number", { n: Object(1) }, ".n", undefined],
  ["an error", new Error("e"), "", undefined],
  ["a regular expression", /a/, "", undefined],
  ["a promise", Promise.resolve(1), "", undefined],
  ["a cycle", cycle, ".next[0]", undefined],
  ["holes", { list: hole }, ".list", undefined],
  ["an array with members", Object.assign([1], { more: 2 }), "", undefined],
  ["a getter that throws", { at: throwing }, ".at.offset", undefined],
  ["Math", { m: Math }, ".m", undefined],
];

for (const [name, position, path, value] of refused)
  test(`refused by name: ${name}`, () => {
    const { context, message } = refusal(position);
    assert.equal(context.path, path);
    if (typeof value === "string") assert.equal(context.value, value);
    if (value instanceof RegExp) assert.match(String(context.value), value);
    assert.ok(message.includes(path), message);
    assert.ok(!message.includes("\n"), message);
  });

test("what a getter threw is the cause", () => {
  assert.match(refusal(throwing).message, /no offset yet/);
  assert.equal((refusal(throwing).cause as Error).message, "no offset yet");
});

test("plain JSON is taken, to the value", () => {
  const taken = [null, true, 0, -1.5, 5e-324, 2 ** 53, "", "a\u0000\n\ud800", [], {}, [[{ a: [null] }]]];
  for (const position of taken) assert.deepEqual(copy(position), position);
  const shared = { at: 1 };
  assert.deepEqual(copy([shared, shared]), [{ at: 1 }, { at: 1 }], "twice the same object is no cycle");
  assert.deepEqual(copy(Object.assign(Object.create(null), { a: 1 })), { a: 1 });
  assert.deepEqual(copy(runInNewContext('({ a: [1, { b: "c" }] })')), { a: [1, { b: "c" }] }, "of another realm");
});

test("a member and a partition may be called __proto__", () => {
  const text = '{"__proto__":{"__proto__":[1]},"constructor":2}';
  const positions = copyPositions("checkpoint()", JSON.parse(text));
  assert.equal(JSON.stringify(positions), text);
  assert.equal(Object.getPrototypeOf(positions), Object.prototype);
});

test("a proxy is read once", () => {
  const reads: unknown[] = [];
  const handler = {
    get(target: object, key: string | symbol) {
      if (key === "offset") reads.push(key);
      return Reflect.get(target, key);
    },
  };
  assert.deepEqual(copy(new Proxy({ offset: 4 }, handler)), { offset: 4 });
  assert.deepEqual(reads, ["offset"]);
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  refusal({ proxy });
});

test("a copy has nothing of the caller's object", () => {
  const given = { p: { list: [{ at: 1 }] } };
  const taken = copyPositions("checkpoint()", given);
  given.p.list[0]!.at = 2;
  given.p.list.push({ at: 3 });
  assert.deepEqual(taken, { p: { list: [{ at: 1 }] } });
});

test("depth is bounded", () => {
  const nested = (levels: number) => {
    let value: unknown = 1;
    for (let i = 0; i < levels; i++) value = [value];
    return value;
  };
  assert.deepEqual(copy(nested(64)), nested(64));
  assert.match(refusal(nested(65)).message, /deeper than 64 levels/);
  refusal(nested(100_000));
});

test("size is bounded: of one position, of one call, and of what is stored already", () => {
  const mebibyte = "x".repeat(1024 * 1024);
  assert.match(refusal("x".repeat(65 * 1024 * 1024)).message, /too long/);
  assert.match(refusal(Array.from({ length: 65 }, () => mebibyte)).message, /over 67108864 bytes/);
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, mebibyte]));
  assert.throws(() => copyPositions("checkpoint()", many(64)), { code: "BAD_OPTION", message: /limit is 67108864/ });

  const sizes = noSizes();
  copyPositions("checkpoint()", many(40), sizes);
  copyPositions("checkpoint()", many(40), sizes); // the same partitions again
  const before = sizes.total;
  const more = Object.fromEntries(Object.entries(many(40)).map(([name, position]) => [`more ${name}`, position]));
  assert.throws(() => copyPositions("checkpoint()", more, sizes), { code: "BAD_OPTION" });
  assert.equal(sizes.total, before, "what was refused is not counted");
});

test("sizes are those of JSON", () => {
  const positions = { a: { list: [1, "é", null], "": {} }, "b\n": -1.25 };
  const sizes = noSizes();
  copyPositions("checkpoint()", positions, sizes);
  const json = Buffer.byteLength(JSON.stringify(positions));
  assert.ok(sizes.total >= json - 10 && sizes.total <= json + 10, `${sizes.total} for ${json}`);
  assert.ok(Math.abs(sizesOf(positions).total - json) <= 10);
});

test("positions are an object by partition", () => {
  for (const given of [null, 5, "p", [1], new Map([["p", 1]]), () => 1])
    assert.throws(() => copyPositions("checkpoint()", given), {
      code: "BAD_OPTION",
      message: /positions by partition/,
    });
  assert.throws(() => copyPosition("run()", 5 as unknown as string, 1), {
    code: "BAD_OPTION",
    message: /partition is 5/,
  });
});

test(`whatever is given: taken exactly where JSON gives it back the same (seed ${seed})`, () => {
  const anything = fc.anything({
    key: fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "toJSON", "length")),
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
    withUnicodeString: true,
  } as fc.ObjectConstraints);
  const counts = { taken: 0, refused: 0 };
  fc.assert(
    fc.property(fc.oneof(anything, fc.jsonValue()), (value) => {
      let taken: unknown;
      let isTaken = true;
      try {
        taken = copy(value);
      } catch (error) {
        assert.ok(error instanceof MillraceError && error.code === "BAD_OPTION", String(error));
        isTaken = false;
      }
      assert.equal(isTaken, isKeptByJson(value));
      counts[isTaken ? "taken" : "refused"]++;
      if (isTaken) assert.deepEqual(taken, value);
    }),
    { seed, numRuns: 5_000 },
  );
  assert.ok(counts.taken > 500 && counts.refused > 500, JSON.stringify(counts));
});

function isKeptByJson(value: unknown): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(JSON.stringify(value)), value);
  } catch {
    return false;
  }
}
