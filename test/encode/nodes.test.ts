import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { encoder } from "../../src/encode/choose-encoder.ts";
import type { Chunk } from "../../src/encode/chunk.ts";
import { jsEncoder } from "../../src/encode/js-encoder.ts";
import { compilePacker } from "../../src/encode/packer.ts";
import type { RowFormat } from "../../src/encode/row-format.ts";
import { embeddedWasm } from "../../src/encode/wasm-embedded.ts";
import type { MillraceError } from "../../src/errors.ts";
import { k, table } from "../../src/schema/table.ts";
import { real, text } from "./arbitraries.ts";
import { batchesOf, chunksOf, encodedText, textOf } from "./rows.ts";

const limits = { maxRows: 1_000_000, maxBytes: 1e9 };
const documents = table("Documents", {
  a: k.string(),
  d: k.dynamic().optional(),
  n: k.int(),
  e: k.dynamic().optional(),
});

function rowsOf(values: readonly unknown[], format: RowFormat, rowsPerChunk = 256): Chunk[] {
  const records = values.map((value, n) => ({ a: "ä", d: value, n, e: [value] }));
  return chunksOf({ table: documents, records }, format, rowsPerChunk);
}

/** What JSON.stringify makes of the same values: `undefined` and what it makes `null` on the top are nulls of the column. */
function jsonOf(values: readonly unknown[]): string {
  return values
    .map((value, n) => {
      const d = value === null || value === undefined ? "" : `,"d":${JSON.stringify(value)}`;
      return `{"a":"ä"${d},"n":${n},"e":${JSON.stringify([value])}}\n`;
    })
    .join("");
}

/** Compared as texts and told by their places: a diff of megabytes takes minutes. */
function assertSame(found: string, wanted: string): void {
  if (found === wanted) return;
  let at = 0;
  while (found[at] === wanted[at]) at++;
  assert.fail(
    `at ${at}: ${found.slice(Math.max(0, at - 40), at + 40)} <> ${wanted.slice(Math.max(0, at - 40), at + 40)}`,
  );
}

function assertAsStringified(values: readonly unknown[], rowsPerChunk = 256): void {
  const chunks = rowsOf(values, "ndjson", rowsPerChunk);
  const wanted = jsonOf(values);
  assertSame(encodedText(encoder(documents, "ndjson", limits, embeddedWasm()), chunks), wanted);
  assertSame(encodedText(jsEncoder(documents, "ndjson", limits), chunks), wanted);
  const csvChunks = rowsOf(values, "csv", rowsPerChunk);
  const csv = encodedText(encoder(documents, "csv", limits, embeddedWasm()), csvChunks);
  assertSame(encodedText(jsEncoder(documents, "csv", limits), csvChunks), csv);
  const fields: string[][] = parse(csv);
  fields.forEach(([, d, , e], i) => {
    const value = values[i];
    assertSame(d!, value === null || value === undefined ? "" : JSON.stringify(value));
    assertSame(e!, JSON.stringify([value]));
  });
  assert.equal(fields.length, values.length);
}

function packerOf(format: RowFormat = "ndjson", maxRecordBytes = 1e9) {
  return compilePacker(documents, { format, maxRecordBytes });
}

/** How the value of a row crosses: taken apart, or as the text of JSON.stringify. */
function isTakenApart(value: unknown): boolean {
  const packer = packerOf();
  packer.pack({ a: "", d: value, n: 0 });
  return packer.take()!.nodesBytes > 0;
}

const key = fc.oneof(
  fc.constantFrom(
    "a",
    "b",
    "id",
    "0",
    "1",
    "10",
    "-1",
    "4294967295",
    "",
    '"',
    "\\",
    "é",
    "\u{1f600}",
    "\ud83d",
    "\ude00",
    "rawJSON",
  ),
  fc.string({ unit: "binary", maxLength: 5 }),
);

