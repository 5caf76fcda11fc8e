import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import { rowsOf } from "../src/batch/rows-of.ts";
import type { SealedBatch } from "../src/batch/sealed-batch.ts";
import { fileState, memoryState } from "../src/checkpoint/file-state.ts";
import type { Destination, EpochCommitter } from "../src/destination/destination.ts";
import { memory } from "../src/destination/memory.ts";
import { hasRowEnds, type Payload, payloads } from "../src/encode/payload.ts";
import type { RowFormat } from "../src/encode/row-format.ts";
import { type ErrorCode, MillraceError } from "../src/errors.ts";
import { memoryDeadLetter, open, type SinkOptions } from "../src/index.ts";
import { k, table } from "../src/schema/table.ts";

// What a destination is given for each payload, on every way from write() to it.

const events = table("Events", { id: k.int(), text: k.string().optional() });
const texts = ['a "quoted", text', "two\nlines", "Österreich", "", "x\r\ny", "\u{1f600}".repeat(30)];
const records = Array.from({ length: 2_000 }, (_, id) => ({ id, text: texts[id % texts.length]! }));

/** One field of CSV, and one line of JSON, as other programs write them. */
const rawRow = (format: RowFormat, { id, text }: (typeof records)[number]) =>
  format === "csv" ? `${id},"${text.replaceAll('"', '""')}"\r\n` : `${JSON.stringify({ id, text })}\n`;

/** Runs without WebAssembly, as where a policy forbids it. */
async function withoutWebAssembly<T>(act: () => Promise<T>): Promise<T> {
  const host = globalThis as { WebAssembly?: unknown };
  const given = host.WebAssembly;
  host.WebAssembly = undefined;
  try {
    return await act();
  } finally {
    host.WebAssembly = given;
  }
}

const ways: Readonly<Record<string, SinkOptions>> = {
  WebAssembly: { parallelism: 0 },
  JavaScript: { parallelism: 0 },
  "a worker": { parallelism: 1 },
  "two workers, one batch": { parallelism: 2, batchPerSubtask: false },
};
const guarantees: Readonly<Record<string, () => SinkOptions>> = {
  "without a state": () => ({}),
  "at least once from a log": () => ({ state: memoryState() }),
  "exactly once": () => ({ deliveryGuarantee: "exactly-once", state: memoryState() }),
};

/** The rows of a batch, each as its text, found by readers that know nothing of our offsets. */
function rowTexts(batch: SealedBatch<Payload>): { id: number; text: string }[] {
  const bytes = Buffer.concat(batch.parts);
  assert.equal(bytes.length, batch.packedBytes);
  const text = (batch.payload === "gzip" ? gunzipSync(bytes) : bytes).toString();
  assert.equal(Buffer.byteLength(text), batch.rawBytes);
  const rows =
    batch.format === "csv"
      ? csvRows(text)
      : text
          .split("\n")
          .slice(0, -1)
          .map((row) => JSON.parse(row));
  assert.equal(rows.length, batch.rows);
  return rows;
}

function csvRows(text: string): { id: number; text: string }[] {
  return (parse(text, { relax_column_count: false, record_delimiter: ["\r\n", "\n"] }) as string[][]).map(
    ([id, text]) => ({
      id: Number(id),
      text: text!,
    }),
  );
}

function rowOf(row: Buffer, format: RowFormat): { id: number; text: string } {
  if (format === "ndjson") return JSON.parse(row.toString());
  const [first, ...rest] = csvRows(row.toString());
  assert.equal(rest.length, 0, "one row");
  return first!;
}

for (const payload of payloads)
  for (const format of payload === "records" ? (["ndjson"] as const) : (["csv", "ndjson"] as const))
    for (const [way, options] of Object.entries(ways))
      test(`${payload}, ${format}, by ${way}: every row arrives, and is found where it stands`, async () => {
        for (const [how, guarantee] of Object.entries(guarantees)) {
          const to = memory({ payload });
          const start = () => open({ table: events, to, format, batchSize: 300, ...options, ...guarantee() });
          const sink = await (way === "JavaScript" ? withoutWebAssembly(start) : start());
          for (const record of records.slice(0, 1_000)) if (!sink.write(record)) await sink.ready;
          for (const record of records.slice(1_000)) if (!sink.writeRaw(rawRow(format, record))) await sink.ready;
          await sink.close();
          const batches: readonly SealedBatch<Payload>[] = to.batches;
          assert.ok(batches.length > 5, how);
          assert.deepEqual(batches.flatMap(rowTexts), records, how);
          for (const batch of batches) {
            assert.equal(batch.payload, payload);
            if (!hasRowEnds(payload)) continue;
            const { bytes, ends, parts } = batch as SealedBatch<"rows">;
            assert.deepEqual(parts, [bytes]);
            assert.equal(ends.length, batch.rows);
            assert.deepEqual(
              [...rowsOf({ bytes, ends })].map((row) => rowOf(row, format)),
              rowTexts(batch),
              how,
            );
          }
        }
      });

