import assert from "node:assert/strict";
import { once } from "node:events";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ReadableStream } from "node:stream/web";
import { test } from "node:test";
import { memory } from "../src/destination/memory.ts";
import { MillraceError } from "../src/errors.ts";
import { open } from "../src/open.ts";
import { k, table } from "../src/schema/table.ts";
import { rowsOf } from "./rows-of.ts";

const events = table("Events", { n: k.int() });

function* numbers(count: number): Generator<{ n: number }> {
  for (let n = 0; n < count; n++) yield { n };
}

test("pipeline() from a Node Readable lands every record and closes the sink", async () => {
  const to = memory();
  const sink = await open({ table: events, to });
  await pipeline(Readable.from(numbers(20_000)), sink.nodeWritable());
  assert.equal(to.batches.flatMap(rowsOf).length, 20_000);
  assert.throws(() => sink.write({ n: 1 }), MillraceError);
});

test("pipeTo() from a WHATWG stream lands every record and closes the sink", async () => {
  const to = memory();
  const sink = await open({ table: events, to });
  await ReadableStream.from(numbers(5_000)).pipeTo(sink.writable());
  assert.equal(to.batches.flatMap(rowsOf).length, 5_000);
  assert.throws(() => sink.write({ n: 1 }), MillraceError);
});

test("preventClose makes a checkpoint and leaves the sink open for the next stream", async () => {
  const to = memory();
  const sink = await open({ table: events, to });
  await pipeline(Readable.from(numbers(10)), sink.nodeWritable({ preventClose: true }));
  assert.equal(sink.stats.delivered, 10);
  await ReadableStream.from(numbers(5)).pipeTo(sink.writable({ preventClose: true }));
  assert.equal(sink.stats.delivered, 15);
  await sink.close();
});

test("a record that is refused breaks the pipeline with its own error", async () => {
  const sink = await open({ table: events, to: memory() });
  await assert.rejects(
    pipeline(Readable.from([{ n: 1 }, { n: "two" }]), sink.nodeWritable()),
    (error: unknown) => error instanceof MillraceError && error.code === "RECORD_REFUSED",
  );
  assert.throws(() => sink.write({ n: 1 }), /aborted/);
});

test("a source that breaks aborts the sink", async () => {
  const sink = await open({ table: events, to: memory() });
  async function* broken() {
    yield { n: 1 };
    throw new Error("the wire was cut");
  }
  await assert.rejects(pipeline(Readable.from(broken()), sink.nodeWritable()), /the wire was cut/);
  await assert.rejects(
    sink.close(),
    (error: unknown) => error instanceof MillraceError && error.code === "ABORTED" && /cut/.test(String(error.cause)),
  );
});

test("a stream that is destroyed before its end aborts the sink, also without an error", async () => {
  const sink = await open({ table: events, to: memory() });
  const stream = sink.nodeWritable();
  stream.write({ n: 1 });
  const closed = once(stream, "close");
  stream.destroy();
  await closed;
  assert.throws(() => sink.write({ n: 2 }), { code: "ABORTED" });
});

test("preventAbort leaves the sink of a destroyed stream as it is", async () => {
  const to = memory();
  const sink = await open({ table: events, to });
  const stream = sink.nodeWritable({ preventAbort: true });
  stream.write({ n: 1 });
  const closed = once(stream, "close");
  stream.destroy();
  await closed;
  await sink.close();
  assert.equal(to.batches.flatMap(rowsOf).length, 1);
});
