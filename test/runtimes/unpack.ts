import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import type { SealedBatch } from "millrace";

/** A batch as node:zlib reads it, with the numbers that it tells of itself checked. */
export function textOf({ parts, packedBytes, rawBytes }: SealedBatch): string {
  const packed = Buffer.concat(parts);
  assert.equal(packed.length, packedBytes);
  const raw = gunzipSync(packed);
  assert.equal(raw.length, rawBytes);
  return raw.toString("utf8");
}

export function rowsOf(batch: SealedBatch): string[][] {
  return parse(textOf(batch), { relax_column_count: false, skip_empty_lines: false });
}

export function objectsOf(batch: SealedBatch): Record<string, unknown>[] {
  return textOf(batch)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** The numbers in the first column of all batches, in their order. */
export function firstNumbers(batches: readonly SealedBatch[]): number[] {
  return batches.flatMap(rowsOf).map(([first]) => Number(first));
}

export const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

export const sorted = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b);
