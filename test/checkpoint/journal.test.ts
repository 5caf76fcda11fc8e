import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { copyName, journalName, openJournal } from "../../src/checkpoint/journal.ts";
import type { StateChange } from "../../src/checkpoint/state-backend.ts";
import { type MemoryDisk, memoryDisk } from "../../src/log/memory-disk.ts";
import type { Json } from "../../src/schema/kinds.ts";

const path = join("state", journalName(1));
const copy = join("state", copyName(1));
const openOn = (disk: MemoryDisk) => openJournal(disk, "state", async () => true);

async function valuesOn(disk: MemoryDisk): Promise<Record<string, Json>> {
  const journal = await openOn(disk);
  const values = Object.fromEntries([...journal.entries].map(([key, { value }]) => [key, value]));
  await journal.close();
  return values;
}

function set(journal: { entries: ReadonlyMap<string, { version: number }> }, key: string, value: Json | undefined) {
  return { key, expected: journal.entries.get(key)?.version ?? 0, value } satisfies StateChange;
}

test("what was written is there after a power failure that takes all that was not synced", async () => {
  const disk = memoryDisk();
  const journal = await openOn(disk);
  await journal.write([set(journal, "a", 1), set(journal, "b", { c: [true, null] })]);
  await journal.write([set(journal, "a", undefined)]);
  assert.deepEqual(await valuesOn(disk.powerLoss()), { b: { c: [true, null] } });
});

test("a write with a version that is not there changes nothing", async () => {
  const journal = await openOn(memoryDisk());
  await journal.write([set(journal, "a", 1)]);
  const stale = [
    { key: "b", expected: 0, value: 1 },
    { key: "a", expected: 0, value: 2 },
  ];
  await assert.rejects(journal.write(stale), { code: "STATE_FENCED" });
  assert.equal(journal.entries.has("b"), false);
  assert.equal(journal.entries.get("a")!.value, 1);
});

test("after any power failure the journal says what some prefix of the writes said, and no less than the acknowledged", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          key: fc.constantFrom("a", "b", "c"),
          value: fc.option(fc.string({ maxLength: 40 }), { nil: undefined }),
        }),
        {
          minLength: 1,
          maxLength: 8,
        },
      ),
      fc.nat(),
      fc.nat(400),
      async (writes, when, kept) => {
        const disk = memoryDisk();
        const journal = await openOn(disk);
        const model: Record<string, Json> = {};
        const states: string[] = [JSON.stringify(model)];
        const acknowledged = when % (writes.length + 1);
        for (const [i, { key, value }] of writes.entries()) {
          if (value === undefined) delete model[key];
          else model[key] = value;
          states.push(sorted(model));
          const written = journal.write([set(journal, key, value)]);
          if (i < acknowledged) await written;
          else {
            written.catch(() => {});
            break;
          }
        }
        // The last write is somewhere on its way.
        for (let turn = 0; turn < when % 5; turn++) await Promise.resolve();
        const after = sorted(await valuesOn(disk.powerLoss((tail) => tail.subarray(0, kept))));
        const allowed = states.slice(acknowledged, acknowledged + 2);
        assert.ok(allowed.includes(after), `${after} is none of ${allowed.join(" ")}`);
      },
    ),
    { numRuns: 300 },
  );
});

function sorted(values: Record<string, Json>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(values).sort()));
}

const values = { a: "value of a", b: "value of b", c: "value of c" };

async function threeWrites(): Promise<Uint8Array> {
  const disk = memoryDisk();
  const journal = await openOn(disk);
  for (const [key, value] of Object.entries(values)) await journal.write([set(journal, key, value)]);
  return (await disk.read(path))!;
}

test("one flipped bit, in either copy, is made good from the other", async () => {
  const bytes = await threeWrites();
  for (let bit = 0; bit < bytes.length * 8; bit += 5)
    for (const file of [path, copy]) {
      const files = new Map([
        [path, bytes],
        [copy, bytes],
      ]).set(file, flipped(bytes, bit));
      assert.deepEqual(await valuesOn(memoryDisk(files)), values, `bit ${bit} of ${file}`);
    }
});

