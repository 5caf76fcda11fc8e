import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, test } from "node:test";
import fc from "fast-check";
import { memoryDeadLetter } from "../src/deliver/dead-letter.ts";
import { memory } from "../src/destination/memory.ts";
import { type ErrorCode, MillraceError } from "../src/errors.ts";
import type { RejectedEvent } from "../src/events.ts";
import { open } from "../src/open.ts";
import { k, table } from "../src/schema/table.ts";
import { gated, until } from "./gated.ts";
import { objectsOf, rowsOf, textOf } from "./rows-of.ts";

const events = table("Events", { n: k.int(), text: k.string().optional() });

function coded(code: ErrorCode, message?: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof MillraceError, String(error));
    assert.equal(error.code, code, error.message);
    if (message) assert.match(error.message, message);
    return true;
  };
}

/** The text in pieces of a length that meets no row's. */
function* pieces(text: string, length = 1_009): Generator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

const count = 20_000;
const csv = Array.from({ length: count }, (_, n) => `${n},"naïve ""${n}""\n${"x".repeat(n % 50)}"\r\n`).join("");
const ndjson = Array.from({ length: count }, (_, n) => `{"n":${n},"text":"naïve \\"${n}\\""}\n`).join("");

for (const parallelism of [0, 1, 2])
  describe(`parallelism ${parallelism}`, () => {
    for (const format of ["csv", "ndjson"] as const)
      test(`${format}: every row arrives once, however it was cut, as bytes or as text`, async () => {
        const whole = format === "csv" ? csv : ndjson;
        const to = memory();
        const sink = await open({ table: events, to, format, parallelism, batchSize: 999 });
        let asText = false;
        for (const piece of pieces(whole.slice(0, -1))) {
          asText = !asText && Buffer.from(piece.toString()).equals(piece);
          if (!sink.writeRaw(asText ? piece.toString() : piece)) await sink.ready;
        }
        await sink.close();
        for (const batch of to.batches) assert.ok(batch.rows <= 999);
        const numbers =
          format === "csv"
            ? to.batches.flatMap(rowsOf).map(([n]) => Number(n))
            : to.batches.flatMap(objectsOf).map(({ n }) => n as number);
        assert.deepEqual(
          numbers.sort((a, b) => a - b),
          Array.from({ length: count }, (_, n) => n),
        );
        const { accepted, delivered, rejected } = sink.stats;
        assert.deepEqual({ accepted, delivered, rejected }, { accepted: count, delivered: count, rejected: 0 });
      });

    test("a bad row goes to the dead letter by its number and its text, and its neighbours arrive", async () => {
      const to = memory();
      const deadLetter = memoryDeadLetter();
      const seen: RejectedEvent[] = [];
      const listen = (message: unknown) => seen.push(message as RejectedEvent);
      subscribe("millrace:record:rejected", listen);
      const sink = await open({ table: events, to, parallelism, deadLetter });
      const rows = Array.from({ length: 30_000 }, (_, n) => (n % 1_000 === 7 ? `${n},a,"b"` : `${n},ok`));
      for (const piece of pieces(rows.join("\n"), 50_000)) if (!sink.writeRaw(piece)) await sink.ready;
      await sink.flush();
      unsubscribe("millrace:record:rejected", listen);
      const bad = rows.flatMap((row, n) => (n % 1_000 === 7 ? [{ row, n }] : []));
      assert.deepEqual(
        deadLetter.letters.map(({ place, original, record }) => ({ place, original, record })),
        bad.map(({ row, n }) => ({ place: `raw row ${n}`, original: row, record: -1 })),
      );
      assert.match(
        deadLetter.letters[0]!.reason,
        /^Raw row 7 does not fit table Events: it has 3 fields, and the table has 2 columns: "7,a,\\"b\\""\.$/,
      );
      assert.deepEqual(
        seen.map(({ place }) => place),
        bad.map(({ n }) => `raw row ${n}`),
      );
      await sink.close();
      const { accepted, delivered, rejected } = sink.stats;
      assert.deepEqual(
        { accepted, delivered, rejected },
        { accepted: 30_000 - bad.length, delivered: 30_000 - bad.length, rejected: bad.length },
      );
      assert.equal(to.batches.flatMap(rowsOf).length, 30_000 - bad.length);
    });

    test("without a dead letter the sink fails with RECORD_REFUSED, and no checkpoint resolves", async () => {
      const sink = await open({ table: events, to: memory(), parallelism });
      sink.writeRaw("1,a\n2,b,c\n3,d\n");
      await assert.rejects(sink.checkpoint(), coded("RECORD_REFUSED", /Raw row 1 .*Events.*3 fields.*"2,b,c"/));
      assert.throws(() => sink.writeRaw("4,e\n"), coded("RECORD_REFUSED", /Raw row 1/));
      assert.throws(() => sink.write({ n: 5 }), coded("RECORD_REFUSED", /Raw row 1/));
      await assert.rejects(sink.ready, coded("RECORD_REFUSED"));
      await assert.rejects(sink.close(), coded("RECORD_REFUSED"));
      assert.equal(sink.stats.rejected, 1);
    });

    test("batches end between rows, at batchSize and at clientBatchSizeLimit", async () => {
      for (const limits of [{ batchSize: 7 }, { clientBatchSizeLimit: 1_000 }]) {
        const to = memory();
        const sink = await open({ table: events, to, parallelism, maxBatchesInFlight: 1_000, ...limits });
        const rows = Array.from({ length: 300 }, (_, n) => `${n},"${"é\n".repeat(n % 90)}"\n`);
        sink.writeRaw(rows.join(""));
        await sink.close();
        const texts = to.batches.map(textOf);
        if (parallelism < 2) assert.equal(texts.join(""), rows.join(""));
        else assert.equal(texts.join("").length, rows.join("").length);
        for (const batch of to.batches)
          assert.ok(
            batch.rows <= (limits.batchSize ?? 1_000) && batch.rawBytes <= (limits.clientBatchSizeLimit ?? 1e9),
          );
        const full = to.batches.slice(0, -1);
        if (limits.batchSize) assert.ok(full.every(({ rows, sealedBy }) => rows === 7 && sealedBy === "records"));
        else assert.ok(full.every(({ rawBytes, sealedBy }) => rawBytes > 700 && sealedBy === "bytes"));
      }
    });
  });

