import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import type { SealedBatch } from "../src/batch/sealed-batch.ts";

/** A batch's rows as other people's programs read them: node:zlib, then csv-parse or JSON.parse. */
export function rowsOf(batch: SealedBatch): string[][] {
  return parse(textOf(batch), { relax_column_count: false, skip_empty_lines: false });
}

export function objectsOf(batch: SealedBatch): Record<string, unknown>[] {
  return textOf(batch)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** Unpacks a batch, checking what it says of itself on the way. */
export function textOf(batch: SealedBatch): string {
  const packed = Buffer.concat(batch.parts);
  if (packed.length !== batch.packedBytes) throw new Error(`packedBytes ${batch.packedBytes}, parts ${packed.length}`);
  const raw = gunzipSync(packed);
  if (raw.length !== batch.rawBytes) throw new Error(`rawBytes ${batch.rawBytes}, unpacked ${raw.length}`);
  return raw.toString("utf8");
}
