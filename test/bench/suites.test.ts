import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import { bytesOf, type Case, type Group, type Output } from "../../bench/case.ts";
import { corpus } from "../../bench/corpora/corpora.ts";
import { encodeGroup } from "../../bench/suites/encode.ts";
import { gzipGroup } from "../../bench/suites/gzip.ts";
import { numberKinds, numbersGroup } from "../../bench/suites/numbers.ts";
import { payloadGroup } from "../../bench/suites/payload.ts";
import { rawGroup } from "../../bench/suites/raw.ts";
import { recordsGroup } from "../../bench/suites/records.ts";
import { csvStringify, fastJsonStringify } from "../../bench/suites/rivals.ts";
import { workersGroup } from "../../bench/suites/workers.ts";
import { csvByHand, ndjsonByHand } from "../../src/cli/rows-by-hand.ts";

// A race is worth nothing when the contestants do not do the same work.

const mostRecords = 300;
const names = ["telemetry", "logs", "strings", "numbers", "dynamic", "wide", "earthquakes", "movies", "birdstrikes"];

function contents({ out }: Output): Buffer {
  assert.ok(typeof out !== "number");
  return Buffer.concat(out);
}

function lines(text: string): unknown[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

function runOf({ cases }: Group, name: string): Case["run"] {
  return cases.find((c) => c.name === name)!.run;
}

test("every case of the records suite makes one gzip member that unpacks to its rows", async () => {
  for (const name of names) {
    const given = await corpus(name, { mostRecords });
    for (const { name: contestant, run } of recordsGroup(given).cases) {
      // Twice: what a run leaves behind must not change the next one.
      await run();
      const output = await run();
      const rows = gunzipSync(contents(output));
      assert.equal(rows.length, output.bytesIn, `${name}: ${contestant}`);
      const isJson = /JSON|json/.test(contestant);
      const count = isJson ? lines(rows.toString()).length : parse(rows, { relax_column_count: false }).length;
      assert.equal(count, given.records.length, `${name}: ${contestant}`);
    }
  }
});

test("every case of the payload suite has the records of the corpus", async () => {
  for (const name of names) {
    const given = await corpus(name, { mostRecords });
    for (const { name: contestant, run } of payloadGroup(given).cases) {
      await run();
      const output = await run();
      const bytes = contents(output);
      const text = (contestant.includes("gzip") ? gunzipSync(bytes) : bytes).toString();
      const isEach = contestant.includes("a Buffer each");
      const rows = isEach
        ? (output.out as Uint8Array[]).map((row) => JSON.parse(Buffer.from(row).toString()))
        : lines(text);
      assert.equal(rows.length, given.records.length, `${name}: ${contestant}`);
    }
  }
});

test("rows without gzip are the rows that the product packs", async () => {
  for (const name of names) {
    const given = await corpus(name, { mostRecords });
    const [records, encode] = [recordsGroup(given), await encodeGroup(given)];
    for (const format of ["millrace CSV", "millrace NDJSON"]) {
      const packed = gunzipSync(contents(await runOf(records, format)()));
      assert.ok(contents(await runOf(encode, format)()).equals(packed), `${name}: ${format}`);
      assert.ok(contents(await runOf(encode, `${format} from packed chunks`)()).equals(packed), `${name}: ${format}`);
    }
  }
});

test("CSV by hand is what csv-stringify writes, and JSON by hand says what fast-json-stringify says", async () => {
  for (const name of names) {
    const given = await corpus(name, { mostRecords });
    assert.equal(csvByHand(given.table, given.records)(given.records), csvStringify(given)(), name);
    assert.deepEqual(lines(ndjsonByHand(given.records)), lines(fastJsonStringify(given)()), name);
  }
});

test("every packer of the gzip suite gives the same bytes back", async () => {
  const given = await corpus("logs", { mostRecords: 1_000 });
  const group = await gzipGroup(given, "csv", true);
  const rows = contents(await runOf(await encodeGroup(given), "millrace CSV")());
  assert.ok(group.cases.length >= 5);
  for (const { name, run } of group.cases) assert.ok(gunzipSync(contents(await run())).equals(rows), name);
  await group.dispose?.();
});

test("the number kernel and String(x) write the same lines", async () => {
  for (const kind of numberKinds) {
    const group = await numbersGroup(kind);
    const [ours, theirs] = [await runOf(group, "millrace writeF64")(), await runOf(group, "String(x)")()];
    // -0 apart, which only the kernel writes with its sign; no kind has it.
    assert.equal(contents(ours).toString(), contents(theirs).toString(), kind);
  }
});

test("the workers suite sends every record through, and tells of the main thread and the event loop", async () => {
  const group = await workersGroup(await corpus("telemetry", { mostRecords: 2_000 }), true);
  try {
    const sizes = [];
    for (const c of group.cases) {
      const output = await c.run();
      sizes.push(output.bytesIn);
      assert.ok(c.duration!() > 0);
      assert.ok(bytesOf(output) > 0 && bytesOf(output) < output.bytesIn);
      assert.deepEqual(
        c.figures!().map((figure) => figure.name),
        ["main thread", "event-loop delay p50", "event-loop delay p99"],
      );
      assert.ok(c.figures!()[0]!.value > 0);
    }
    assert.equal(new Set(sizes).size, 1, `the same rows at every parallelism: ${sizes}`);
  } finally {
    await group.dispose?.();
  }
});

test("every case of the raw suite packs the rows it was given", async () => {
  for (const name of names) {
    const given = await corpus(name, { mostRecords });
    for (const format of ["csv", "ndjson"] as const) {
      const group = rawGroup(given, format);
      const wanted = gunzipSync(contents(await runOf(group, "node:zlib level 1 alone")()));
      for (const { name: contestant, run } of group.cases) {
        await run();
        const output = await run();
        const rows = gunzipSync(contents(output));
        if (contestant.startsWith("millrace")) assert.ok(rows.equals(wanted), `${name}.${format}`);
        if (format === "ndjson") assert.deepEqual(lines(rows.toString()), lines(wanted.toString()), contestant);
        else assert.deepEqual(parse(rows), parse(wanted), `${name}: ${contestant}`);
      }
    }
  }
});
