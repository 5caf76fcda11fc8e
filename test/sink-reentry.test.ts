import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, test } from "node:test";
import { memoryState } from "../src/checkpoint/file-state.ts";
import { type DeadLetter, type Letter, memoryDeadLetter } from "../src/deliver/dead-letter.ts";
import { memory } from "../src/destination/memory.ts";
import type { EventMap } from "../src/events.ts";
import { open } from "../src/open.ts";
import type { SinkOptions } from "../src/options.ts";
import { run } from "../src/run/run.ts";
import { k, table } from "../src/schema/table.ts";
import type { Sink } from "../src/sink/sink.ts";
import { iterable } from "../src/source/iterable.ts";
import { until } from "./gated.ts";
import { rowsOf } from "./rows-of.ts";

// Calls of the sink by code that the sink itself is in the midst of: getters of records, dead letters, subscribers, sources.
// Whatever they call: nothing accepted is lost or doubled, and nothing waits for itself.

const events = table("Events", { n: k.int(), text: k.string().optional(), more: k.dynamic().optional() });
type Event = { n: number; text?: string; more?: never };
const limit = { timeout: 30_000 };

type Call = "write()" | "writeRaw()" | "reject()" | "flush()" | "checkpoint()" | "committed()" | "close()" | "ready";

const calls: Readonly<Record<Call, (sink: Sink<Event>) => unknown>> = {
  "write()": (sink) => sink.write({ n: 1_000 }),
  "writeRaw()": (sink) => sink.writeRaw("1000,,\n"),
  "reject()": (sink) => sink.reject({ place: "p", reason: "r", original: "o" }),
  "flush()": (sink) => sink.flush(),
  "checkpoint()": (sink) => sink.checkpoint(),
  "committed()": (sink) => sink.committed(),
  "close()": (sink) => sink.close(),
  ready: (sink) => sink.ready,
};
const callNames = Object.keys(calls) as Call[];

/** What a call came to: its error's code, or "done". */
async function outcomeOf(act: () => unknown): Promise<{ code: string; message: string }> {
  try {
    await act();
    return { code: "done", message: "" };
  } catch (error) {
    const { code = String(error), message } = error as { code?: string; message: string };
    return { code, message };
  }
}

function start(to: ReturnType<typeof memory>, options: SinkOptions = {}): Promise<Sink<Event>> {
  return open({ table: events, to, batchSize: 2, retryBaseMs: 1, ...options }) as Promise<Sink<Event>>;
}

function numbersIn(to: ReturnType<typeof memory>): number[] {
  return to.batches.flatMap(rowsOf).map(([n]) => Number(n));
}

const ascending = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);
const upTo = (end: number) => Array.from({ length: end }, (_, n) => n);

const kinds: readonly { name: string; options: () => SinkOptions }[] = [
  { name: "no state, caller's thread", options: () => ({ parallelism: 0 }) },
  { name: "no state, one worker", options: () => ({ parallelism: 1 }) },
  {
    name: "exactly once, caller's thread",
    options: () => ({ parallelism: 0, deliveryGuarantee: "exactly-once", state: memoryState() }),
  },
];

/** A record whose field runs code while `write()` reads it. */
const readers: Readonly<Record<string, (n: number, act: () => void) => Event>> = {
  "a getter": (n, act) => ({
    n,
    get text() {
      act();
      return "read";
    },
  }),
  "a toJSON()": (n, act) => ({
    n,
    more: {
      toJSON() {
        act();
        return "read";
      },
    } as never,
  }),
  "a proxy": (n, act) =>
    new Proxy(
      { n },
      {
        get(target, key) {
          if (key === "text") act();
          return Reflect.get(target, key);
        },
      },
    ),
};

