import assert from "node:assert/strict";
import { PassThrough, type Readable } from "node:stream";
import { test } from "node:test";
import { createGzip } from "node:zlib";
import { stdin } from "../../src/source/stdin.ts";
import { until } from "../gated.ts";

const never = new AbortController().signal;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Reads until the source ends; `onSlice` is awaited after each slice. */
async function read(source: ReturnType<typeof stdin>, onSlice: () => unknown = () => {}) {
  const records: unknown[] = [];
  for await (const slice of source.read({}, never)) {
    assert.deepEqual(slice.refused ?? [], []);
    records.push(...slice.records);
    await onSlice();
  }
  return records;
}

function start(stream: Readable, format: "auto" | "csv" = "auto") {
  const notices: string[] = [];
  return { notices, source: stdin({ stream, format, onNotice: (notice) => notices.push(notice) }) };
}

test("stop: what lies in the pipe is read, a record of which a part came is left out and told of", async () => {
  const texts: [text: string, records: unknown[], notice: RegExp | undefined][] = [
    ['{"n":1}\n{"n":2}\n \n', [{ n: 1 }, { n: 2 }], undefined],
    ['{"n":1}\n{"n":2}', [{ n: 1 }, { n: 2 }], undefined],
    ['{"n":1}\n{"n":2}\n{"n":3', [{ n: 1 }, { n: 2 }], /stdin: it was stopped in the midst .* line 3/],
    // A field that was cut off is a field all the same, and would land shortened.
    ["a,b\n1,one\n2,tw", [{ a: "1", b: "one" }], /line 3/],
    ['[{"n":1},{"n":2},{"n"', [{ n: 1 }, { n: 2 }], /./],
  ];
  for (const end of ["silence", "end of file"])
    for (const [text, expected, notice] of texts) {
      const stream = new PassThrough();
      const { notices, source } = start(stream, text.startsWith("a,b") ? "csv" : "auto");
      stream.write(text);
      const reading = read(source);
      source.stop!();
      if (end === "end of file") stream.end();
      assert.deepEqual(await reading, expected, `${end}: ${text}`);
      assert.equal(stream.destroyed, true);
      if (notice) assert.match(notices.join(), notice);
      else assert.deepEqual(notices, []);
    }
});

test("a stream that ended before the stop has given all of its last record; right before it, that may be a part", async () => {
  for (const [isLater, rows] of [
    [true, 2],
    [false, 1],
  ] as const) {
    const stream = new PassThrough();
    const { notices, source } = start(stream, "csv");
    stream.end("a,b\n1,one\n2,two");
    let count = 0;
    for await (const { records } of source.read({}, never)) {
      count += records.length;
      await until(() => stream.readableEnded, "the end of the stream");
      if (count === (isLater ? 2 : 1)) source.stop!();
    }
    assert.equal(count, rows);
    assert.equal(notices.length, 2 - rows);
  }
});

test("stop reads on while a packed stream gives something, and ends with its silence", async () => {
  const gzip = createGzip();
  const { source } = start(gzip);
  gzip.write('{"n":1}\n');
  gzip.flush();
  let isStopped = false;
  const records = await read(source, () => {
    if (isStopped) return;
    isStopped = true;
    source.stop!();
    gzip.write('{"n":2}\n');
    gzip.flush();
  });
  assert.deepEqual(records, [{ n: 1 }, { n: 2 }]);
});

test("stop ends a stream that never is silent, and one that gave nothing", async () => {
  const stream = new PassThrough();
  const { source } = start(stream);
  let isOver = false;
  const line = Buffer.from(`${'{"n":1}\n'.repeat(8_000)}`);
  const writing = (async () => {
    while (!isOver && !stream.destroyed) {
      if (!stream.write(line)) await Promise.race([new Promise((resolve) => stream.once("drain", resolve)), pause(5)]);
    }
  })();
  const records = await read(source, () => source.stop!());
  isOver = true;
  await writing;
  assert.ok(records.length > 8_000 && records.length < 1_000_000, `${records.length}`);

  const silent = start(new PassThrough());
  silent.source.stop!();
  assert.deepEqual(await read(silent.source), []);
  assert.deepEqual(silent.notices, []);
});