/** JSON values, and what JSON.stringify leaves out or makes null. */
const { tree: nested } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, depthSize: "medium" },
    text,
    real,
    fc.constantFrom<unknown>(
      true,
      false,
      null,
      undefined,
      -0,
      "\ud83d",
      "\ude00",
      "x\ud83d",
      "\ude00x",
      2 ** 31,
      -(2 ** 31),
    ),
    fc.array(tie("tree"), { maxLength: 6 }),
    fc.array(fc.tuple(key, tie("tree")), { maxLength: 6 }).map((members) => Object.fromEntries(members)),
    fc.array(fc.tuple(key, tie("tree")), { maxLength: 3 }).map((members) => plain(members)),
  ),
}));

/** Without a prototype, and perhaps with a member named `__proto__`. */
function plain(members: readonly (readonly [string, unknown])[]): object {
  const object = Object.create(null);
  for (const [name, value] of members)
    Object.defineProperty(object, name === "id" ? "__proto__" : name, {
      value,
      enumerable: name !== "b",
      configurable: true,
    });
  return object;
}

test("nested values are written as JSON.stringify writes them, in both formats, by both encoders", () => {
  fc.assert(
    fc.property(fc.array(nested, { maxLength: 20 }), fc.integer({ min: 1, max: 8 }), (values, rowsPerChunk) => {
      assertAsStringified(values, rowsPerChunk);
    }),
    { numRuns: 300 },
  );
});

test("plain values are taken apart, whatever their depth up to a limit; the others are stringified", () => {
  for (const value of [{}, [], { a: [1, 2.5, "x", null, true] }, "x", 7, [undefined], { u: undefined }, deep(64)])
    assert.equal(isTakenApart(value), true, JSON.stringify(value));
  for (const value of [
    new Date(0),
    { d: new Date(0) },
    new Map(),
    { toJSON: 1 },
    deep(65),
    ["\ud83d"],
    Object.create({}),
  ])
    assert.equal(isTakenApart(value), false, JSON.stringify(value));
});

function deep(depth: number): unknown {
  return JSON.parse("[".repeat(depth) + "]".repeat(depth));
}

class Point {
  x = 1;
  get y() {
    return 2;
  }
}

/** Made anew for each use: some answer otherwise the second time. */
const odd: Readonly<Record<string, () => unknown>> = {
  "a Date inside": () => ({ at: new Date(5), list: [new Date(6)] }),
  "toJSON on an object": () => ({ a: { toJSON: () => ({ b: [1] }) } }),
  "toJSON on an array": () => [Object.assign([1, 2], { toJSON: () => "list" })],
  "a hidden toJSON": () => ({ a: Object.defineProperty({ b: 1 }, "toJSON", { value: () => "hidden" }) }),
  "a toJSON that gives undefined": () => ({ a: 1, b: { toJSON: () => undefined } }),
  "a toJSON that is no function": () => ({ a: { toJSON: 1, b: 2 } }),
  "a class": () => ({ p: new Point() }),
  "members of a prototype": () => ({ a: Object.create({ inherited: 1 }, { own: { value: 2, enumerable: true } }) }),
  "an array of a class": () => [new (class extends Array {})(3).fill(1)],
  "a Map, a Set, a typed array": () => [new Map([[1, 2]]), new Set([1]), new Uint8Array(3)],
  boxed: () => [Object(1), Object("text"), Object(true)],
  "boxed, as plain objects": () => [1, "", true].map((value) => Object.setPrototypeOf(Object(value), Object.prototype)),
  functions: () => ({ f: () => 1, list: [() => 1, Symbol("s")], s: Symbol("s") }),
  "keys that are symbols": () => ({ [Symbol("s")]: 1, a: 2 }),
  "an array with holes": () => [Object.assign(new Array(3), [1]), new Array(3)],
  "members that are not enumerable": () => Object.defineProperty({ a: 1 }, "b", { value: 2 }),
  "an array with members": () => Object.assign([1], { more: 2 }),
  getters: () => ({
    get a() {
      return [1];
    },
  }),
  "a getter that takes away the next member": () => ({
    get a() {
      delete (this as Record<string, unknown>).b;
      return 1;
    },
    b: 2,
    c: 3,
  }),
  "a getter that adds a member": () => ({
    get a() {
      (this as Record<string, unknown>).z = 1;
      return 1;
    },
  }),
  "a proxy of an object": () => new Proxy({ a: 1, b: { c: 2 } }, {}),
  "a proxy of an array": () => new Proxy([1, [2]], {}),
  "a proxy that answers for every name": () => ({
    a: new Proxy({ b: 1 }, { get: (_, name) => (name === "toJSON" ? undefined : 7) }),
  }),
  "a proxy of an array of 2.5": () =>
    new Proxy([1, 2, 3], { get: (of, name) => (name === "length" ? 2.5 : Reflect.get(of, name)) }),
  "a proxy of an array of -1": () => [
    new Proxy([1], { get: (of, name) => (name === "length" ? -1 : Reflect.get(of, name)) }),
  ],
  "a proxy that names its keys": () =>
    new Proxy(
      { a: 1, b: 2 },
      { ownKeys: () => ["b", "a"], getOwnPropertyDescriptor: (of, name) => Object.getOwnPropertyDescriptor(of, name) },
    ),
  "a proxy that hides a key": () =>
    new Proxy(
      { a: 1, b: 2 },
      {
        getOwnPropertyDescriptor: (of, name) => (name === "a" ? undefined : Object.getOwnPropertyDescriptor(of, name)),
      },
    ),
  "JSON.rawJSON": () => [(JSON as { rawJSON?: (text: string) => unknown }).rawJSON?.("12345678901234567890") ?? 1],
  "the arguments of a call": () =>
    (function (..._: unknown[]) {
      // biome-ignore lint/complexity/noArguments: they are an object like no other
      return { list: arguments };
    })(1, "x"),
  "the same object often": () => {
    const one = { a: [1] };
    return [one, one, { one }];
  },
  "depth 64 and 65": () => [deep(63), deep(64), { a: deep(300) }],
};

