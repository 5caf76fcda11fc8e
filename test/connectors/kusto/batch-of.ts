import { randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { SealedBatch } from "../../../src/batch/sealed-batch.ts";
import type { DestinationContext } from "../../../src/destination/destination.ts";
import { k, table } from "../../../src/schema/table.ts";

export const twoColumns = table("T", { a: k.long(), b: k.string() });

/** A sealed batch of some CSV text, cut into parts of the given size as the encoder would. */
export function batchOf(
  text: string,
  options: { id?: string; partBytes?: number; packed?: Uint8Array } = {},
): SealedBatch {
  const packed = options.packed ?? gzipSync(text);
  const size = options.partBytes ?? packed.byteLength;
  const parts = Array.from({ length: Math.ceil(packed.byteLength / size) }, (_, i) =>
    packed.subarray(i * size, (i + 1) * size),
  );
  const rows = text.split("\n").length - 1;
  return {
    id: options.id ?? randomUUID(),
    table: "T",
    format: "csv",
    rows,
    rawBytes: Buffer.byteLength(text),
    parts,
    packedBytes: packed.byteLength,
    subtask: 0,
    firstRecord: 0,
    lastRecord: rows - 1,
    sealedBy: "flush",
  };
}

export function contextOf(signal = new AbortController().signal): DestinationContext {
  return { table: twoColumns, format: "csv", signal };
}
