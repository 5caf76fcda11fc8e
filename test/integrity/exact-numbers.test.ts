import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { Client, KustoConnectionStringBuilder } from "azure-kusto-data";
import fc from "fast-check";
import { kusto } from "../../src/connectors/kusto/index.ts";
import { memoryDeadLetter } from "../../src/deliver/dead-letter.ts";
import { type Emulator, startEmulator } from "../../src/emulator/index.ts";
import type { RowFormat } from "../../src/encode/row-format.ts";
import { open } from "../../src/open.ts";
import { run } from "../../src/run/run.ts";
import { coerce } from "../../src/schema/coerce.ts";
import { createMergeTableCommand } from "../../src/schema/kql.ts";
import { k, table } from "../../src/schema/table.ts";
import { files } from "../../src/source/files.ts";

// Numbers of files, to the digit, through coerce(), the sink and the emulator; DuckDB's decimals say whether they are the same.

let emulator: Emulator;
let client: Client;
const folder = mkdtempSync(join(tmpdir(), "millrace-exact-"));

before(async () => {
  emulator = await startEmulator({ databases: ["db"] });
  client = new Client(new KustoConnectionStringBuilder(emulator.url));
});

after(async () => {
  client?.close();
  await emulator?.close();
  rmSync(folder, { recursive: true });
});

const columns = {
  id: k.int(),
  exact: k.decimal().optional(),
  bag: k.dynamic().optional(),
  name: k.string().optional(),
  big: k.long().optional(),
  small: k.int().optional(),
  near: k.real().optional(),
};
type Row = Partial<Record<keyof typeof columns, string>>;

let tables = 0;

/** Lands a file of JSON or CSV and returns what the columns hold, as texts; and the reasons of what was refused. */
async function land(name: string, content: string, format: RowFormat) {
  const target = table(`T${tables++}`, columns);
  await client.execute("db", createMergeTableCommand(target));
  const path = join(folder, name);
  writeFileSync(path, content);
  const source = files(path);
  const { form } = await source.plan();
  const deadLetter = memoryDeadLetter();
  const sink = await open({
    table: target,
    to: kusto({
      cluster: emulator.url,
      database: "db",
      flushImmediately: true,
      pollForIngestionStatus: true,
      pollIntervalMs: 20,
    }),
    format,
    deadLetter,
  });
  try {
    await run({ from: source, into: sink as never, through: coerce(target, form) });
    await sink.close();
  } finally {
    await sink.abort();
  }
  const query = `${target.name} | project id, exact = tostring(exact), bag = tostring(bag), name, big = tostring(big), small = tostring(small), near | sort by id asc`;
  const answer = await client.execute("db", query);
  const rows = [...answer.primaryResults[0]!.rows()].map((each) => each.toJSON() as Record<string, unknown>);
  return { rows, letters: deadLetter.letters };
}

async function assertSame(pairs: readonly (readonly [sent: string, got: string])[]): Promise<void> {
  const duckdb = await (await DuckDBInstance.create()).connect();
  try {
    const values = pairs.map(([sent, got]) => `('${sent}', '${got}')`).join(",");
    const reader = await duckdb.runAndReadAll(
      `SELECT sent, got FROM (VALUES ${values}) v(sent, got) WHERE sent::DECIMAL(38,17) <> got::DECIMAL(38,17)`,
    );
    assert.deepEqual(reader.getRowObjects(), []);
  } finally {
    duckdb.closeSync();
  }
}

/** Up to 17 digits before the point and 17 behind it: 34, all that a decimal keeps. */
const number = fc
  .tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 10n ** 17n - 1n }), fc.option(fc.stringMatching(/^\d{1,17}$/)))
  .map(([isNegative, whole, fraction]) => `${isNegative ? "-" : ""}${whole}${fraction === null ? "" : `.${fraction}`}`);

for (const format of ["csv", "ndjson"] as const)
  for (const form of ["json", "csv"] as const)
    test(`numbers of a ${form} file arrive with all their digits, by way of ${format}`, async () => {
      const numbers = [
        "12345678901234567.89",
        "0.1000000000000000055511151231257827".slice(0, 19),
        ...fc.sample(number, { numRuns: 300, seed: 20_261 }),
      ];
      const content =
        form === "json"
          ? numbers.map((n, id) => `{"id":${id},"exact":${n},"bag":{"n":[${n}]},"name":"${n}"}\n`).join("")
          : `id,exact,bag,name\n${numbers.map((n, id) => `${id},${n},"{""n"":[${n}]}",${n}\n`).join("")}`;
      const { rows, letters } = await land(`numbers.${form === "json" ? "ndjson" : "csv"}`, content, format);
      assert.deepEqual(letters, []);
      assert.equal(rows.length, numbers.length);
      await assertSame(rows.map((row, i) => [numbers[i]!, String(row.exact)]));
      await assertSame(rows.map((row, i) => [numbers[i]!, /^\{"n":\[(.*)\]\}$/.exec(String(row.bag))![1]!]));
      for (const [i, row] of rows.entries()) assert.equal(row.name, numbers[i]);
    });