test("a copy that was cut anywhere, or is gone, is made good from the other", async () => {
  const bytes = await threeWrites();
  for (let size = 0; size < bytes.length; size += 3)
    for (const file of [path, copy]) {
      const files = new Map([
        [path, bytes],
        [copy, bytes],
      ]).set(file, bytes.subarray(0, size));
      assert.deepEqual(await valuesOn(memoryDisk(files)), values, `${file} cut at ${size}`);
    }
  assert.deepEqual(await valuesOn(memoryDisk(new Map([[path, bytes]]))), values);
  assert.deepEqual(await valuesOn(memoryDisk(new Map([[copy, bytes]]))), values);
});

test("a bit flipped in both copies is an error that names the file, and nothing is changed", async () => {
  const bytes = await threeWrites();
  for (let bit = 0; bit < bytes.length * 8; bit += 5) {
    const broken = flipped(bytes, bit);
    const disk = memoryDisk(
      new Map([
        [path, broken],
        [copy, broken],
      ]),
    );
    await assert.rejects(openOn(disk), (error: { code: string; message: string }) => {
      assert.ok(["STATE_DAMAGED", "STATE_FOREIGN"].includes(error.code), `bit ${bit}: ${error.code}`);
      assert.match(error.message, /state.journal-/);
      return true;
    });
    assert.deepEqual(await disk.read(path), broken);
    assert.deepEqual(await disk.read(copy), broken);
  }
});

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const broken = bytes.slice();
  broken[bit >> 3]! ^= 1 << (bit & 7);
  return broken;
}

test("a write is not told of when another process has begun meanwhile", async () => {
  const disk = memoryDisk();
  let isOurs = true;
  const journal = await openJournal(disk, "state", async () => isOurs);
  await journal.write([set(journal, "a", 1)]);
  isOurs = false;
  const next = await openOn(disk);
  await assert.rejects(journal.write([set(journal, "a", 2)]), { code: "STATE_FENCED" });
  await next.write([set(next, "b", 3)]);
  assert.deepEqual(await valuesOn(disk), { a: 1, b: 3 });
});

test("a full disk refuses the write, and the next one goes through", async () => {
  const disk = memoryDisk();
  const journal = await openOn(disk);
  await journal.write([set(journal, "a", 1)]);
  disk.fail("ENOSPC");
  await assert.rejects(journal.write([set(journal, "a", 2)]), {
    code: "STATE_UNWRITABLE",
    message: /the disk is full/,
  });
  disk.fail(undefined);
  assert.equal(journal.entries.get("a")!.value, 1);
  await journal.write([set(journal, "b", 3)]);
  assert.deepEqual(await valuesOn(disk.powerLoss()), { a: 1, b: 3 });
});

test("a journal of many writes is made short, and says the same", async () => {
  const disk = memoryDisk();
  const journal = await openOn(disk);
  const long = "x".repeat(20_000);
  await journal.write([set(journal, "kept", 1)]);
  let most = 0;
  for (let i = 0; i < 300; i++) {
    await journal.write([set(journal, "a", `${long}${i}`)]);
    most = Math.max(most, journal.bytes);
  }
  assert.ok(most < 1.2 * 1024 * 1024, `${most} bytes`);
  assert.deepEqual(await valuesOn(disk.powerLoss()), { kept: 1, a: `${long}299` });
});

test("a newer format is left alone", async () => {
  const head = new TextEncoder().encode("MILLRACEJOURNL03");
  await assert.rejects(openOn(memoryDisk(new Map([[path, head]]))), { code: "STATE_FOREIGN" });
});