describe("what is not plain is written as JSON.stringify writes it", () => {
  for (const [name, make] of Object.entries(odd)) test(name, () => assertSameOdd(make));
});

/** Among plain values, so that what a failed try left behind would show. */
function assertSameOdd(make: () => unknown): void {
  for (const format of ["ndjson", "csv"] as const) {
    const records = [{ s: "ä" }, make(), ["b", { c: 1.5 }], make(), "end"].map((d, n) => ({ a: "", d, n }));
    const wanted = [{ s: "ä" }, make(), ["b", { c: 1.5 }], make(), "end"].map((d) => JSON.stringify(d));
    const chunks = chunksOf({ table: documents, records }, format);
    const rows = encodedText(encoder(documents, format, limits, embeddedWasm()), chunks);
    assertSame(encodedText(jsEncoder(documents, format, limits), chunks), rows);
    if (format === "csv")
      assert.deepEqual(
        (parse(rows) as string[][]).map(([, d]) => d),
        wanted,
      );
    else assertSame(rows, wanted.map((json, n) => `{"a":"","d":${json},"n":${n}}\n`).join(""));
  }
}

describe("members that every object inherits", () => {
  for (const [name, prototype, property] of [
    ["of objects", Object.prototype, "inherited"],
    ["of objects, a toJSON", Object.prototype, "toJSON"],
    ["of arrays, a toJSON", Array.prototype, "toJSON"],
    ["of arrays, an element", Array.prototype, "1"],
  ] as const)
    test(name, () => {
      const value = property === "toJSON" ? () => "from toJSON" : "inherited";
      Object.defineProperty(prototype, property, { value, enumerable: true, configurable: true, writable: true });
      try {
        const values = [{ a: 1 }, new Array(3), { list: [] }];
        const wanted = values.map((one) => JSON.stringify(one));
        const packer = packerOf();
        for (const [n, d] of values.entries()) packer.pack({ a: "", d, n });
        delete (prototype as unknown as Record<string, unknown>)[property];
        const rows = encodedText(encoder(documents, "ndjson", limits, embeddedWasm()), [packer.take()!]);
        assertSame(rows, wanted.map((json, n) => `{"a":"","d":${json},"n":${n}}\n`).join(""));
      } finally {
        delete (prototype as unknown as Record<string, unknown>)[property];
      }
    });
});

const cycle: Record<string, unknown> = { a: { b: [] } };
(cycle.a as { b: unknown[] }).b.push("text", 1, cycle);