const kept: [Row, Record<string, unknown>][] = [
  [{ exact: "0.1000000000000000055511151231257827" }, { exact: "0.1000000000000000055511151231257827" }],
  [{ exact: "9999999999999999999999999999999999" }, { exact: "9999999999999999999999999999999999" }],
  [{ exact: "-0" }, { exact: "0" }],
  [{ exact: "1.5E3" }, { exact: "1500" }],
  [{ exact: "1e400" }, { exact: "1E+400" }],
  [{ bag: "1e400" }, { bag: "1e400" }],
  [{ bag: '{"id":12345678901234567890,"x":-1e-400}' }, { bag: '{"id":12345678901234567890,"x":-1e-400}' }],
  [{ big: "-9223372036854775808" }, { big: "-9223372036854775808" }],
  [{ big: "9007199254740993.0" }, { big: "9007199254740993" }],
  [{ big: "1.0" }, { big: "1" }],
  [{ big: "-0" }, { big: "0" }],
  [{ big: '"9007199254740993"' }, { big: "9007199254740993" }],
  [{ small: "-2147483648" }, { small: "-2147483648" }],
  [{ near: "0.1000000000000000055511151231257827" }, { near: 0.1 }],
  [{ near: "123456789012345678901234567890" }, { near: Number("123456789012345678901234567890") }],
  [{ name: "12345678901234567.89" }, { name: "12345678901234567.89" }],
  [{ name: '{"n":12345678901234567.89}' }, { name: '{"n":12345678901234567.89}' }],
];

const refused: [Row, RegExp][] = [
  [{ exact: "1.00000000000000000000000000000000001" }, /column exact \(decimal\) .* more than 34 significant digits/],
  [{ exact: "1e6145" }, /column exact \(decimal\) .* its exponent is beyond 6144/],
  [{ exact: `1${"0".repeat(1_000_000)}1` }, /column exact \(decimal\) .* more than 34 significant digits/],
  [{ big: "9223372036854775808" }, /column big \(long\) got 9223372036854775808n: .* outside the 64 bits/],
  [{ big: "1e400" }, /column big \(long\) got 1e400: it is not an integer/],
  [{ big: "9007199254740993.5" }, /column big \(long\) got 9007199254740993.5: it is not an integer/],
  [{ small: "2147483648" }, /column small \(int\) got 2147483648: it is outside the 32 bits/],
  [{ small: "12345678901234567890" }, /column small \(int\) .*outside the 32 bits/],
  [{ near: "1e400" }, /column near \(real\) got 1e400: it is beyond the largest real/],
  [{ near: `1${"0".repeat(400)}` }, /column near \(real\) .*it is beyond the largest real/],
  [{ exact: '"1,234.5"' }, /column exact \(decimal\) got "1,234.5": it is not a decimal/],
  [{ exact: "true" }, /column exact \(decimal\) got true: it is no decimal text/],
];

const line = (row: Row, id: number) =>
  `{"id":${id},${Object.entries(row)
    .map(([name, value]) => `"${name}":${value}`)
    .join(",")}}\n`;

for (const format of ["csv", "ndjson"] as const)
  test(`hard numbers are kept, or refused by column, value and place, and their neighbours arrive: ${format}`, async () => {
    const all: Row[] = [...kept.map(([row]) => row), ...refused.map(([row]) => row), { name: '"last"' }];
    const { rows, letters } = await land("hard.ndjson", all.map(line).join(""), format);
    assert.equal(rows.length, kept.length + 1);
    for (const [i, [sent, expected]] of kept.entries())
      for (const [name, value] of Object.entries(expected))
        assert.deepEqual(rows[i]![name], value, JSON.stringify(sent));
    assert.equal(letters.length, refused.length);
    for (const [i, [row, reason]] of refused.entries()) {
      assert.match(letters[i]!.reason, reason, JSON.stringify(row).slice(0, 200));
      assert.match(letters[i]!.place!, new RegExp(`hard\\.ndjson:${kept.length + i + 1}$`));
    }
  });

test("numbers of CSV that are spelled for people are refused, not misread", async () => {
  const texts = ['"1,234.5"', "1_000", " 1", "0x10", "1.5.5", "1e", "½", "1 000"];
  const { rows, letters } = await land(
    "people.csv",
    `id,exact\n${texts.map((text, id) => `${id},${text}\n`).join("")}9,1.50\n`,
    "csv",
  );
  assert.deepEqual(
    rows.map(({ id }) => id),
    [9],
  );
  assert.equal(letters.length, texts.length);
  for (const { reason } of letters) assert.match(reason, /column exact \(decimal\) got "/);
});