for (const { name, options } of kinds)
  describe(`calls while write() reads a record: ${name}`, limit, () => {
    for (const [reader, record] of Object.entries(readers))
      for (const call of callNames.filter((one) => one !== "ready"))
        test(`${call} by ${reader} is refused by name, and every record arrives once`, async () => {
          // The call comes on an empty chunk, and behind a record in it.
          for (const before of [0, 1]) {
            const to = memory();
            const sink = await start(to, { ...options(), batchSize: 100 });
            const outcomes: Promise<{ code: string; message: string }>[] = [];
            for (let n = 0; n < before; n++) sink.write({ n });
            sink.write(record(before, () => outcomes.push(outcomeOf(() => calls[call](sink)))));
            sink.write({ n: before + 1 });
            assert.ok(outcomes.length > 0);
            for (const { code, message } of await Promise.all(outcomes)) {
              assert.equal(code, "REENTRANT_CALL");
              assert.ok(message.startsWith(`Table Events: ${call} was called by a getter, toJSON()`), message);
            }
            assert.deepEqual(await sink.checkpoint(), { epoch: 1, records: before + 2 });
            await sink.close();
            assert.deepEqual(numbersIn(to), upTo(before + 2));
          }
        });

    test("abort() by a getter, and of the caller's signal: every call says so from then on", async () => {
      for (const bySignal of [false, true]) {
        const controller = new AbortController();
        const sink = await start(memory(), { ...options(), signal: controller.signal });
        const abort = () => (bySignal ? controller.abort() : void sink.abort());
        sink.write(readers["a getter"]!(0, abort));
        assert.throws(() => sink.write({ n: 1 }), { code: "ABORTED" });
        await assert.rejects(sink.checkpoint(), { code: "ABORTED" });
        await assert.rejects(sink.close(), { code: "ABORTED" });
      }
    });
  });

test("a getter that lets the refusal through has its record refused, with the reason", async () => {
  const to = memory();
  const sink = await start(to);
  const record = readers["a getter"]!(0, () => sink.write({ n: 9 }));
  assert.throws(() => sink.write(record), { code: "RECORD_REFUSED", message: /write\(\) was called by a getter/ });
  sink.write({ n: 1 });
  await sink.close();
  assert.deepEqual(numbersIn(to), [1]);
});

test("place() is asked while its record is refused: what it calls then is refused, too", async () => {
  const to = memory();
  const deadLetter = memoryDeadLetter();
  const sink = await start(to, { deadLetter });
  const outcomes: Promise<{ code: string }>[] = [];
  sink.write({ n: "no" as never }, () => {
    outcomes.push(outcomeOf(() => sink.close()));
    return "place";
  });
  assert.equal((await outcomes[0]!).code, "REENTRANT_CALL");
  await outcomeOf(() => sink.close());
  assert.equal(deadLetter.letters.length, 1);
});

/** A dead letter that keeps what it is given, and runs code within its calls. */
function calling(act: (call: "write" | "close") => Promise<void> | void): DeadLetter & { kept: Letter[] } {
  const kept: Letter[] = [];
  return {
    kept,
    async write(letter) {
      await act("write");
      kept.push(letter);
    },
    async close() {
      await act("close");
    },
  };
}

