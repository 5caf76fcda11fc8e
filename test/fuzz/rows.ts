import assert from "node:assert/strict";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { encoder } from "../../src/encode/choose-encoder.ts";
import { jsEncoder } from "../../src/encode/js-encoder.ts";
import { embeddedWasm } from "../../src/encode/wasm-embedded.ts";
import { tableAndRecords } from "../encode/arbitraries.ts";
import { chunksOf, encodedText } from "../encode/rows.ts";
import type { Subject } from "./subject.ts";

const limits = { maxRows: 1_000_000, maxBytes: 1e9 };

/** Random tables and records: WebAssembly and JavaScript agree to the byte, and other people's parsers find every row. */
export function rows(format: "csv" | "ndjson"): Subject {
  return {
    name: format,
    step(next) {
      const [sample] = fc.sample(tableAndRecords, { seed: next() | 0, numRuns: 1 });
      const { table } = sample!;
      const rowsPerChunk = 1 + (next() % 40);
      const text = encodedText(encoder(table, format, limits, embeddedWasm()), chunksOf(sample!, format, rowsPerChunk));
      assert.equal(text, encodedText(jsEncoder(table, format, limits), chunksOf(sample!, format)));
      const found =
        format === "ndjson"
          ? text
              .split("\n")
              .slice(0, -1)
              .map((line) => JSON.parse(line) as object)
          : (parse(text, { skip_empty_lines: true }) as string[][]);
      assert.equal(found.length, sample!.records.length);
      if (format === "csv") for (const row of found) assert.equal((row as string[]).length, table.list.length);
      return sample!.records.length;
    },
  };
}
