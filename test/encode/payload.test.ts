import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { encoder } from "../../src/encode/choose-encoder.ts";
import type { Encoder } from "../../src/encode/encoder.ts";
import { gzipMember } from "../../src/encode/gzip-member.ts";
import type { Payload } from "../../src/encode/payload.ts";
import { plainText, textWithEnds } from "../../src/encode/plain-text.ts";
import type { RowFormat } from "../../src/encode/row-format.ts";
import type { BatchContent, PackedRows } from "../../src/encode/segment.ts";
import { embeddedWasm } from "../../src/encode/wasm-embedded.ts";
import { k, table } from "../../src/schema/table.ts";
import { tableAndRecords } from "./arbitraries.ts";
import { rawChunkOf } from "./raw-chunks.ts";
import { chunksOf, type Sample } from "./rows.ts";

// What an encoder makes for each payload: the text is that of the gzip member, and each row ends where a row of its own would.

const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000);
const noLimits = { maxRows: 1e9, maxBytes: 1e9 };
const modules = { wasm: embeddedWasm(), javascript: undefined } as const;
const contents: Readonly<Record<Payload, () => BatchContent>> = {
  gzip: gzipMember,
  plain: plainText,
  rows: textWithEnds,
  records: textWithEnds,
};

interface Plan {
  readonly format: RowFormat;
  readonly payload: Payload;
  readonly wasm: Uint8Array | undefined;
  readonly limits?: typeof noLimits;
  /** Rows of a chunk, and chunks of a segment. */
  readonly rowsPerChunk?: number;
  readonly chunksPerSegment?: number;
}

/** The batches of a sample, with a cut of the segment behind every few chunks. */
function batches(sample: Sample, { format, payload, wasm, limits = noLimits, ...plan }: Plan): PackedRows[] {
  const rows = encoder(sample.table, format, limits, wasm, { payload });
  const content = contents[payload]();
  const made: PackedRows[] = [];
  const end = () => {
    add(content, rows, true);
    if (content.rows > 0) made.push(content.end());
  };
  for (const [i, chunk] of chunksOf(sample, format, plan.rowsPerChunk).entries()) {
    for (let from = 0; from < chunk.rows; ) {
      from += rows.append(chunk, from);
      if (from < chunk.rows) end();
    }
    if (i % (plan.chunksPerSegment ?? 1) === 0 && rows.uncutRows > 0) add(content, rows, false);
  }
  end();
  return made;
}

function add(content: BatchContent, rows: Encoder, isBatchEnd: boolean): void {
  const segment = rows.cut(isBatchEnd);
  if (segment.rows > 0) content.add(segment);
  rows.recycle(segment.parts);
}

function textOf({ parts, packedBytes, rawBytes }: PackedRows, payload: Payload): string {
  const bytes = Buffer.concat(parts);
  assert.equal(bytes.length, packedBytes);
  const text = payload === "gzip" ? gunzipSync(bytes) : bytes;
  assert.equal(text.length, rawBytes);
  return text.toString();
}

function rowsIn({ parts, ends, rows }: PackedRows): string[] {
  assert.equal(parts.length, 1);
  assert.equal(ends!.length, rows);
  return Array.from(ends!, (end, i) => Buffer.from(parts[0]!).toString("utf8", i === 0 ? 0 : ends![i - 1]!, end));
}

