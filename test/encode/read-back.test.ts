import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { encoder } from "../../src/encode/choose-encoder.ts";
import type { RowFormat } from "../../src/encode/row-format.ts";
import { embeddedWasm } from "../../src/encode/wasm-embedded.ts";
import type { Kind } from "../../src/schema/kinds.ts";
import { k, type Table, table } from "../../src/schema/table.ts";
import { type TableAndRecords, tableAndRecords } from "./arbitraries.ts";
import { chunksOf, encodedText, type Sample } from "./rows.ts";

const limits = { maxRows: 1e9, maxBytes: 1e9 };

function encoded(sample: Sample, format: RowFormat): string {
  return encodedText(encoder(sample.table, format, limits, embeddedWasm()), chunksOf(sample, format));
}

const ticksTo1970 = 621_355_968_000_000_000n;

/** Ticks of an ISO text with Z and up to 7 fraction digits, by Date and BigInt. */
function ticksOf(iso: string): bigint {
  const [, seconds, fraction = ""] = /^(.{19})(?:\.(\d{1,7}))?Z$/.exec(iso)!;
  return BigInt(Date.parse(`${seconds}Z`)) * 10_000n + ticksTo1970 + BigInt(fraction.padEnd(7, "0"));
}

function spanTicksOf(text: string): bigint {
  const [, sign, days = "0", h, m, s, fraction = ""] = /^(-?)(?:(\d+)\.)?(\d\d):(\d\d):(\d\d)(?:\.(\d+))?$/.exec(text)!;
  const seconds = ((BigInt(days) * 24n + BigInt(h!)) * 60n + BigInt(m!)) * 60n + BigInt(s!);
  const size = seconds * 10_000_000n + BigInt(fraction.padEnd(7, "0"));
  return sign === "-" ? -size : size;
}

function assertTicks(actual: bigint, sent: unknown, origin: bigint): void {
  if (typeof sent === "bigint") {
    assert.equal(actual, sent);
    return;
  }
  const ms = sent instanceof Date ? sent.getTime() : Number(sent);
  const whole = Math.floor(ms);
  const expected = BigInt(whole) * 10_000n + BigInt(Math.round((ms - whole) * 10_000)) + origin;
  assert.equal(actual, expected);
}

/** The sense of a decimal: digits and exponent without what does not matter. */
function decimalSense(text: string): string {
  const [, sign, whole, fraction = "", e = "0"] = /^([+-]?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text)!;
  const digits = (whole + fraction).replace(/^0+/, "");
  const trimmed = digits.replace(/0+$/, "");
  if (trimmed === "") return "0";
  return `${sign === "-" ? "-" : ""}${trimmed}e${Number(e) - fraction.length + digits.length - trimmed.length}`;
}

/** Does a value that a reader found, as plain text, stand for the value that was sent? */
function assertText(kind: Kind, found: string, sent: unknown): void {
  if (kind === "datetime" && typeof sent === "string") {
    const utc = sent.length > 10 && !sent.endsWith("Z") ? `${sent}Z` : sent;
    assert.equal(ticksOf(found) / 10_000n, (BigInt(Date.parse(utc)) * 10_000n + ticksTo1970) / 10_000n);
  } else if (kind === "datetime") assertTicks(ticksOf(found), sent, ticksTo1970);
  else if (kind === "timespan" && typeof sent === "string") assert.equal(spanTicksOf(found), spanTicksOf(sent));
  else if (kind === "timespan") assertTicks(spanTicksOf(found), sent, 0n);
  else if (kind === "decimal") assert.equal(decimalSense(found), decimalSense(String(sent)));
  else if (kind === "guid") assert.equal(found, String(sent).toLowerCase());
  else if (kind === "int" || kind === "long") assert.equal(BigInt(found), BigInt(sent as number | bigint));
  else if (kind === "real") assert.ok(Object.is(Number(found), sent), `${found} for ${sent}`);
  else if (kind === "dynamic") assert.equal(JSON.stringify(JSON.parse(found)), JSON.stringify(sent));
  else assert.equal(found, String(sent));
}

function assertCsv(sample: TableAndRecords): void {
  // With trim and bom a reader takes off what is not between quotes, as Kusto's may.
  const options = { trim: true, bom: true, skip_empty_lines: true, record_delimiter: "\n" };
  const rows: string[][] = parse(encoded(sample, "csv"), options);
  assert.equal(rows.length, sample.records.length);
  rows.forEach((row, i) => {
    assert.equal(row.length, sample.table.list.length);
    sample.table.list.forEach(({ name, kind }, j) => {
      const sent = valueIn(sample.records[i]!, name);
      if (sent === undefined) assert.equal(row[j], "");
      else assertText(kind, row[j]!, sent);
    });
  });
}

function valueIn(record: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

test("csv: a reader that trims, skips empty lines and eats BOMs finds every value as it was sent", () => {
  fc.assert(fc.property(tableAndRecords, assertCsv), { numRuns: 300 });
});

test("ndjson: JSON.parse finds every value as it was sent, and no key for a null", () => {
  fc.assert(
    fc.property(tableAndRecords, (sample) => {
      const lines = encoded(sample, "ndjson").split("\n");
      assert.equal(lines.pop(), "");
      assert.equal(lines.length, sample.records.length);
      lines.forEach((line, i) => {
        // The raw text of a long, which JSON.parse would round.
        const row: Record<string, unknown> = JSON.parse(line.replace(/:(-?\d{16,})(?=[,}])/g, ':"$1"'));
        assertJsonRow(sample.table, row, sample.records[i]!);
      });
    }),
    { numRuns: 300 },
  );
});

function assertJsonRow(
  { list }: Pick<Table, "list">,
  row: Readonly<Record<string, unknown>>,
  sent: Readonly<Record<string, unknown>>,
): void {
  const present = list.filter(({ name }) => valueIn(sent, name) !== undefined);
  assert.deepEqual(Object.keys(row).sort(), present.map(({ name }) => name).sort());
  for (const { name, kind } of present) {
    const found = row[name];
    if (kind === "dynamic") continue;
    if (kind === "string" || kind === "bool") assert.equal(found, sent[name]);
    else assertText(kind, Object.is(found, -0) ? "-0" : String(found), sent[name]);
  }
}

test("ndjson: dynamics stand in the row as JSON", () => {
  const t = table("T", { d: k.dynamic() });
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "binary" }), (d) => {
      fc.pre(d !== null);
      const row = JSON.parse(encoded({ table: t, records: [{ d }] }, "ndjson"));
      assert.equal(JSON.stringify(row.d), JSON.stringify(d));
    }),
  );
});

test("a row never is an empty line", () => {
  const one = table("One", { s: k.string().optional() });
  const records = [{ s: "" }, {}, { s: "x" }];
  assert.equal(encoded({ table: one, records }, "csv"), '""\n""\nx\n');
  assert.equal(encoded({ table: one, records }, "ndjson"), '{"s":""}\n{}\n{"s":"x"}\n');
  const two = table("Two", { a: k.int().optional(), b: k.string().optional() });
  assert.equal(encoded({ table: two, records: [{}] }, "csv"), ",\n");
});
