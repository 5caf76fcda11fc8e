import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { parse } from "csv-parse/sync";
import { stdout, toStream } from "../../../src/connectors/streams/stdout.ts";
import { MillraceError } from "../../../src/errors.ts";
import { k, open, table } from "../../../src/index.ts";
import { ended, idsIn, startWriter } from "./child.ts";

const upTo = (count: number) => Array.from({ length: count }, (_, id) => id);
const numbers = table("Numbers", { id: k.int(), text: k.string().optional() });

test("a slow reader of the pipe gets every row, and close() resolves when all is written", async () => {
  const child = startWriter("stdout", "ndjson", 5_000);
  const end = ended(child);
  let text = "";
  for await (const data of child.stdout!) {
    text += data;
    await pause(1);
  }
  assert.deepEqual(await end, { how: 0, said: "" });
  assert.deepEqual(idsIn(text), upTo(5_000));
});

test("CSV with a header: csv-parse reads the rows, those with newlines too", async () => {
  const child = startWriter("stdout", "csv", 1_000);
  const end = ended(child);
  let text = "";
  for await (const data of child.stdout!) text += data;
  assert.equal((await end).how, 0);
  const [header, ...rows] = parse(text) as string[][];
  assert.deepEqual(header, ["id", "text"]);
  assert.deepEqual(
    rows,
    upTo(1_000).map((id) => [String(id), `"${id}"\n${"x".repeat(id % 300)}`]),
  );
});

test("a reader that closes the pipe is an error that names it, and not the end of the process", async () => {
  const child = startWriter("stdout", "ndjson", 1_000_000);
  child.stdout!.once("data", () => child.stdout!.destroy());
  const { how, said } = await ended(child);
  assert.equal(how, 3, said);
  assert.match(
    said,
    /^TARGET_UNWRITABLE: Table Numbers: batch .* stdout cannot be written: its reader has closed it \(EPIPE\)/,
  );
});

test("killed in the midst and started again with its state, it writes every row at least once", async (t) => {
  const state = mkdtempSync(join(tmpdir(), "millrace-stdout-"));
  t.after(() => rmSync(state, { recursive: true, force: true }));
  const ids: number[] = [];
  for (const killBehind of [2, 4, Number.POSITIVE_INFINITY]) {
    const child = startWriter("stdout", "ndjson", 6_000, join(state, "state"));
    const end = ended(child, killBehind);
    let text = "";
    for await (const data of child.stdout!) text += data;
    assert.equal((await end).how, killBehind === Number.POSITIVE_INFINITY ? 0 : "SIGKILL");
    ids.push(...idsIn(text.slice(0, text.lastIndexOf("\n") + 1)));
  }
  assert.deepEqual(
    [...new Set(ids)].sort((a, b) => a - b),
    upTo(6_000),
  );
});

test("a stream that takes nothing slows the writer down, and abort() ends at once", async () => {
  const stuck = new Writable({ write() {} });
  const sink = await open({ table: numbers, to: toStream(() => stuck, "stdout", {}), batchSize: 10, parallelism: 0 });
  let written = 0;
  while (sink.write({ id: written++ }) && written < 10_000);
  assert.ok(written < 1_000, `${written} records`);
  const waiting = assert.rejects(sink.ready, { code: "ABORTED" });
  await sink.abort();
  await waiting;
  assert.equal(stuck.listenerCount("error"), 1);
  await pause(5);
  assert.equal(stuck.listenerCount("error"), 0);
});

test("sinks that share a stream do not cut each other's rows", async () => {
  const stream = new PassThrough({ highWaterMark: 100 });
  const read = (async () => Buffer.concat(await stream.toArray()).toString())();
  const sinks = await Promise.all(
    [0, 1].map(() => open({ table: numbers, to: toStream(() => stream, "stdout", {}), batchSize: 500_000 })),
  );
  const text = "y".repeat(1_000);
  for (let id = 0; id < 5_000; id++) for (const sink of sinks) if (!sink.write({ id, text })) await sink.ready;
  for (const sink of sinks) await sink.close();
  stream.end();
  const ids = (await read)
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line).id as number);
  assert.deepEqual(
    ids.sort((a, b) => a - b),
    upTo(5_000).flatMap((id) => [id, id]),
  );
});

test("options are checked by name, and the sink's format is the destination's", async () => {
  for (const [given, message] of [
    [{ format: "xml" }, /stdout\(\): format is a text; it takes "csv" or "ndjson"/],
    [{ header: 1 }, /stdout\(\): header is the number 1; it takes true or false/],
    [{ header: true }, /stdout\(\): header is true; it takes false, but with format: "csv"/],
    [{ headers: true }, /stdout\(\) has no option headers. Did you mean header\?/],
  ] as const)
    assert.throws(
      () => stdout(given as never),
      (error) => error instanceof MillraceError && message.test(error.message),
    );
  await assert.rejects(open({ table: numbers, to: stdout(), format: "csv" }), /format is "csv"; it takes ndjson here/);
  await assert.rejects(
    open({ table: numbers, to: stdout(), header: true } as never),
    /has no option header: it is one of the destination: .*stdout/,
  );
});