for (const parallelism of [0, 1])
  test(`raw rows and records keep their order; a row not over yet comes after, parallelism ${parallelism}`, async () => {
    const to = memory();
    const sink = await open({ table: events, to, parallelism });
    sink.write({ n: 1 });
    sink.writeRaw("2,\n3");
    sink.write({ n: 4 });
    sink.writeRaw(",\n5,\n");
    sink.write({ n: 6 });
    sink.writeRaw("7,");
    await sink.close();
    assert.equal(to.batches.map(textOf).join(""), "1,\n2,\n4,\n3,\n5,\n6,\n7,\n");
  });

test("flush, checkpoint and close take what is left as a row; the timer takes whole rows alone", async () => {
  const to = memory();
  const sink = await open({ table: events, to, batchIntervalMs: 30 });
  sink.writeRaw("1,a\n2,b");
  await until(() => to.batches.length === 1, "the timer");
  assert.equal(textOf(to.batches[0]!), "1,a\n");
  assert.equal(to.batches[0]!.sealedBy, "interval");
  sink.writeRaw("c");
  await sink.flush();
  assert.equal(textOf(to.batches[1]!), "2,bc\n");
  sink.writeRaw('3,"d');
  sink.writeRaw('"');
  assert.deepEqual(await sink.checkpoint(), { epoch: 1, records: 3 });
  sink.writeRaw("4,e\r");
  await sink.close();
  assert.deepEqual(to.batches.slice(2).map(textOf), ['3,"d"\n', "4,e\r\n"]);
});

test("a checkpoint counts the rows before it, and none that came while it waited", async () => {
  const to = gated();
  const sink = await open({ table: events, to });
  sink.write({ n: 1 });
  sink.writeRaw("2,\n3,");
  const first = sink.checkpoint();
  sink.writeRaw("4,\n5,\n6,\n");
  sink.write({ n: 7 });
  await until(() => to.waiting.length === 1, "the first batch");
  to.release();
  assert.deepEqual(await first, { epoch: 1, records: 3 });
  const second = sink.checkpoint();
  await until(() => to.waiting.length === 1, "the second batch");
  to.release();
  assert.deepEqual(await second, { epoch: 2, records: 4 });
  assert.equal(sink.stats.accepted, 7);
  await sink.close();
});

test("none: a checkpoint does not hide a refused row", async () => {
  const sink = await open({ table: events, to: memory(), deliveryGuarantee: "none" });
  sink.writeRaw("1\n");
  await assert.rejects(sink.checkpoint(), coded("RECORD_REFUSED", /1 field, .*2 columns/));
  await assert.rejects(sink.close(), coded("RECORD_REFUSED"));
});

const refusals: readonly (readonly ["csv" | "ndjson", string | Uint8Array, RegExp])[] = [
  ["csv", 'a"b,c', /at character 1 a quote stands in a field that is not quoted/],
  ["csv", '"a" ,c', /at character 3 text follows a closing quote/],
  ["csv", '1,"a', /the quote at character 2 is not closed/],
  ["csv", "1,a\r2", /at character 3 a carriage return/],
  ["csv", "1", /it has 1 field, and the table has 2 columns: "1"/],
  ["csv", "1,a\ud800", /: it is not UTF-8: at character 3 stands a lone surrogate: /],
  ["csv", Buffer.from([0x31, 0x2c, 0xc3, 0xa9, 0xff]), /: it is not UTF-8: at character 3 stands byte 0xff: /],
  ["csv", `1,${"x".repeat(100)}`, /more than the 100 bytes of a batch/],
  ["ndjson", '{"é":1,}', /not a JSON object: a key is missing, at character 7/],
  ["ndjson", "[1]", /not a JSON object: the object is missing, at character 0/],
  ["ndjson", '{"a":1} {"a":2}', /the text should end, at character 8/],
  ["ndjson", '{"a":"\\x"}', /an escape is unknown, at character 6/],
];