test("many that open at the same moments, without a lock between them: what one was told is durable is never lost", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1 }), fc.integer({ min: 2, max: 5 }), async (seed, writers) => {
      let state = seed >>> 0;
      // Each act on the disk takes some turns of the loop, by the seed.
      const pause = async () => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        for (let turns = (state >>> 24) % 12; turns > 0; turns--) await Promise.resolve();
      };
      const disk = memoryDisk(new Map(), pause);
      const told: string[] = [];
      async function life(name: string): Promise<void> {
        for (let start = 0; start < 3; start++) {
          try {
            const journal = await openOn(disk);
            for (let i = 0; i < 4; i++) {
              const key = `${name}-${start}-${i}`;
              await journal.write([set(journal, key, i)]);
              told.push(key);
            }
          } catch (error) {
            assert.match((error as { code: string }).code, /^STATE_(IN_USE|FENCED)$/, String(error));
          }
        }
      }
      await Promise.all(Array.from({ length: writers }, (_, i) => life(`w${i}`)));
      const found = await valuesOn(disk);
      const lost = told.filter((key) => !(key in found));
      assert.deepEqual(lost, []);
    }),
    { numRuns: 300 },
  );
});

test("a writer that cannot look who has the state goes on behind it, and the journal stays whole", async () => {
  const disk = memoryDisk();
  let failing = false;
  const journal = await openJournal(disk, "state", async () => {
    if (failing) throw Object.assign(new Error("too many open files"), { code: "EMFILE" });
    return true;
  });
  await journal.write([set(journal, "a", 1)]);
  failing = true;
  await assert.rejects(journal.write([set(journal, "a", "longer than before")]), { code: "STATE_UNWRITABLE" });
  failing = false;
  await journal.write([set(journal, "b", 2)]);
  await journal.write([set(journal, "c", 3)]);
  assert.deepEqual(await valuesOn(disk), { a: 1, b: 2, c: 3 });
});

/** Fails from the n-th act on that writes, counted from `arm()`. */
function failingFrom(disk: MemoryDisk, act: number): { disk: MemoryDisk; arm(): void } {
  let left = Infinity;
  const count = () => {
    if (--left === 0) disk.fail("ENOSPC");
  };
  const counting =
    <A extends unknown[], T>(what: (...args: A) => Promise<T>) =>
    (...args: A) => {
      count();
      return what(...args);
    };
  return {
    disk: {
      ...disk,
      rename: counting(disk.rename),
      syncFolder: counting(disk.syncFolder),
      async open(path) {
        const file = await disk.open(path);
        return {
          ...file,
          get size() {
            return file.size;
          },
          truncate: counting(file.truncate),
          append: counting(file.append),
          sync: counting(file.sync),
        };
      },
    },
    arm() {
      left = act;
    },
  };
}

test("a disk that fails anywhere while the journal is made short: what was acknowledged is there, whatever is written behind it", async () => {
  const long = "x".repeat(400_000);
  let shortened = 0;
  for (let act = 25; act <= 52; act++) {
    const real = memoryDisk();
    const { disk, arm } = failingFrom(real, act);
    const journal = await openJournal(disk, "state", async () => true);
    const model: Record<string, Json> = {};
    const unsure: Record<string, Json[]> = { "key 0": [], "key 1": [] };
    arm();
    for (let i = 0; i < 14; i++) {
      const key = `key ${i % 2}`;
      const value = `${long}${i}`;
      try {
        const before = journal.bytes;
        await journal.write([set(journal, key, value)]);
        if (journal.bytes < before) shortened++;
        model[key] = value;
        unsure[key] = [];
      } catch (error) {
        assert.equal((error as { code: string }).code, "STATE_UNWRITABLE");
        unsure[key]!.push(value);
        real.fail(undefined);
      }
    }
    const found = await valuesOn(real.powerLoss());
    for (const [key, value] of Object.entries(model))
      assert.ok(
        found[key] === value || unsure[key]!.includes(found[key]!),
        `act ${act}: ${key} is ${String(found[key]).slice(-3)}`,
      );
  }
  assert.ok(shortened > 5, `${shortened} times it was made short`);
});
