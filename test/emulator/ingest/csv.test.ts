import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { csvRecords } from "../../../src/emulator/ingest/csv.ts";

async function split(text: string, cuts: readonly number[] = [], delimiter = ","): Promise<string[][]> {
  const at = [0, ...[...cuts].map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length];
  async function* pieces() {
    for (let index = 1; index < at.length; index++) yield text.slice(at[index - 1], at[index]);
  }
  const records: string[][] = [];
  for await (const batch of csvRecords(pieces(), delimiter)) records.push(...batch);
  return records;
}

const field = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", ",", '"', "\n", "\r", " ", "é", "😀", "\0", "\ufeff") }),
  fc.string({ unit: "binary" }),
);
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
const written = (text: string, isQuoted: boolean) =>
  isQuoted || /[",\r\n]|^\ufeff|^$/.test(text) ? quoted(text) : text;

test("reads what csv-parse reads, however the text is cut into pieces", async () => {
  const record = fc.array(fc.tuple(field, fc.boolean()), { minLength: 1, maxLength: 5 });
  const lineEnd = fc.constantFrom("\n", "\r\n");
  await fc.assert(
    fc.asyncProperty(
      fc.array(record, { maxLength: 8 }),
      lineEnd,
      fc.boolean(),
      fc.array(fc.nat(), { maxLength: 6 }),
      async (records, end, isEnded, cuts) => {
        const text =
          records.map((fields) => fields.map(([value, q]) => written(value, q)).join(",")).join(end) +
          (isEnded ? end : "");
        const oracle = parse(text, {
          relax_column_count: true,
          skip_empty_lines: true,
          record_delimiter: ["\n", "\r\n"],
        });
        assert.deepEqual(await split(text, cuts), oracle);
      },
    ),
  );
});

test("blanks belong to their field, an empty line is no record, a last separator makes a last field", async () => {
  assert.deepEqual(await split(' a , "b"\n\n\r\n"",\n'), [
    [" a ", ' "b"'],
    ["", ""],
  ]);
  assert.deepEqual(await split("a,"), [["a", ""]]);
  assert.deepEqual(await split('""'), [[""]]);
  assert.deepEqual(await split("a\rb\r"), [["a"], ["b"]]);
});

test("a byte order mark at the head is no data, anywhere else it is", async () => {
  assert.deepEqual(await split("\ufeffa,\ufeffb"), [["a", "\ufeffb"]]);
  assert.deepEqual(await split('"\ufeffa"'), [["\ufeffa"]]);
});

test("other separators", async () => {
  assert.deepEqual(await split("a,b\tc\n", [], "\t"), [["a,b", "c"]]);
});

test("a quote that is never closed, and one that is closed too early, have their codes", async () => {
  await assert.rejects(split('a,"b\n'), { code: "Stream_ClosingQuoteMissing" });
  await assert.rejects(split('"a"b,c\n'), { code: "BadRequest_UnexpectedCharacterInInputStream" });
});

test("a record of many pieces is not scanned over and over", async () => {
  const long = "x".repeat(1_000_000);
  async function* pieces() {
    yield '"';
    for (let at = 0; at < long.length; at += 100) yield long.slice(at, at + 100);
    yield '",b\n';
  }
  for await (const batch of csvRecords(pieces(), ",")) assert.deepEqual(batch, [[long, "b"]]);
});
