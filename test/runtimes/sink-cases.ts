import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileDeadLetter, k, MillraceError, memory, memoryDeadLetter, open, rawJson, table } from "millrace";
import { type EventMap, eventNames } from "millrace/telemetry";
import { stalled } from "./stalled.ts";
import { firstNumbers, objectsOf, rowsOf, sorted, upTo } from "./unpack.ts";
import type { Case } from "./world.ts";

const shape = table("Records", { n: k.int(), text: k.string().optional() });

const coded = (code: string) => (error: unknown) => {
  assert.ok(error instanceof MillraceError, String(error));
  assert.equal(error.code, code, error.message);
  return true;
};

function* records(count: number): Generator<{ n: number; text: string }> {
  for (let n = 0; n < count; n++) yield { n, text: `é ${n}` };
}

/** The text's bytes, cut where no row ends and also within characters. */
function* pieces(text: string): Generator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += 1_009) yield bytes.subarray(at, at + 1_009);
}

export const sinkCases: readonly Case[] = [
  {
    name: "dead letters: one that calls its sink behind an await is refused by name, and the sink goes on",
    async run() {
      const to = memory();
      let calls = 0;
      const deadLetter = {
        async write() {
          await new Promise((resolve) => setTimeout(resolve, 5));
          await assert.rejects(sink.checkpoint(), coded("REENTRANT_CALL"));
          assert.throws(() => sink.write({ n: 1 }), coded("REENTRANT_CALL"));
          calls++;
        },
        async close() {
          await assert.rejects(sink.close(), coded("REENTRANT_CALL"));
          calls++;
        },
      };
      const sink = await open({ table: shape, to, deadLetter });
      sink.write({ n: "no" as never });
      sink.write({ n: 0 });
      await sink.checkpoint();
      await sink.close();
      assert.deepEqual([calls, to.batches.length], [2, 1]);
    },
  },
  ...[1, 2].map((parallelism) => ({
    name: `workers: parallelism ${parallelism} brings every record once`,
    async run() {
      const to = memory();
      const sink = await open({ table: shape, to, parallelism, batchSize: 5_000 });
      await sink.writeAll(records(100_000));
      await sink.close();
      assert.deepEqual(sorted(firstNumbers(to.batches)), upTo(100_000));
      assert.equal(new Set(to.batches.map(({ subtask }) => subtask)).size, parallelism);
      const { accepted, delivered, restarts } = sink.stats;
      assert.deepEqual({ accepted, delivered, restarts }, { accepted: 100_000, delivered: 100_000, restarts: 0 });
    },
  })),
  {
    name: "workers: two that fill one batch keep the order of the records",
    async run() {
      const to = memory();
      const sink = await open({ table: shape, to, parallelism: 2, batchPerSubtask: false, batchSize: 30_000 });
      await sink.writeAll(records(100_000));
      await sink.close();
      assert.deepEqual(firstNumbers(to.batches), upTo(100_000));
      assert.equal(to.batches.length, 4);
    },
  },
  {
    name: "workers: the event loop goes on turning, and a timer flushes an idle sink",
    async run() {
      const to = memory();
      const sink = await open({ table: shape, to, parallelism: 1, batchIntervalMs: 50 });
      let turns = 0;
      const timer = setInterval(() => turns++, 1);
      const landed = new Promise((resolve) => {
        const heard = () => {
          unsubscribe("millrace:batch:taken", heard);
          resolve(undefined);
        };
        subscribe("millrace:batch:taken", heard);
      });
      sink.write({ n: 0 });
      await landed;
      await sink.writeAll(records(200_000));
      clearInterval(timer);
      await sink.close();
      assert.ok(turns > 1, `${turns} turns`);
      assert.equal(to.batches[0]!.sealedBy, "interval");
      assert.equal(sink.stats.delivered, 200_001);
    },
  },
  ...(["csv", "ndjson"] as const).map((format) => ({
    name: `raw rows: ${format}, cut anywhere, with bad rows for the dead letter`,
    async run() {
      const good = (n: number) =>
        format === "csv" ? `${n},"é ""${n}""\n漢"` : JSON.stringify({ n, text: `é "${n}"\n漢` });
      const bad = (n: number) => (format === "csv" ? `${n},too,many` : `{"n":${n},}`);
      const isBad = (n: number) => n % 1_000 === 7;
      const to = memory();
      const deadLetter = memoryDeadLetter();
      const sink = await open({ table: shape, to, format, deadLetter, parallelism: 2 });
      const text = upTo(20_000).map((n) => (isBad(n) ? bad(n) : good(n)));
      for (const piece of pieces(text.join("\n"))) if (!sink.writeRaw(piece)) await sink.ready;
      await sink.close();
      const rows =
        format === "csv"
          ? to.batches.flatMap(rowsOf).map(([n, text]) => ({ n: Number(n), text }))
          : to.batches.flatMap(objectsOf);
      assert.deepEqual(
        rows.sort((a, b) => Number(a.n) - Number(b.n)),
        upTo(20_000)
          .filter((n) => !isBad(n))
          .map((n) => ({ n, text: `é "${n}"\n漢` })),
      );
      assert.deepEqual(
        deadLetter.letters.map(({ original, place }) => `${place}: ${original}`).sort(),
        upTo(20)
          .map((thousand) => `raw row ${thousand * 1_000 + 7}: ${bad(thousand * 1_000 + 7)}`)
          .sort(),
      );
    },
  })),
  {
    name: "raw rows: text with every string a runtime may hold (flat, cut, joined, of two bytes)",
    async run() {
      const to = memory();
      const sink = await open({ table: shape, to, parallelism: 1 });
      const long = "x".repeat(300);
      const texts = upTo(3_000).map((n) => [long.slice(n % 300), `é${n}`.concat(long), "漢".repeat(n % 50)][n % 3]!);
      for (const [n, text] of texts.entries()) if (!sink.writeRaw(`${n},${text}\n`)) await sink.ready;
      await sink.close();
      const rows = to.batches.flatMap(rowsOf);
      assert.deepEqual(
        rows,
        texts.map((text, n) => [String(n), text]),
      );
    },
  },
  {
    name: "raw rows: one value that is JSON already",
    async run() {
      const to = memory();
      const deadLetter = memoryDeadLetter();
      const sink = await open({ table: table("Raw", { n: k.int(), body: k.dynamic() }), to, deadLetter });
      sink.write({ n: 0, body: rawJson('{"price": 12.50, "n": 12345678901234567890}') });
      sink.write({ n: 1, body: rawJson('{"price":}') });
      sink.write({ n: 2, body: rawJson(new TextEncoder().encode("[1.0]")) });
      await sink.close();
      assert.deepEqual(
        to.batches.flatMap(rowsOf).map(([, body]) => body),
        ['{"price": 12.50, "n": 12345678901234567890}', "[1.0]"],
      );
      assert.equal(deadLetter.letters.length, 1);
    },
  },
  {
    name: "dead letter: a file has the refused records, one JSON line each",
    async run({ folder }) {
      const path = join(folder, "refused.ndjson");
      const to = memory();
      const sink = await open({ table: shape, to, deadLetter: fileDeadLetter(path) });
      for (let n = 0; n < 3_000; n++)
        if (!sink.write((n % 10 ? { n } : { n: `é ${n}` }) as never, () => `source:${n}`)) await sink.ready;
      await sink.close();
      const letters = readFileSync(path, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
      assert.deepEqual(
        letters.map(({ table, place, original }) => ({ table, place, original })),
        upTo(300).map((n) => ({ table: "Records", place: `source:${n * 10}`, original: { n: `é ${n * 10}` } })),
      );
      assert.deepEqual(
        firstNumbers(to.batches),
        upTo(3_000).filter((n) => n % 10),
      );
    },
  },
  {
    name: "streams: a WHATWG stream is piped into a sink",
    async run() {
      const to = memory();
      const sink = await open({ table: shape, to });
      const source = records(20_000);
      const stream = new ReadableStream<{ n: number }>({
        pull(controller) {
          const { done, value } = source.next();
          if (done) controller.close();
          else controller.enqueue(value);
        },
      });
      await stream
        .pipeThrough(new TransformStream({ transform: (record, out) => out.enqueue(record) }))
        .pipeTo(sink.writable() as WritableStream);
      assert.deepEqual(firstNumbers(to.batches), upTo(20_000));
      assert.throws(() => sink.write({ n: 1 }), coded("CLOSED"));
    },
  },
  {
    name: "streams: a WHATWG stream that fails aborts the sink",
    async run() {
      const sink = await open({ table: shape, to: memory() });
      const stream = new ReadableStream<{ n: number }>({
        start(controller) {
          controller.enqueue({ n: 1 });
        },
        pull(controller) {
          controller.error(new RangeError("the source broke"));
        },
      });
      await assert.rejects(stream.pipeTo(sink.writable() as WritableStream), /the source broke/);
      assert.throws(() => sink.write({ n: 1 }), coded("ABORTED"));
    },
  },
  {
    name: "streams: pipeline() of node:stream into a sink",
    async run() {
      const to = memory();
      const sink = await open({ table: shape, to, parallelism: 2 });
      await pipeline(Readable.from(records(20_000)), sink.nodeWritable());
      assert.deepEqual(sorted(firstNumbers(to.batches)), upTo(20_000));
      const broken = await open({ table: shape, to: memory() });
      const breaking = Readable.from(
        (function* () {
          yield { n: 1 };
          throw new RangeError("the source broke");
        })(),
      );
      await assert.rejects(pipeline(breaking, broken.nodeWritable()), /the source broke/);
      assert.throws(() => broken.write({ n: 1 }), coded("ABORTED"));
    },
  },
  {
    name: "abort: whatever waits is woken by the signal, and the threads end",
    async run() {
      const controller = new AbortController();
      const sink = await open({ table: shape, to: stalled(), batchSize: 100, signal: controller.signal });
      for (let n = 0; sink.write({ n }); n++);
      const waits = [sink.ready, sink.checkpoint(), sink.flush()];
      const settled = Promise.allSettled(waits);
      controller.abort(new RangeError("enough"));
      for (const wait of await settled) {
        assert.equal(wait.status, "rejected");
        coded("ABORTED")(wait.status === "rejected" && wait.reason);
      }
      assert.throws(() => sink.write({ n: 1 }), coded("ABORTED"));
      await assert.rejects(open({ table: shape, to: memory(), signal: controller.signal }), coded("ABORTED"));
      await assert.rejects(open({ table: shape, to: memory(), signal: AbortSignal.abort() }), coded("ABORTED"));
      const timedOut = AbortSignal.timeout(20);
      const slow = await open({ table: shape, to: stalled(), signal: timedOut });
      slow.write({ n: 1 });
      if (!timedOut.aborted) await once(timedOut as never, "abort");
      await assert.rejects(slow.close(), coded("ABORTED"));
    },
  },
  {
    name: "events: diagnostics_channel tells of batches, refusals and checkpoints",
    async run() {
      const seen: { name: string; message: Record<string, unknown> }[] = [];
      const listeners = eventNames.map((name) => {
        const listener = (message: unknown) => seen.push({ name, message: message as Record<string, unknown> });
        subscribe(name, listener);
        return () => unsubscribe(name, listener);
      });
      const sink = await open({ table: table("Told", { n: k.int() }), to: memory(), deadLetter: memoryDeadLetter() });
      for (let n = 0; n < 2_500; n++) if (!sink.write({ n })) await sink.ready;
      sink.write({ n: "no" as never }, "there:1");
      await sink.checkpoint();
      await sink.close();
      for (const stop of listeners) stop();
      const of = <N extends keyof EventMap>(name: N) =>
        seen.filter((each) => each.name === name).map(({ message }) => message as unknown as EventMap[N]);
      for (const name of ["millrace:batch:sealed", "millrace:batch:staged", "millrace:batch:taken"] as const)
        assert.deepEqual(
          of(name).map(({ table, rows }) => `${table} ${rows}`),
          ["Told 1000", "Told 1000", "Told 500"],
        );
      assert.deepEqual(
        of("millrace:batch:sealed").map(({ sealedBy }) => sealedBy),
        ["records", "records", "flush"],
      );
      assert.deepEqual(
        of("millrace:record:rejected").map(({ record, place }) => [record, place]),
        [[2_500, "there:1"]],
      );
      assert.deepEqual(
        of("millrace:checkpoint").map(({ epoch, records }) => [epoch, records]),
        [[1, 2_500]],
      );
      const told = seen.length;
      const deaf = await open({ table: shape, to: memory() });
      await deaf.writeAll(records(10));
      await deaf.close();
      assert.equal(seen.length, told);
    },
  },
];
