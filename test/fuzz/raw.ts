import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { type CsvError, parse } from "csv-parse/sync";
import { encoder } from "../../src/encode/choose-encoder.ts";
import type { Encoder } from "../../src/encode/encoder.ts";
import { sealed } from "../../src/encode/gzip-member.ts";
import { mostDepth } from "../../src/encode/json-syntax.ts";
import type { RawTally } from "../../src/encode/raw-chunk.ts";
import { rawCutter } from "../../src/encode/raw-cutter.ts";
import { rawPacker } from "../../src/encode/raw-packer.ts";
import type { RowFormat } from "../../src/encode/row-format.ts";
import { instantiate } from "../../src/encode/wasm.ts";
import { embeddedWasm } from "../../src/encode/wasm-embedded.ts";
import { tableOf } from "../../src/schema/table.ts";
import { randomWords } from "../assembly/compile-kernels.ts";
import { deep, nearlyCsv, nearlyJson, pick, piecesOf, spoiled } from "./adversarial.ts";
import type { Subject } from "./subject.ts";

interface Found {
  /** The rows that were kept, in one. */
  readonly kept: Buffer;
  readonly rows: number;
  readonly refused: { readonly row: number; readonly bytes: Buffer }[];
}

/**
 * Rows that were encoded already, cut anywhere: the kept ones are those that csv-parse, or TextDecoder and JSON.parse, take,
 * byte for byte; the others are told of by their number. In WebAssembly and in JavaScript.
 */
export function raw(): Subject {
  const wasm = embeddedWasm();
  const kernel = instantiate(wasm);
  return {
    name: "raw",
    step(next) {
      const cases = 20;
      for (let i = 0; i < cases; i++) {
        const format = pick(next, ["csv", "ndjson"] as const);
        const columns = 1 + (next() % 4);
        const input = inputOf(next, format, columns);
        const expected = format === "csv" ? judgedCsv(input, columns) : judgedLines(input);
        for (const module of [wasm, undefined]) {
          const found = packed(next, input, format, columns, module, 1e9, module && kernel);
          assertSame(found, expected, input, `${format} in ${columns} columns`);
        }
        const limit = 16 + (next() % 80);
        // Where a row that is too large is cut depends on the pieces: the same ones for both.
        const seed = next();
        const [one, other] = [wasm, undefined].map((module) =>
          packed(randomWords(seed), input, format, columns, module, limit, module && kernel),
        );
        assertSame(one!, other!, input, `${format} in ${columns} columns of at most ${limit} bytes`);
      }
      return cases;
    },
  };
}

function inputOf(next: () => number, format: RowFormat, columns: number): Uint8Array {
  if (next() % 12 === 0) return Uint8Array.from({ length: next() % 300 }, () => next());
  let text = next() % 12 === 0 ? "\ufeff" : "";
  if (format === "csv") text += nearlyCsv(next, columns);
  else
    for (let rows = next() % 8; rows > 0; rows--)
      text += lineOf(next) + pick(next, ["\n", "\n", "\r\n", "\n\n", " \n"]);
  if (next() % 60 === 0) text = text.replaceAll("a", "a".repeat(next() % 20_000)).slice(0, 400_000);
  if (next() % 4 === 0) text = text.slice(0, -1);
  return next() % 2 === 0 ? spoiled(next, Buffer.from(text)) : Buffer.from(text);
}

function lineOf(next: () => number): string {
  if (next() % 40 === 0) return deep(next);
  const text = nearlyJson(next);
  if (next() % 8 === 0) return text;
  return `{"a":${text.replaceAll("\n", " ")}}`;
}

function packed(
  next: () => number,
  input: Uint8Array,
  format: RowFormat,
  columns: number,
  wasm: Uint8Array | undefined,
  maxBytes: number,
  kernel: ReturnType<typeof instantiate>,
): Found {
  const list = Array.from({ length: columns }, (_, i) => ({
    name: `c${i}`,
    kind: "string" as const,
    isOptional: true,
  }));
  const rows = encoder(tableOf("Raw", list), format, { maxRows: 1 + (next() % 1_000), maxBytes }, wasm);
  const kept: Buffer[] = [];
  const refused: Found["refused"] = [];
  let count = 0;
  const cut = rawCutter(format, maxBytes, () => kernel);
  const packer = rawPacker(
    { cut, maxRowBytes: maxBytes, rawChunkBytes: 64 + (next() % 4_000) },
    ({ bytes, length }) => {
      const tally: RawTally = { rows: 0, refused: [] };
      for (let from = 0; from < length; ) {
        from = rows.appendRaw({ bytes, length, recordsBefore: 0 }, from, tally);
        if (from < length) kept.push(batchOf(rows));
      }
      for (const { row, start, end } of tally.refused)
        refused.push({ row: row + count, bytes: Buffer.from(bytes.slice(start, end)) });
      count += tally.rows;
      new Uint8Array(bytes).fill(0x22); // what is given back is filled anew
      packer.recycle(bytes);
    },
  );
  for (const piece of piecesOf(next, input)) {
    const copy = Uint8Array.from(piece);
    packer.add(copy);
    copy.fill(0x22); // the caller's again
    if (next() % 8 === 1) packer.flush(false);
  }
  packer.flush(true);
  kept.push(batchOf(rows));
  return { kept: Buffer.concat(kept), rows: count, refused };
}

