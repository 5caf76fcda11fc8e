import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { filesDestination } from "../../../src/connectors/files/index.ts";
import type { FilesDestinationOptions } from "../../../src/connectors/files/options.ts";
import { memoryDeadLetter } from "../../../src/deliver/dead-letter.ts";
import { fileState, k, memoryState, open, type SinkOptions, type Table, table } from "../../../src/index.ts";
import { dataFiles, duck, folderFor, quoted, textOf } from "./folder.ts";

// What stands in the files: read by DuckDB, gzip and node:zlib.

const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000);
const events = table("Events", { id: k.long(), country: k.string().optional(), at: k.datetime().optional() });

interface Writing extends SinkOptions {
  readonly into?: FilesDestinationOptions;
}

async function write<R>(folder: string, to: Table, records: readonly R[], { into, ...options }: Writing = {}) {
  const sink = await open({
    table: to,
    to: filesDestination(folder, into),
    deliveryGuarantee: "exactly-once",
    state: memoryState(),
    parallelism: 0,
    ...options,
  });
  for (const record of records) if (!sink.write(record as never)) await sink.ready;
  await sink.close();
}

const some = (count: number) =>
  Array.from({ length: count }, (_, id) => ({
    id,
    country: [`a "quoted", text`, "two\nlines", "Österreich", "x"][id % 4]!,
    at: new Date(Date.UTC(2024, 0, 1 + (id % 3), id % 24)),
  }));

for (const format of ["csv", "ndjson"] as const)
  for (const compression of ["gzip", "none"] as const)
    test(`DuckDB reads ${format} with compression ${compression} as it was written`, async (t) => {
      const folder = folderFor(t);
      const records = some(500);
      await write(folder, events, records, { format, batchSize: 100, into: { compression } });
      const extension = `${format}${compression === "gzip" ? ".gz" : ""}`;
      const names = dataFiles(folder);
      assert.equal(names.length, 1);
      assert.match(names[0]!, new RegExp(`^Events-default-[0-9a-f]{12}-e1-0\\.${extension}$`));
      const read = format === "csv" ? "read_csv" : "read_json";
      const rows = await duck(
        `SELECT id, country, epoch_ms("at") FROM ${read}(${quoted(`${folder}/**/*.${extension}`)}) ORDER BY id`,
      );
      assert.deepEqual(
        rows.map(([id, country, at]) => [Number(id), country, Number(at)]),
        records.map(({ id, country, at }) => [id, country, at.getTime()]),
      );
      if (compression === "gzip") assert.equal(spawnSync("gzip", ["-t", join(folder, names[0]!)]).status, 0);
    });

test("header: false leaves the row of names out, and a name with a comma is quoted in it", async (t) => {
  const folder = folderFor(t);
  const odd = table("T", { "a,b": k.int(), 'c"d': k.int(), e: k.int() });
  await write(join(folder, "with"), odd, [{ "a,b": 1, 'c"d': 2, e: 3 }], { into: { compression: "none" } });
  await write(join(folder, "without"), odd, [{ "a,b": 1, 'c"d': 2, e: 3 }], {
    into: { compression: "none", header: false },
  });
  const [first, second] = ["with", "without"].map((each) =>
    textOf(join(folder, each), dataFiles(join(folder, each))[0]!),
  );
  assert.equal(first, '"a,b","c""d",e\n1,2,3\n');
  assert.equal(second, "1,2,3\n");
});

test("a file ends before the batch that would exceed maxFileRows or maxFileBytes", async (t) => {
  const folder = folderFor(t);
  const records = some(1_000);
  await write(join(folder, "rows"), events, records, { batchSize: 100, into: { maxFileRows: 250 } });
  const byRows = dataFiles(join(folder, "rows"));
  assert.equal(byRows.length, 5);
  for (const name of byRows) {
    const [[rows]] = (await duck(`SELECT count(*) FROM read_csv(${quoted(join(folder, "rows", name))})`)) as [[string]];
    assert.equal(Number(rows), 200, name);
  }
  await write(join(folder, "bytes"), events, records, {
    batchSize: 100,
    into: { compression: "none", maxFileBytes: 10_000, header: false },
  });
  const byBytes = dataFiles(join(folder, "bytes"));
  const sizes = byBytes.map((name) => Buffer.byteLength(textOf(join(folder, "bytes"), name)));
  assert.ok(sizes.length > 2 && sizes.every((size) => size <= 10_000), `${sizes}`);
});

