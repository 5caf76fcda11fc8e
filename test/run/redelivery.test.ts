import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { stateOn } from "../../src/checkpoint/file-state.ts";
import { memory } from "../../src/destination/memory.ts";
import { listen } from "../../src/events.ts";
import { memoryDisk } from "../../src/log/memory-disk.ts";
import { open } from "../../src/open.ts";
import { run } from "../../src/run/run.ts";
import { k, table } from "../../src/schema/table.ts";
import { BrokerSource, broker } from "../broker.ts";
import { gated, releasing, until } from "../gated.ts";
import { rowsOf } from "../rows-of.ts";

// A broker gives again what was not acknowledged, so rows of such records must not be committed.

const events = table("Events", { n: k.int() });
const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000);
const upTo = (end: number) => Array.from({ length: end }, (_, n) => n);

function start(disk = memoryDisk(), to = memory()) {
  const exactly = { deliveryGuarantee: "exactly-once", state: stateOn(disk, "state") } as const;
  return open({
    table: events,
    to,
    parallelism: 0,
    retryBaseMs: 1,
    retryTimeoutMs: 50,
    ...exactly,
  });
}

function numbersIn(to: ReturnType<typeof memory>): number[] {
  return to.batches
    .flatMap(rowsOf)
    .map(([n]) => Number(n))
    .sort((a, b) => a - b);
}

function warnings() {
  const messages: string[] = [];
  const stop = listen({
    "millrace:source:warning": ({ source, message }) => void messages.push(`${source}: ${message}`),
  });
  return { messages, stop };
}

test("a run that is aborted before its first checkpoint commits nothing, and gives everything back", async () => {
  const queue = broker(20);
  const disk = memoryDisk();
  const to = memory();
  const sink = await start(disk, to);
  const stop = new AbortController();
  const source = new BrokerSource(queue);
  const onProgress = ({ read }: { read: number }) => {
    if (read >= 9) stop.abort();
  };
  await assert.rejects(run({ from: source, into: sink, signal: stop.signal, onProgress }), { code: "ABORTED" });
  await sink.close();
  assert.deepEqual(numbersIn(to), []);
  assert.deepEqual(source.calls, ["read from {}", "release", "close"]);
  assert.equal(queue.visible, 20, "nobody waits for the end of a lease");
  const next = await start(disk, to);
  await run({ from: new BrokerSource(queue), into: next });
  await next.close();
  assert.deepEqual(numbersIn(to), upTo(20));
  assert.equal(queue.left, 0);
});

test("a broker that breaks off leaves no checkpoint: what it could not be told of is not committed", async () => {
  const queue = broker(20);
  const disk = memoryDisk();
  const to = memory();
  const sink = await start(disk, to);
  const source = new BrokerSource(queue);
  source.breakAt = 4;
  await assert.rejects(run({ from: source, into: sink }), /the connection broke/);
  await sink.close();
  assert.deepEqual(numbersIn(to), []);
  assert.deepEqual(source.calls, ["read from {}", "release", "close"]);
});

test("positions of a broker are not stored", async () => {
  const disk = memoryDisk();
  const sink = await start(disk);
  await run({ from: new BrokerSource(broker(5)), into: sink });
  assert.deepEqual(sink.restored?.positions, {});
  await sink.close();
});

test("a lease is renewed while the destination takes nothing; a renewal that fails is told, and made again", async () => {
  const queue = broker(30);
  const to = gated();
  const sink = await open({ table: events, to, parallelism: 0, batchSize: 1, maxBatchesInFlight: 1 });
  const source = new BrokerSource(queue);
  source.onExtend = () => {
    if (source.extensions === 2) throw new Error("the broker is busy");
  };
  const { messages, stop } = warnings();
  const running = run({ from: source, into: sink });
  await until(() => source.extensions >= 4 && to.waiting.length > 0, "renewals while a batch waits");
  await releasing(to, running);
  stop();
  assert.deepEqual(messages, ["broker: Renewing the lease failed: the broker is busy"]);
  assert.equal(queue.left, 0);
  const { extensions } = source;
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 2));
  assert.equal(source.extensions, extensions, "none after the end");
  await sink.close();
});

test("a renewal that hangs is aborted, told, and made again", async () => {
  const signals: AbortSignal[] = [];
  const to = gated();
  const sink = await open({ table: events, to });
  const { messages, stop } = warnings();
  const running = run({
    from: {
      name: "hanging",
      recovery: "redelivery",
      lease: {
        everyMs: 1,
        extend(signal) {
          signals.push(signal);
          return new Promise(() => {});
        },
      },
      async *read() {
        yield { partition: "a", position: 1, records: [{ n: 1 }] };
      },
    },
    into: sink,
  });
  await until(() => signals.length >= 3, "a third renewal");
  assert.deepEqual(
    signals.slice(0, 2).map(({ aborted }) => aborted),
    [true, true],
  );
  await until(() => to.waiting.length > 0, "the batch at the gate");
  to.release();
  await running;
  stop();
  assert.match(messages[0]!, /^hanging: Renewing the lease took longer than 1 ms/);
  assert.ok(signals.at(-1)!.aborted, "the last one is not left behind");
  await sink.close();
});

test("a release that fails is told, and the run ends as it would have", async () => {
  const { messages, stop } = warnings();
  const sink = await open({ table: events, to: memory() });
  const source = new BrokerSource(broker(4));
  source.release = () => Promise.reject(new Error("the broker is gone"));
  assert.equal((await run({ from: source, into: sink })).read, 4);
  stop();
  assert.match(
    messages.join(),
    /^broker: Giving back what was not acknowledged failed: the broker is gone\. The broker/,
  );
  assert.equal(source.calls.at(-1), "close");
  await sink.close();
});

test("a source that never answers to acknowledge() does not outlast an abort", async () => {
  const sink = await open({ table: events, to: memory() });
  const stop = new AbortController();
  const source = new BrokerSource(broker(4));
  source.acknowledge = () => {
    stop.abort();
    return new Promise(() => {});
  };
  await assert.rejects(run({ from: source, into: sink, signal: stop.signal }), { code: "ABORTED" });
  assert.deepEqual(source.calls.slice(-2), ["release", "close"]);
  await sink.close();
});

test(`whatever is aborted, and whenever: every message arrives, and once where each acknowledgement was heard (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 40 }),
      fc.array(fc.record({ after: fc.integer({ min: 0, max: 12 }), isDeaf: fc.boolean() }), { maxLength: 5 }),
      fc.integer({ min: 1, max: 7 }),
      async (count, lives, perSlice) => {
        const queue = broker(count);
        const disk = memoryDisk();
        const to = memory();
        let isOnce = true;
        for (const { after, isDeaf } of [...lives, { after: Infinity, isDeaf: false }]) {
          const sink = await start(disk, to);
          const stop = new AbortController();
          const source = new BrokerSource(queue, perSlice);
          let slices = 0;
          source.onAcknowledge = () => {
            if (!isDeaf) return;
            isOnce = false;
            throw new Error("the broker was not reached");
          };
          await run({
            from: source,
            into: sink,
            checkpointMs: 1,
            signal: stop.signal,
            onProgress: () => {
              if (++slices >= after) stop.abort();
            },
          }).catch(() => {});
          await sink.close();
          queue.expire();
        }
        assert.equal(queue.left, 0);
        const arrived = numbersIn(to);
        assert.deepEqual([...new Set(arrived)], upTo(count), "every message arrives");
        if (isOnce) assert.deepEqual(arrived, upTo(count), "once");
      },
    ),
    { seed, numRuns: 40 },
  );
});
