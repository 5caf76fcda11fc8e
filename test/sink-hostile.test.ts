import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { memoryDeadLetter } from "../src/deliver/dead-letter.ts";
import { memory } from "../src/destination/memory.ts";
import { MillraceError } from "../src/errors.ts";
import { open } from "../src/open.ts";
import { run } from "../src/run/run.ts";
import { coerce } from "../src/schema/coerce.ts";
import { k, table } from "../src/schema/table.ts";
import { iterable } from "../src/source/iterable.ts";

// Records that throw while they are read: each is refused with its reason, in the dead letter too, and its neighbours arrive.

const target = table("T", { id: k.int(), text: k.string().optional(), bag: k.dynamic().optional() });

const boom = (): never => {
  throw new Error("boom");
};
/** What is thrown may itself throw when it is looked at. */
const boomHostile = (): never => {
  throw new Proxy({}, { get: boom, getPrototypeOf: boom, has: boom });
};

function revoked(value: object): object {
  const { proxy, revoke } = Proxy.revocable(value, {});
  revoke();
  return proxy;
}

const traps = ["get", "getPrototypeOf", "ownKeys", "has", "getOwnPropertyDescriptor"] as const;
const everyTrap = Object.fromEntries(traps.map((trap) => [trap, boom]));

const records: Readonly<Record<string, unknown>> = {
  "a proxy whose get throws": new Proxy({ id: 1 }, { get: boom }),
  "a proxy whose every trap throws": new Proxy({ id: 1 }, everyTrap),
  "a proxy that throws what throws": new Proxy({ id: 1 }, { get: boomHostile, getPrototypeOf: boomHostile }),
  "a revoked proxy": revoked({ id: 1 }),
  "a revoked proxy of an array": revoked([]),
  "a getter that throws": {
    get id() {
      return boom();
    },
  },
  "a getter that throws what throws": {
    get id() {
      return boomHostile();
    },
  },
  "a text that is a proxy": { id: 1, text: new Proxy({}, everyTrap) },
  "a text that is revoked": { id: 1, text: revoked({}) },
  "a text whose toString throws": { id: 1, text: { toString: boom, valueOf: boom, [Symbol.toPrimitive]: boom } },
  "an id whose valueOf throws": { id: { toString: boom, valueOf: boom, [Symbol.toPrimitive]: boom } },
  "an id that is a proxy": { id: new Proxy({}, everyTrap) },
  "an id that is revoked": { id: revoked({}) },
  "a bag that is revoked": { id: 1, bag: revoked({}) },
  "a bag with a revoked proxy": { id: 1, bag: { a: [revoked([])] } },
  "a bag whose toJSON throws": { id: 1, bag: { toJSON: boom } },
  "a bag whose toJSON throws what throws": { id: 1, bag: { toJSON: boomHostile } },
  "a bag whose toJSON is a function": { id: 1, bag: { toJSON: () => boom } },
  "a bag whose toJSON is undefined": { id: 1, bag: { toJSON: () => undefined } },
  "a bag whose toJSON is a bigint": { id: 1, bag: { toJSON: () => 1n } },
  "a bag whose toJSON is itself": (() => {
    const bag: { toJSON?: () => unknown } = {};
    bag.toJSON = () => ({ bag });
    return { id: 1, bag };
  })(),
  "a symbol": Symbol("s"),
  "an id that is a symbol": { id: Symbol("s") },
  "a name that throws": {
    id: {
      get [Symbol.toStringTag]() {
        return boom();
      },
    },
  },
};

async function landed(act: (sink: Awaited<ReturnType<typeof openSink>>["sink"]) => Promise<void>) {
  const { sink, to, deadLetter } = await openSink();
  await act(sink);
  await sink.close();
  const rows = to.batches.map(({ parts }) => gunzipSync(Buffer.concat(parts)).toString()).join("");
  return { rows, letters: deadLetter.letters, stats: sink.stats };
}

async function openSink() {
  const to = memory();
  const deadLetter = memoryDeadLetter();
  const sink = await open({ table: target, to, deadLetter, parallelism: 0 });
  return { to, deadLetter, sink };
}

for (const [what, record] of Object.entries(records)) {
  test(`${what} goes to the dead letter, and its neighbours arrive`, async () => {
    const { rows, letters, stats } = await landed(async (sink) => {
      sink.write({ id: 7 });
      sink.write(record as never);
      sink.write({ id: 8 });
    });
    assert.equal(rows, "7,,\n8,,\n");
    assert.equal(letters.length, 1);
    assert.match(letters[0]!.reason, /^Record 1 does not fit table T: /);
    assert.equal(letters[0]!.original, record);
    assert.equal(stats.rejected, 1);
  });
  // To coerce() an object in a column of texts is its JSON, and this one has that.
  if (what === "a text whose toString throws") continue;
  test(`${what} goes there by way of run() and coerce(), too`, async () => {
    const { rows, letters } = await landed(async (sink) => {
      const source = iterable([{ id: 7 }, record, { id: 8 }] as Record<string, unknown>[]);
      await run({ from: source, into: sink as never, through: coerce(target, "json") });
    });
    assert.equal(rows, "7,,\n8,,\n");
    assert.equal(letters.length, 1);
  });
}

test("without a dead letter each is thrown at the caller as RECORD_REFUSED", async () => {
  const sink = await open({ table: target, to: memory(), parallelism: 0 });
  for (const [what, record] of Object.entries(records))
    assert.throws(
      () => sink.write(record as never),
      (error) => error instanceof MillraceError && error.code === "RECORD_REFUSED",
      what,
    );
  await sink.close();
});

test("a place that fails, or is no text, keeps no record from being refused", async () => {
  const { letters } = await landed(async (sink) => {
    sink.write({ id: "no" } as never, boom as never);
    sink.write({ id: "no" } as never, boomHostile as never);
    sink.write({ id: "no" } as never, (() => 5) as never);
    sink.write({ id: "no" } as never, Symbol("s") as never);
    sink.write({ id: "no" } as never, "f:1");
  });
  assert.deepEqual(
    letters.map(({ place }) => place),
    [
      "its place is not known, for place() failed: boom",
      "its place is not known, for place() failed: it has no text",
      "5",
      "Symbol(s)",
      "f:1",
    ],
  );
});