const unfit: Readonly<Record<string, () => unknown>> = {
  "a cycle": () => cycle,
  "a bigint inside": () => ({ a: ["text", 1, 1n] }),
  "a getter that throws": () => ({
    a: "text",
    get b() {
      throw new Error("no b");
    },
  }),
  "a toJSON that throws": () => ({
    a: 1,
    b: {
      toJSON() {
        throw new Error("no JSON");
      },
    },
  }),
  "a proxy that refuses": () => ({
    a: 1,
    b: new Proxy(
      {},
      {
        ownKeys() {
          throw new Error("no keys");
        },
      },
    ),
  }),
  "a proxy that was revoked": () => {
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    return { a: 1, b: proxy };
  },
};

test("what JSON.stringify refuses is refused in its words, and the chunk is as it was", () => {
  for (const format of ["ndjson", "csv"] as const) {
    const packer = packerOf(format);
    const bare = packerOf(format);
    for (const [n, make] of Object.values(unfit).entries()) {
      const record = { a: "ä", d: { n, t: "text" }, n, e: [n, "tail"] };
      packer.pack(record);
      bare.pack(record);
      let message = "";
      try {
        JSON.stringify(make());
      } catch (error) {
        [message] = (error as Error).message.split("\n", 1) as [string];
      }
      for (const bad of [
        { ...record, e: make() },
        { ...record, d: make() },
        { ...record, n: "no" },
      ])
        assert.throws(
          () => packer.pack(bad),
          (error: MillraceError) => {
            if (bad.n !== "no")
              assert.ok(error.message.includes(`JSON has no form for it (${message})`), error.message);
            return error.code === "RECORD_REFUSED";
          },
        );
    }
    const [found, wanted] = [packer.take()!, bare.take()!];
    const wasm = encoder(documents, format, limits, embeddedWasm());
    assertSame(encodedText(wasm, [found]), encodedText(jsEncoder(documents, format, limits), [wanted]));
    assert.equal(found.keysAt, wanted.keysAt);
  }
});

test("a dynamic over 1 MiB is refused, one of as much is taken, though its parts are small", () => {
  const mib = 1_048_576;
  /** An array of so many characters of JSON. */
  const ofSize = (bytes: number) => {
    const list: unknown[] = Array.from({ length: 1000 }, () => [1.5, { text: "t".repeat(900) }]);
    const rest = bytes - JSON.stringify([...list, ""]).length;
    return [...list, "r".repeat(rest)];
  };
  const packer = packerOf();
  packer.pack({ a: "", d: ofSize(mib), n: 0 });
  for (const one of [packer, packerOf()])
    assert.throws(() => one.pack({ a: "", d: ofSize(mib + 1), n: 1 }), /its JSON is over 1 MiB/);
  assert.equal(packer.rows, 1);
  const rows = encodedText(encoder(documents, "ndjson", limits, embeddedWasm()), [packer.take()!]);
  assertSame(rows, `{"a":"","d":${JSON.stringify(ofSize(mib))},"n":0}\n`);
});

test("a record of exactly the limit's bytes is taken, one byte more is refused", () => {
  const record = { a: "x", d: { b: [1, 2.5, '"€"', null, true, {}] }, n: 7, e: "tail" };
  for (const format of ["ndjson", "csv"] as const) {
    const [chunk] = chunksOf({ table: documents, records: [record] }, format);
    const bytes = Buffer.byteLength(encodedText(jsEncoder(documents, format, limits), [chunk!]));
    packerOf(format, bytes).pack(record);
    assert.throws(() => packerOf(format, bytes - 1).pack(record), new RegExp(`its row takes ${bytes} bytes`));
  }
});

test("more keys than a chunk has room for, and longer ones, are stringified; a later chunk has room for others", () => {
  const values = Array.from({ length: 3_000 }, (_, i) => ({
    [`key number ${i}`]: i,
    same: { [`k${i % 7}`]: [i / 3] },
  }));
  const long = ["k".repeat(1_000), "k".repeat(1_100), '"'.repeat(300), "é".repeat(600)].map((name) => ({ [name]: 1 }));
  assertAsStringified([...values, ...long, ...values.slice(0, 10)], 1_000);
  const packer = packerOf();
  for (const [n, d] of values.slice(0, 2_000).entries()) packer.pack({ a: "", d, n });
  packer.take();
  packer.pack({ a: "", d: { "a new key": 1 }, n: 0 });
  assert.equal(isTakenApart({ "a new key": 1 }), true);
  assert.ok(packer.take()!.nodesBytes < 100);
});