for (const { name, options } of kinds)
  describe(`calls by the dead letter: ${name}`, limit, () => {
    for (const call of callNames)
      for (const isLate of [false, true])
        test(`${call} in its write()${isLate ? ", behind an await" : ""} is refused by name; nothing hangs or is lost`, async () => {
          const to = memory();
          const outcomes: { code: string; message: string }[] = [];
          const deadLetter = calling(async (within) => {
            if (within === "close") return;
            if (isLate) await new Promise((resolve) => setTimeout(resolve, 5));
            outcomes.push(await outcomeOf(() => calls[call](sink)));
          });
          const sink: Sink<Event> = await start(to, { ...options(), deadLetter });
          sink.write({ n: 0 });
          sink.write({ n: "no" as never });
          sink.write({ n: 1 });
          const { records } = await sink.checkpoint();
          assert.equal(records, 2);
          assert.equal(deadLetter.kept.length, 1);
          assert.equal(outcomes.length, 1);
          assert.equal(outcomes[0]!.code, "REENTRANT_CALL");
          const expected = `Table Events: ${call} was called by the write() of the dead letter`;
          assert.ok(outcomes[0]!.message.startsWith(expected), outcomes[0]!.message);
          sink.write({ n: 2 });
          await sink.close();
          assert.deepEqual(ascending(numbersIn(to)), upTo(3));
        });

    for (const call of callNames)
      test(`${call} in its close() is refused by name, and close() resolves`, async () => {
        const to = memory();
        const outcomes: { code: string; message: string }[] = [];
        const deadLetter = calling(async (within) => {
          if (within === "write") return;
          await null;
          outcomes.push(await outcomeOf(() => calls[call](sink)));
        });
        const sink: Sink<Event> = await start(to, { ...options(), deadLetter });
        sink.write({ n: 0 });
        await sink.close();
        assert.equal(outcomes[0]!.code, "REENTRANT_CALL");
        assert.ok(outcomes[0]!.message.startsWith(`Table Events: ${call} was called by the close() of`));
        assert.deepEqual(numbersIn(to), [0]);
      });

    test("abort() in its write() and in its close() does not wait for itself", async () => {
      for (const within of ["write", "close"]) {
        const deadLetter = calling(async (at) => {
          if (at === within) await sink.abort();
        });
        const sink: Sink<Event> = await start(memory(), { ...options(), deadLetter });
        sink.write({ n: "no" as never });
        const { code } = await outcomeOf(() => sink.close());
        assert.equal(code, within === "write" ? "ABORTED" : "done");
      }
    });

    test("behind the letter, and from a timer that it has set, the sink may be called", async () => {
      const to = memory();
      const later: Promise<unknown>[] = [];
      const deadLetter = calling((at) => {
        if (at === "write") later.push(new Promise((resolve) => setTimeout(resolve, 20)).then(() => sink.checkpoint()));
      });
      const sink: Sink<Event> = await start(to, { ...options(), deadLetter });
      sink.write({ n: 0 });
      sink.write({ n: "no" as never });
      await sink.checkpoint();
      await Promise.all(later);
      await sink.close();
      assert.deepEqual(numbersIn(to), [0]);
    });

    test("a task that a settled letter has left behind may write, while another letter is open", async () => {
      const to = memory();
      let release: () => void = () => {};
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      let task: Promise<unknown> | undefined;
      const deadLetter = calling((at) => {
        if (at === "close") return;
        if (task) return held;
        task = new Promise((resolve) => setTimeout(resolve, 20)).then(() => sink.write({ n: 1 }));
      });
      const sink: Sink<Event> = await start(to, { ...options(), deadLetter });
      for (const n of ["no", "no"]) sink.write({ n: n as never });
      sink.write({ n: 0 });
      await task;
      release();
      await sink.close();
      assert.deepEqual(ascending(numbersIn(to)), upTo(2));
    });

    test("a dead letter that lets the refusal through fails the sink with its own code", async () => {
      const deadLetter = calling(async (at) => {
        if (at === "write") await sink.checkpoint();
      });
      const sink: Sink<Event> = await start(memory(), { ...options(), deadLetter });
      sink.write({ n: "no" as never });
      await assert.rejects(sink.checkpoint(), { code: "DEAD_LETTER_FAILED", message: /checkpoint\(\) was called by/ });
      await assert.rejects(sink.close(), { code: "DEAD_LETTER_FAILED" });
    });
  });

test("abort() ends a close() that waits for a dead letter which never answers", limit, async (t) => {
  let isAsked = false;
  const sink = await start(memory(), {
    deadLetter: calling((at) => {
      if (at === "write") return;
      isAsked = true;
      return new Promise(() => {});
    }),
  });
  sink.write({ n: 0 });
  const closed = outcomeOf(() => sink.close());
  await until(() => isAsked, "the close of the dead letter");
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const aborted = sink.abort();
  t.mock.timers.tick(5_000);
  await aborted;
  assert.equal((await closed).code, "DEAD_LETTER_FAILED");
});

test("a dead letter that is another sink, whose dead letter calls the first: refused, too", limit, async () => {
  const outcomes: { code: string }[] = [];
  const second = calling(async (at) => {
    if (at === "write") outcomes.push(await outcomeOf(() => first.checkpoint()));
  });
  const other: Sink<Event> = await start(memory(), { deadLetter: second });
  const first: Sink<Event> = await start(memory(), {
    deadLetter: calling(async (at) => {
      if (at === "close") return other.close();
      other.write({ n: "no" as never });
      await other.checkpoint();
    }),
  });
  first.write({ n: "no" as never });
  await first.close();
  assert.deepEqual(
    outcomes.map(({ code }) => code),
    ["REENTRANT_CALL"],
  );
  assert.equal(second.kept.length, 1);
});

test("the service's refusals come from a commit, and the dead letter that waits for it is refused", limit, async () => {
  const deadLetter = calling(async (at) => {
    if (at === "write") assert.equal((await outcomeOf(() => sink.committed())).code, "REENTRANT_CALL");
  });
  const to = memory();
  const sink: Sink<Event> = await start(to, { deadLetter, deliveryGuarantee: "exactly-once", state: memoryState() });
  sink.write({ n: 0 });
  sink.write({ n: "no" as never });
  await sink.checkpoint();
  await sink.committed();
  await sink.close();
  assert.deepEqual(numbersIn(to), [0]);
});