test("with partitionBy a file ends exactly at maxFileRows", async (t) => {
  const folder = folderFor(t);
  await write(folder, events, some(1_000), { into: { partitionBy: ["country"], maxFileRows: 99 } });
  const counts = new Map<string, number[]>();
  for (const name of dataFiles(folder)) {
    const [[rows]] = (await duck(`SELECT count(*) FROM read_csv(${quoted(join(folder, name))})`)) as [[string]];
    const country = name.split("/")[0]!;
    counts.set(
      country,
      [...(counts.get(country) ?? []), Number(rows)].sort((a, b) => b - a),
    );
  }
  assert.deepEqual([...counts.values()], Array(4).fill([99, 99, 52]));
});

test(`DuckDB finds each row in the folder of its values, whatever they are (seed ${seed})`, async () => {
  const text = fc.oneof(
    fc.constant(""),
    fc.string({ unit: "grapheme", minLength: 0, maxLength: 12 }),
    fc.stringMatching(/^[ ./\\:*?"'<>|#%{}[\]^=a\n\t]{0,10}$/),
    fc.constantFrom("..", ".", "CON", "a.", "a ", "__HIVE_DEFAULT_PARTITION__x", "%41"),
  );
  for (const format of ["csv", "ndjson"] as const)
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 30 }), async (values) => {
        const undo: (() => void)[] = [];
        const folder = folderFor({ after: (act) => undo.push(act) });
        try {
          const records = values.map((country, id) => ({ id, country }));
          await write(folder, events, records, { format, into: { partitionBy: ["country"], compression: "none" } });
          const files = `${quoted(`${folder}/**/*.${format}`)}, hive_partitioning = true, hive_types_autocast = false`;
          // What the sniffer would make of a few odd values is not the question.
          const dialect = `auto_detect = false, header = true, delim = ',', quote = '"', escape = '"'`;
          const columns = "columns = {'id': 'BIGINT', 'country': 'VARCHAR', 'at': 'VARCHAR'}";
          const read =
            format === "csv" ? `read_csv(${files}, ${columns}, ${dialect})` : `read_json(${files}, ${columns})`;
          const rows = await duck(`SELECT id, country FROM ${read} ORDER BY id::BIGINT`);
          // DuckDB takes the folder's value in the place of the column's.
          assert.deepEqual(
            rows.map(([id, country]) => [Number(id), country ?? ""]),
            records.map(({ id, country }) => [id, country]),
          );
        } finally {
          for (const act of undo) act();
        }
      }),
      { seed, numRuns: 25 },
    );
});

test("folders by day, hour and month are those of the time in UTC, however a raw row spells it", async (t) => {
  for (const [by, folders] of [
    ["day", ["at_day=2024-05-06", "at_day=2024-05-07", "at_day=__HIVE_DEFAULT_PARTITION__"]],
    ["hour", ["at_hour=2024-05-06T23", "at_hour=2024-05-07T01", "at_hour=__HIVE_DEFAULT_PARTITION__"]],
    ["month", ["at_month=2024-05", "at_month=__HIVE_DEFAULT_PARTITION__"]],
  ] as const) {
    const folder = folderFor(t);
    const to = filesDestination(folder, { partitionBy: [{ column: "at", by }] });
    const sink = await open({ table: events, to, deliveryGuarantee: "exactly-once", state: memoryState() });
    sink.write({ id: 1, at: new Date("2024-05-06T23:59:59.999Z") });
    sink.write({ id: 2 });
    sink.writeRaw(Buffer.from("3,x,2024/05/07 03:00:00 +02:00\n4,x,2024-05-06T23:00\n"));
    await sink.close();
    assert.deepEqual([...new Set(dataFiles(folder).map((name) => name.split("/")[0]))], folders);
    const rows = await duck(
      `SELECT id FROM read_csv(${quoted(`${folder}/**/*.csv.gz`)}, all_varchar = true) ORDER BY id`,
    );
    assert.deepEqual(rows, [["1"], ["2"], ["3"], ["4"]]);
  }
});