test("each reason is named, with its place, on one line", async () => {
  for (const [format, row, reason] of refusals) {
    const deadLetter = memoryDeadLetter();
    const sink = await open({
      table: events,
      to: memory(),
      format,
      deadLetter,
      parallelism: 0,
      clientBatchSizeLimit: 100,
    });
    sink.writeRaw(row);
    await sink.close();
    assert.equal(deadLetter.letters.length, 1);
    const letter = deadLetter.letters[0]!;
    assert.match(letter.reason, reason);
    assert.match(letter.reason, /^Raw row 0 does not fit table Events: .{1,250}$/);
    if (typeof row === "string" && row.isWellFormed()) assert.equal(letter.original, row);
  }
});

test('malformedText "replace" is for raw text too', async () => {
  const to = memory();
  const sink = await open({ table: events, to, malformedText: "replace" });
  sink.writeRaw("1,a\ud83d");
  await sink.close();
  assert.equal(textOf(to.batches[0]!), "1,a\ufffd\n");
});

for (const parallelism of [0, 1])
  test(`the caller's buffer is neither kept nor detached, parallelism ${parallelism}`, async () => {
    const to = memory();
    const sink = await open({ table: events, to, parallelism });
    const given = new Uint8Array(300_000);
    for (let i = 0; i < 5; i++) {
      given.set(Buffer.from(`${i},${"x".repeat(given.length - 3)}\n`));
      sink.writeRaw(given);
      assert.equal(given.length, 300_000);
      given.fill(0x22);
    }
    await sink.close();
    assert.deepEqual(
      to.batches.flatMap(rowsOf).map(([n]) => n),
      ["0", "1", "2", "3", "4"],
    );
  });

test("writeRaw() returns false when enough waits, throws when that is not heeded, and loses nothing", async () => {
  const to = gated();
  const sink = await open({ table: events, to, parallelism: 0, batchSize: 1, maxBatchesInFlight: 2 });
  const answers: boolean[] = [];
  assert.throws(
    () => {
      // Rows are handed over when something else comes: here a record that is refused.
      for (let n = 0; n < 100; n++) {
        answers.push(sink.writeRaw(`${n},\n`));
        assert.throws(() => sink.write({ n: 1.5 }), coded("RECORD_REFUSED"));
      }
    },
    (error: unknown) => !(error instanceof MillraceError) || error.code === "BACK_PRESSURE",
  );
  assert.deepEqual(answers.slice(0, 4), [true, true, false, false]);
  await until(() => to.waiting.length > 0, "the batches");
  const closed = sink.close();
  while (to.taken.length < answers.length) {
    if (to.waiting.length > 0) to.release();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await closed;
  assert.equal(to.taken.map(textOf).join(""), answers.map((_, n) => `${n},\n`).join(""));
});

test("a worker that is fed without heed is stopped by BACK_PRESSURE, and what was taken arrives", async () => {
  const to = memory();
  const sink = await open({ table: events, to, batchSize: 1e9 });
  const rows = Buffer.from("1,abc\n".repeat(22_000));
  let calls = 0;
  assert.throws(
    () => {
      for (; calls < 100_000; calls++) sink.writeRaw(rows);
    },
    coded("BACK_PRESSURE", /chunks are waiting/),
  );
  await sink.ready;
  await sink.close();
  assert.equal(sink.stats.delivered, calls * 22_000);
});

test("it takes bytes and text only, and nothing once closed", async () => {
  const sink = await open({ table: events, to: memory() });
  for (const wrong of [undefined, null, 1, {}, [1], new ArrayBuffer(1), new Uint16Array(1)])
    assert.throws(() => sink.writeRaw(wrong as never), coded("BAD_OPTION", /Events.*Uint8Array or a text/));
  sink.writeRaw("");
  sink.writeRaw(new Uint8Array(0));
  await sink.close();
  assert.throws(() => sink.writeRaw("1,\n"), coded("CLOSED"));
  assert.equal(sink.stats.batches, 0);
});

test("whatever comes, every row arrives or is refused, and nothing stops the sink", async () => {
  const line = fc.oneof(
    fc.constantFrom('1,"a"', "2,b", '"3","c\nd"'),
    fc.string({ unit: "binary", maxLength: 30 }).filter((one) => !/[\n"]/.test(one)),
    fc.constantFrom('4,"open', 'x"y,z', '"a"b,c', ",", ""),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 40 }), fc.integer({ min: 1, max: 50 }), async (lines, length) => {
      const deadLetter = memoryDeadLetter();
      const to = memory();
      const sink = await open({ table: events, to, deadLetter, parallelism: 0 });
      for (const piece of pieces(lines.join("\n"), length)) sink.writeRaw(piece);
      await sink.close();
      const { accepted, delivered, rejected } = sink.stats;
      assert.equal(delivered, accepted);
      assert.equal(rejected, deadLetter.letters.length);
      const rows = to.batches.flatMap(rowsOf);
      assert.equal(rows.length, delivered);
      for (const row of rows) assert.equal(row.length, 2);
    }),
    { numRuns: 200 },
  );
});