/** What a sink tells of on its usual way. */
const happening: readonly (keyof EventMap)[] = [
  "millrace:batch:sealed",
  "millrace:batch:logged",
  "millrace:batch:staged",
  "millrace:batch:taken",
  "millrace:record:rejected",
  "millrace:checkpoint",
  "millrace:epoch:committed",
];

for (const { name, options } of kinds)
  describe(`calls by subscribers: ${name}`, limit, () => {
    for (const event of happening)
      for (const call of callNames.filter((one) => one !== "ready" && one !== "reject()"))
        test(`${call} at ${event}`, async () => {
          const to = memory();
          let left = 3;
          const outcomes: Promise<{ code: string }>[] = [];
          const given: number[] = [];
          const deadLetter = memoryDeadLetter();
          const sink: Sink<Event> = await start(to, { ...options(), deadLetter });
          const listener = () => {
            if (left-- <= 0) return;
            const n = 1_000 + left;
            if (call === "write()") {
              sink.write({ n });
              given.push(n);
            } else if (call === "writeRaw()") {
              sink.writeRaw(`${n},,\n`);
              given.push(n);
            } else outcomes.push(outcomeOf(() => calls[call](sink)));
          };
          subscribe(event, listener);
          try {
            for (let n = 0; n < 9; n++) {
              try {
                if (n === 4) sink.write({ n: "no" as never });
                const isRoom = sink.write({ n });
                given.push(n);
                if (!isRoom) await sink.ready;
              } catch (error) {
                if ((error as { code?: string }).code !== "CLOSED") throw error;
              }
            }
            await outcomeOf(() => sink.checkpoint());
            await outcomeOf(() => sink.committed());
          } finally {
            unsubscribe(event, listener);
            await sink.close();
          }
          for (const { code } of await Promise.all(outcomes)) assert.ok(["done", "CLOSED"].includes(code), code);
          assert.deepEqual(ascending(numbersIn(to)), ascending(given));
          // With a state, batches share blobs.
          if (!sink.restored)
            for (const batch of to.batches) assert.ok(batch.rows <= 2, `a batch of ${batch.rows} rows`);
          const { accepted, delivered } = sink.stats;
          assert.deepEqual([accepted, delivered], [given.length, given.length]);
        });
  });

for (const { name, options } of kinds)
  describe(`a source that closes the sink: ${name}`, limit, () => {
    function* closing(sink: Sink<Event>, at: number) {
      for (let n = 0; n < 6; n++) {
        if (n === at) void sink.close();
        yield { n };
      }
    }

    test("within writeAll()", async () => {
      const to = memory();
      const sink = await start(to, options());
      await assert.rejects(sink.writeAll(closing(sink, 3)), { code: "CLOSED" });
      await sink.close();
      assert.deepEqual(numbersIn(to), upTo(3));
    });

    test("within an async source that awaits it", async () => {
      const to = memory();
      const sink = await start(to, options());
      async function* records() {
        yield { n: 0 };
        await sink.close();
        yield { n: 1 };
      }
      await assert.rejects(sink.writeAll(records()), { code: "CLOSED" });
      assert.deepEqual(numbersIn(to), [0]);
    });

    test("within run()", async () => {
      const to = memory();
      const sink = await start(to, options());
      await assert.rejects(run({ from: iterable(closing(sink, 3)), into: sink }), { code: "CLOSED" });
      await sink.close();
    });
  });

for (const { name, options } of kinds)
  test(`close() twice, and beside checkpoint(), flush() and committed(): ${name}`, limit, async () => {
    const to = memory();
    const sink = await start(to, options());
    for (let n = 0; n < 5; n++) sink.write({ n });
    const before = [sink.checkpoint(), sink.flush(), sink.committed()];
    const first = sink.close();
    const behind = [outcomeOf(() => sink.checkpoint()), outcomeOf(() => sink.flush())];
    assert.equal(sink.close(), first);
    await Promise.all([...before, first, sink.close()]);
    for (const { code } of await Promise.all(behind)) assert.equal(code, "CLOSED");
    assert.deepEqual(ascending(numbersIn(to)), upTo(5));
    await sink.committed();
  });