test("a row that names no folder goes to the dead letter, with its place; its neighbours arrive", async (t) => {
  const folder = folderFor(t);
  const deadLetter = memoryDeadLetter();
  const to = filesDestination(folder, { partitionBy: ["country", { column: "at", by: "day" }] });
  const options = { table: events, to, deliveryGuarantee: "exactly-once", deadLetter } as const;
  const sink = await open({ ...options, state: fileState(join(folder, ".state")) });
  sink.writeRaw(Buffer.from(`1,x,2024-05-06\n2,x,yesterday\n3,${"long ".repeat(60)},2024-05-06\n4,x,2024-05-06\n`));
  await sink.close();
  const rows = await duck(`SELECT id FROM read_csv(${quoted(`${folder}/**/*.csv.gz`)}) ORDER BY id`);
  assert.deepEqual(
    rows.map(([id]) => Number(id)),
    [1, 4],
  );
  const reasons = deadLetter.letters.map(({ reason }) => reason).sort();
  assert.equal(reasons.length, 2);
  assert.match(reasons[0]!, /column at: "yesterday": it is not ISO 8601/);
  assert.match(reasons[1]!, /column country: its value of 300 characters is too long/);
});

test("without a dead letter such a row ends the sink, by name", async (t) => {
  const folder = folderFor(t);
  const to = filesDestination(folder, { partitionBy: [{ column: "at", by: "day" }] });
  for (const options of [{ deliveryGuarantee: "exactly-once", state: memoryState() }, {}] as SinkOptions[]) {
    const sink = await open({ table: events, to, ...options });
    sink.writeRaw(Buffer.from("1,x,yesterday\n"));
    await assert.rejects(sink.close(), /INGESTION_FAILED|row 0.*column at: "yesterday"/i);
  }
});

test("more folders than maxPartitions are an error that names the table, the option and the folder", async (t) => {
  const folder = folderFor(t);
  await assert.rejects(
    write(folder, events, some(4), { into: { partitionBy: ["country"], maxPartitions: 3 } }),
    (error: Error & { code: string }) => {
      assert.equal(error.code, "INGESTION_FAILED");
      assert.match(error.message, /Table Events.*more than 3 folders.*country=x.*maxPartitions/);
      return true;
    },
  );
  assert.deepEqual(dataFiles(folder), []);
});

test("values beyond 2^53, booleans and guids name folders to the digit, in both formats", async (t) => {
  const kinds = table("K", { big: k.long(), yes: k.bool(), g: k.guid() });
  const g = "74be27de-1e4e-49d9-b579-fe0b331d3642";
  for (const format of ["csv", "ndjson"] as const) {
    const folder = folderFor(t);
    const records = [{ big: 9_007_199_254_740_993n, yes: true, g }];
    await write(folder, kinds, records, { format, into: { partitionBy: ["big", "yes", "g"] } });
    const [name] = dataFiles(folder);
    assert.match(name!, new RegExp(`^big=9007199254740993/yes=true/g=${g}/K-`));
  }
});

test("many folders at once keep few files open, and each row is in its own", async (t) => {
  const folder = folderFor(t);
  const records = Array.from({ length: 600 }, (_, id) => ({ id, country: `c${id % 200}` }));
  await write(folder, events, records, { batchSize: 150, into: { partitionBy: ["country"], maxFileRows: 2 } });
  const rows = await duck(
    `SELECT country, list(id ORDER BY id) FROM read_csv(${quoted(`${folder}/**/*.csv.gz`)}) GROUP BY country ORDER BY list(id ORDER BY id)[1]`,
  );
  assert.deepEqual(
    rows.map(([country, ids]) => [country, (ids as string[]).map(Number)]),
    Array.from({ length: 200 }, (_, n) => [`c${n}`, [n, n + 200, n + 400]]),
  );
});

test("a column whose name begins with a dot names no hidden folder", async (t) => {
  const folder = folderFor(t);
  const dotted = table("D", { id: k.long(), ".c": k.string() });
  const records = some(4).map(({ id }) => ({ id, ".c": `c${id % 2}` }));
  await write(folder, dotted, records, { into: { partitionBy: [".c"] } });
  for (const name of dataFiles(folder)) assert.match(name, /^%2Ec=c[01]\/D-/);
  const rows = await duck(
    `SELECT id FROM read_csv(${quoted(`${folder}/*/*.csv.gz`)}, hive_partitioning = true) ORDER BY id`,
  );
  assert.deepEqual(rows.flat().map(Number), [0, 1, 2, 3]);
});
