import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { memory } from "../src/destination/memory.ts";
import { open } from "../src/open.ts";
import { run } from "../src/run/run.ts";
import { k, table } from "../src/schema/table.ts";
import { iterable } from "../src/source/iterable.ts";
import { rowsOf } from "./rows-of.ts";

const events = table("Events", { n: k.int() });
const options = { table: events, batchSize: 1_000_000, batchIntervalMs: 0 } as const;

/** A clock on which each record takes so many milliseconds to write, and each look at it so many. */
async function clock(t: TestContext, perLook = 0) {
  await turn(); // what the loop was held before is forgotten: it was by another clock
  let now = performance.now();
  t.mock.method(performance, "now", () => {
    now += perLook;
    return now;
  });
  return {
    *records(count: number, ms: number) {
      for (let n = 0; n < count; n++)
        yield {
          get n() {
            now += ms;
            return n;
          },
        };
    },
  };
}

/** Counts the turns of the event loop until it is told to stop. */
function countTurns(t: TestContext) {
  const turns = { count: 0, isOver: false };
  t.after(() => {
    turns.isOver = true;
  });
  const next = () => {
    turns.count++;
    if (!turns.isOver) setImmediate(next);
  };
  setImmediate(next);
  return turns;
}

for (const parallelism of [0, 1]) {
  test(`write() returns false when the loop has been held, and ready waits for it to turn, parallelism ${parallelism}`, async (t) => {
    const sink = await open({ ...options, to: memory(), parallelism });
    let written = 0;
    let hasWaited = false;
    for (const record of (await clock(t)).records(2_000, 0.1)) {
      written++;
      if (sink.write(record)) continue;
      assert.ok(written > 20 && written < 120, `${written} records of 0.1 ms`);
      let isReady = false;
      const ready = sink.ready.then(() => {
        isReady = true;
      });
      for (let tick = 0; tick < 100; tick++) await undefined;
      assert.equal(isReady, false, "promises alone do not turn the loop");
      await ready;
      hasWaited = true;
      break;
    }
    assert.ok(hasWaited, "2 000 records of 0.1 ms each must not be taken at once");
    assert.equal(sink.write({ n: -1 }), true);
    await sink.close();
    assert.equal(sink.stats.delivered, written + 1);
  });

  const ways = {
    "writeAll()": (sink, records) => sink.writeAll(records),
    "run()": (sink, records) => run({ from: iterable(records), into: sink }),
    "a WHATWG stream": (sink, records) => ReadableStream.from([...records]).pipeTo(sink.writable() as never),
  } satisfies Record<
    string,
    (sink: Awaited<ReturnType<typeof openEvents>>, records: Iterable<{ n: number }>) => unknown
  >;
  const openEvents = (to: ReturnType<typeof memory>) => open({ ...options, to, parallelism });

  for (const [way, writeBy] of Object.entries(ways))
    test(`the loop turns meanwhile by ${way}, parallelism ${parallelism}`, async (t) => {
      const to = memory();
      const sink = await openEvents(to);
      const { records } = await clock(t);
      const turns = countTurns(t);
      await writeBy(sink, records(2_000, 0.1));
      assert.ok(turns.count >= 20, `${turns.count} turns in 200 ms`);
      await sink.close();
      assert.equal(to.batches.flatMap(rowsOf).length, 2_000);
    });

  test(`megabytes of raw rows are taken as the loop turns, parallelism ${parallelism}`, async (t) => {
    const to = memory();
    const sink = await open({ ...options, to, parallelism });
    await clock(t, 0.5);
    const lines = Array.from({ length: 150_000 }, (_, n) => `${n}\n`);
    const isReady = sink.writeRaw(lines.join(""));
    assert.equal(isReady, false, "a megabyte");
    const turns = countTurns(t);
    await sink.ready;
    assert.ok(turns.count >= 1);
    await sink.flush();
    assert.equal(sink.writeRaw(Buffer.from(lines.join(""))), false);
    sink.write({ n: -1 }); // not heeded: what is left goes first
    await sink.close();
    const rows = to.batches.flatMap(rowsOf).map(([n]) => `${n}\n`);
    assert.equal(rows.length, 300_001);
    assert.equal(rows.slice(0, 150_000).join(""), lines.join(""));
    assert.equal(rows.slice(150_000).join(""), `${lines.join("")}-1\n`);
  });
}