for (const format of ["csv", "ndjson"] as const)
  for (const [name, wasm] of Object.entries(modules))
    test(`${format}, ${name}: every payload has the text of the gzip member, and the ends of its rows (seed ${seed})`, () => {
      const limits = fc.record({
        maxRows: fc.integer({ min: 1, max: 30 }),
        maxBytes: fc.integer({ min: 1, max: 3000 }),
      });
      const sizes = fc.record({ rowsPerChunk: fc.integer({ min: 1, max: 20 }), chunksPerSegment: fc.nat({ max: 3 }) });
      fc.assert(
        fc.property(
          tableAndRecords,
          limits,
          sizes,
          (sample, { maxRows, maxBytes }, { rowsPerChunk, chunksPerSegment }) => {
            const alone = batches(sample, { format, payload: "gzip", wasm, limits: { ...noLimits, maxRows: 1 } });
            const singles = alone.map((batch) => textOf(batch, "gzip"));
            const largest = Math.max(0, ...alone.map(({ rawBytes }) => rawBytes));
            const plan = {
              format,
              wasm,
              limits: { maxRows, maxBytes: Math.max(maxBytes, largest) },
              rowsPerChunk,
              chunksPerSegment: chunksPerSegment + 1,
            };
            const texts = batches(sample, { ...plan, payload: "gzip" }).map((batch) => textOf(batch, "gzip"));
            for (const payload of ["plain", "rows", "records"] as const) {
              const made = batches(sample, { ...plan, payload });
              assert.deepEqual(
                made.map((batch) => textOf(batch, payload)),
                texts,
              );
              if (payload === "plain") assert.ok(made.every(({ ends }) => ends === undefined));
              else assert.deepEqual(made.flatMap(rowsIn), singles);
            }
          },
        ),
        { seed, numRuns: 150 },
      );
    });

const notes = table("Notes", { id: k.int(), text: k.string() });

for (const [name, wasm] of Object.entries(modules)) {
  test(`${name}: rows larger than the window, and many of two bytes, end where csv-parse ends them`, () => {
    const records = [1, 300_000, 5, 131_072, 1, 500_000, 2].map((length, id) => ({
      id,
      text: `"\n,${"é".repeat(length)}`,
    }));
    const [batch] = batches({ table: notes, records }, { format: "csv", payload: "rows", wasm });
    const oracle = parse(textOf(batch!, "rows"), { raw: true }) as unknown as { raw: string }[];
    assert.deepEqual(
      rowsIn(batch!),
      oracle.map(({ raw }) => raw),
    );

    const two = table("Two", { a: k.string().optional(), b: k.string().optional() });
    const empty = { table: two, records: Array.from({ length: 200_000 }, () => ({})) };
    const [short] = batches(empty, {
      format: "csv",
      payload: "rows",
      wasm,
      rowsPerChunk: 2_048,
      chunksPerSegment: 1_000,
    });
    assert.equal(short!.rawBytes, 400_000);
    assert.ok(short!.ends!.every((end, row) => end === 2 * (row + 1)));
  });

  test(`${name}: raw rows end behind their line ends, and refused ones leave no gap`, () => {
    const rows = encoder(notes, "csv", noLimits, wasm, { payload: "rows" });
    const content = textWithEnds();
    for (const text of ['1,"a\nb"\r\n\r\n2\n3,c\n', `4,${"x".repeat(200_000)}\n5,"q""q"\n`]) {
      const tally = { rows: 0, refused: [] };
      const rawChunk = rawChunkOf(text);
      for (let from = 0; from < rawChunk.length; ) from = rows.appendRaw(rawChunk, from, tally);
      add(content, rows, false);
    }
    add(content, rows, true);
    assert.deepEqual(rowsIn(content.end()), ['1,"a\nb"\r\n', "3,c\n", `4,${"x".repeat(200_000)}\n`, '5,"q""q"\n']);
  });

  test(`${name}: an encoder that goes on from another's rows counts the ends of its own segment`, () => {
    const rows = encoder(notes, "csv", { maxRows: 1e9, maxBytes: 1_000 }, wasm, { payload: "rows" });
    rows.goOnFrom(3, 900);
    const [chunk] = chunksOf(
      {
        table: notes,
        records: [
          { id: 1, text: "a" },
          { id: 2, text: "bc" },
        ],
      },
      "csv",
    );
    assert.equal(rows.append(chunk!, 0), 2);
    assert.deepEqual([...rows.cut(true).ends!], [4, 9]);
  });
}