test("values of all sizes, larger than the nodes of a chunk, than a text of it, than the gzip window", () => {
  const line = (points: number) => Array.from({ length: points }, (_, i) => [i / 3, -i / 7, i]);
  const values: unknown[] = [1, 10, 100, 1_000, 5_000, 9_000].flatMap((points) => [
    { type: "LineString", coordinates: line(points), note: "x" },
    line(points),
  ]);
  for (const unit of ["x", '"', "é", "€", "\u{1f600}", "\u0001", ","])
    for (const units of [2_047, 2_048, 2_049, 20_000, 80_000])
      values.push({ a: [unit.repeat(units / unit.length), 1], [unit]: unit.repeat(units / unit.length) });
  values.push(
    [line(2_000), "y".repeat(60_000), line(2_000), deep(60)],
    [[[["z".repeat(70_000)]]]],
    [Array(30_000).fill(null)],
  );
  assertAsStringified(values, 5);
});

test("rows of nested values end a batch where the JavaScript oracle ends it", () => {
  const values = Array.from({ length: 60 }, (_, i) => ({
    i,
    list: Array.from({ length: i * i * 2 }, (_, j) => `${j}"`),
  }));
  for (const format of ["ndjson", "csv"] as const) {
    const chunks = rowsOf(values, format, 7);
    for (const some of [
      { maxRows: 5, maxBytes: 1e9 },
      { maxRows: 1e6, maxBytes: 300_000 },
    ]) {
      const wasm = batchesOf(encoder(documents, format, some, embeddedWasm()), chunks);
      const js = batchesOf(jsEncoder(documents, format, some), chunks);
      assert.deepEqual(
        wasm.map(({ rows, rawBytes }) => [rows, rawBytes]),
        js.map(({ rows, rawBytes }) => [rows, rawBytes]),
      );
      assertSame(wasm.map(textOf).join(""), js.map(textOf).join(""));
    }
  }
});

test("a chunk is full when its nodes are", () => {
  const packer = packerOf();
  const numbers = Array.from({ length: 1_000 }, (_, i) => i);
  let rows = 0;
  for (; !packer.isFull; rows++) packer.pack({ a: "", d: numbers, n: rows });
  assert.ok(rows < 100, `${rows} rows`);
});

test("the buffers of a chunk are filled again, and hold what is there for the encoder that comes late", () => {
  const packer = packerOf("csv");
  const first: Chunk[] = [];
  for (let i = 0; i < 3; i++) {
    packer.pack({ a: "", d: { [`key${i}`]: `text ${i}` }, n: i });
    first.push(packer.take()!);
  }
  const texts = first.map((chunk) => encodedText(encoder(documents, "csv", limits, embeddedWasm()), [chunk]));
  assert.deepEqual(
    texts,
    [0, 1, 2].map((i) => `,"{""key${i}"":""text ${i}""}",${i},\n`),
  );
  packer.recycle(first[0]!);
  packer.pack({ a: "", d: { other: [] }, n: 9 });
  // The buffers of the chunk being filled were taken when the last one was handed over.
  packer.take();
  packer.pack({ a: "", d: { key1: 1.5 }, n: 9 });
  const last = packer.take()!;
  assert.ok(last.nodes === first[0]!.nodes);
  assert.equal(encodedText(encoder(documents, "csv", limits, embeddedWasm()), [last]), `,"{""key1"":1.5}",9,\n`);
});

test("a getter that takes the chunk away is refused", () => {
  const packer = packerOf();
  packer.pack({ a: "", n: 1 });
  const bad = {
    a: "",
    n: 2,
    get d() {
      packer.take();
      return 1;
    },
  };
  assert.throws(() => packer.pack(bad), /flush/);
  assert.equal(packer.rows, 1);
});