test("a batch of many megabytes is one piece of rows, and text in pieces", async () => {
  for (const payload of ["plain", "rows"] as const) {
    const to = memory({ payload });
    const sink = await open({ table: events, to, batchSize: 100_000 });
    const long = "long ".repeat(100);
    for (let id = 0; id < 8_000; id++) if (!sink.write({ id, text: long })) await sink.ready;
    await sink.close();
    const [batch] = to.batches as SealedBatch<Payload>[];
    assert.equal(batch!.rows, 8_000);
    assert.ok(payload === "plain" ? batch!.parts.length > 1 : batch!.parts.length === 1);
    assert.equal(
      Buffer.concat(batch!.parts).toString(),
      Array.from({ length: 8_000 }, (_, id) => `${id},"${long}"\n`).join(""),
    );
  }
});

/** A destination whose process ends before it commits anything. */
function dying(payload: Payload): Destination<Payload> {
  return {
    ...memory({ payload }),
    openEpochs: async ({ history }): Promise<EpochCommitter<Payload>> => {
      await history.recordLineage([]);
      return { commit: () => new Promise(() => {}), close: async () => {} };
    },
  };
}

for (const logged of payloads)
  test(`what was logged as ${logged} is committed by a destination of every payload`, async (t) => {
    for (const wanted of payloads) {
      const folder = mkdtempSync(join(tmpdir(), "millrace-payload-"));
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      const options = { table: events, format: "ndjson", deliveryGuarantee: "exactly-once", batchSize: 300 } as const;
      const first = await open({ ...options, to: dying(logged), state: fileState(folder) });
      for (const record of records) if (!first.write(record)) await first.ready;
      await first.checkpoint({ positions: { source: records.length } });
      await first.abort();

      const frames = readdirSync(join(folder, "log")).map((name) => readFileSync(join(folder, "log", name)));
      assert.ok(frames.every((bytes) => bytes.includes(`"payload":"${logged}"`)));

      const to = memory({ payload: wanted });
      const second = await open({ ...options, to, state: fileState(folder) });
      await second.close();
      const batches: readonly SealedBatch<Payload>[] = to.batches;
      assert.deepEqual(batches.flatMap(rowTexts), records, wanted);
      assert.ok(batches.every(({ payload }) => payload === wanted));
      if (hasRowEnds(wanted))
        for (const batch of to.batches as SealedBatch<"rows">[])
          assert.deepEqual(
            [...rowsOf(batch)].map((row) => rowOf(row, "ndjson")),
            rowTexts(batch),
            wanted,
          );
    }
  });

for (const payload of payloads)
  test(`${payload}: rows that a committer refuses go to the dead letter, and their neighbours are counted`, async () => {
    const refused = { row: 7, reason: "it is not liked" };
    const to: Destination<Payload> = {
      ...memory({ payload }),
      openEpochs: async ({ history }): Promise<EpochCommitter<Payload>> => {
        await history.recordLineage([]);
        return {
          async commit(epoch, _, hooks) {
            const found = { [epoch.prepared.batches[0]!.id]: [refused] };
            await hooks.onRowsRefused(epoch, found);
            await epoch.advance({ state: "COMMITTED" }, found);
          },
          close: async () => {},
        };
      },
    };
    const deadLetter = memoryDeadLetter();
    const sink = await open({
      ...{ table: events, to, deadLetter, format: "ndjson", deliveryGuarantee: "exactly-once", state: memoryState() },
    });
    for (const record of records.slice(0, 20)) sink.write(record);
    await sink.close();
    assert.deepEqual(
      deadLetter.letters.map(({ original }) => JSON.parse(String(original))),
      [records[7]],
    );
    assert.equal(sink.stats.delivered, 19);
  });

function refusedBy(option: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof MillraceError, String(error));
    assert.equal(error.code, "BAD_OPTION" satisfies ErrorCode);
    assert.equal(error.context.option, option);
    assert.match(error.message, message);
    return true;
  };
}

test("a payload that is unknown, and a format that the destination does not write, are refused by name", async () => {
  const to = { ...memory(), payload: "parquet" } as unknown as Destination;
  await assert.rejects(
    open({ table: events, to }),
    refusedBy("payload", /payload is "parquet"; it takes gzip, plain, rows, records/),
  );
  assert.throws(() => memory({ payload: "xml" as never }), refusedBy("payload", /memory\(\): payload is "xml"/));
  await assert.rejects(
    open({ table: events, to: memory({ payload: "records" }), format: "csv" }),
    refusedBy("format", /format is "csv"; it takes ndjson here, which is what memory writes/),
  );
  const sink = await open({ table: events, to: memory({ payload: "records" }) });
  await sink.close();
});