function batchOf(rows: Encoder): Buffer {
  const { parts, rawBytes } = sealed(rows);
  const bytes = parts.length === 0 ? Buffer.alloc(0) : gunzipSync(Buffer.concat(parts));
  assert.equal(bytes.length, rawBytes);
  return bytes;
}

function assertSame(found: Found, expected: Found, input: Uint8Array, what: string): void {
  const shown = () => `${what}: ${JSON.stringify(Buffer.from(input).toString("latin1").slice(0, 2_000))}`;
  assert.equal(found.kept.toString("latin1"), expected.kept.toString("latin1"), shown());
  const of = ({ rows, refused }: Found) => ({
    rows,
    refused: refused.map(({ row, bytes }) => `${row}: ${bytes.toString("latin1")}`),
  });
  assert.deepEqual(of(found), of(expected), shown());
}

/** The input without its byte order mark, ended by a newline. */
function ended(input: Uint8Array): Buffer {
  const hasMark = input[0] === 0xef && input[1] === 0xbb && input[2] === 0xbf;
  const bytes = Buffer.from(hasMark ? input.subarray(3) : input);
  return bytes.length === 0 || bytes.at(-1) === 0x0a ? bytes : Buffer.concat([bytes, Buffer.from("\n")]);
}

const fatal = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function isUtf8(bytes: Uint8Array): boolean {
  try {
    fatal.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function judgedLines(input: Uint8Array): Found {
  const bytes = ended(input);
  const kept: Buffer[] = [];
  const refused: Found["refused"] = [];
  let rows = 0;
  for (let at = 0, end = 0; at < bytes.length; at = end) {
    end = bytes.indexOf(0x0a, at) + 1;
    const line = bytes.subarray(at, end);
    if (/^[ \t\r\n]*$/.test(line.toString("latin1"))) continue;
    if (isUtf8(line) && isShallowObject(line.toString())) kept.push(line);
    else refused.push({ row: rows, bytes: line });
    rows++;
  }
  return { kept: Buffer.concat(kept), rows, refused };
}

function isShallowObject(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  } catch {
    return false;
  }
  let depth = 0;
  for (const [bracket] of line.replace(/"(?:[^"\\]|\\.)*"/g, "").matchAll(/[[\]{}]/g)) {
    depth += bracket === "[" || bracket === "{" ? 1 : -1;
    if (depth > mostDepth) return false;
  }
  return true;
}

/**
 * A row is the fewest lines that csv-parse takes as one record. Where it finds a fault in the quotes first, or no end, the
 * first line is refused and the next begins a row.
 */
function judgedCsv(input: Uint8Array, columns: number): Found {
  const bytes = ended(input);
  const kept: Buffer[] = [];
  const refused: Found["refused"] = [];
  let rows = 0;
  for (let at = 0; at < bytes.length; ) {
    const line = bytes.indexOf(0x0a, at) + 1;
    const isEmpty = line - at === 1 || (line - at === 2 && bytes[at] === 0x0d);
    if (isEmpty) {
      at = line;
      continue;
    }
    const { end, fields } = csvRecord(bytes, at);
    const row = bytes.subarray(at, end);
    if (fields === columns && isUtf8(row)) kept.push(row);
    else refused.push({ row: rows, bytes: row });
    rows++;
    at = end;
  }
  return { kept: Buffer.concat(kept), rows, refused };
}

/** Where the record ends, and its fields; 0 for a line that is none. */
function csvRecord(bytes: Buffer, at: number): { end: number; fields: number } {
  const firstLine = bytes.indexOf(0x0a, at) + 1;
  for (let end = firstLine; end > 0; end = bytes.indexOf(0x0a, end) + 1) {
    // A character a byte: what is framing is ASCII.
    const text = bytes.toString("latin1", at, end);
    try {
      let hasReturn = false;
      const [record] = parse(text, {
        record_delimiter: ["\n", "\r\n"],
        cast: (value, { quoting }) => {
          if (!quoting && value.includes("\r")) hasReturn = true;
          return value;
        },
      }) as string[][];
      return hasReturn ? { end: firstLine, fields: 0 } : { end, fields: record!.length };
    } catch (error) {
      if ((error as CsvError).code !== "CSV_QUOTE_NOT_CLOSED") break;
    }
  }
  return { end: firstLine, fields: 0 };
}
