import type { Encoder } from "../../src/encode/encoder.ts";
import { sealed } from "../../src/encode/gzip-member.ts";
import type { RawChunk, RefusedRow } from "../../src/encode/raw-chunk.ts";
import type { RawCutter } from "../../src/encode/raw-cutter.ts";
import { rawPacker } from "../../src/encode/raw-packer.ts";
import { rawRowText } from "../../src/encode/raw-reasons.ts";
import type { PackedRows } from "../../src/encode/segment.ts";

/** A raw chunk of these bytes and nothing else, ended by a newline as the packer does it. */
export function rawChunkOf(rows: string | Uint8Array): RawChunk {
  const bytes = typeof rows === "string" ? new TextEncoder().encode(rows) : rows;
  const isEnded = bytes.length === 0 || bytes.at(-1) === 0x0a;
  const copy = new Uint8Array(bytes.length + (isEnded ? 0 : 1)).fill(0x0a);
  copy.set(bytes);
  return { bytes: copy.buffer, length: copy.length, recordsBefore: 0 };
}

export interface Found {
  readonly batches: PackedRows[];
  readonly rows: number;
  readonly refused: readonly RefusedRow[];
  /** The text of each refused row. */
  readonly left: readonly string[];
}

/** All that an encoder makes of the raw chunks; the last batch may be empty. Refused rows are numbered over all raw chunks. */
export function found(encoder: Encoder, rawChunks: readonly RawChunk[]): Found {
  const batches: PackedRows[] = [];
  const refused: RefusedRow[] = [];
  const left: string[] = [];
  let rows = 0;
  for (const rawChunk of rawChunks) {
    const tally = { rows: 0, refused: [] as RefusedRow[] };
    for (let from = 0; from < rawChunk.length; ) {
      const before = from;
      from = encoder.appendRaw(rawChunk, from, tally);
      if (from === before && encoder.rows === 0) throw new Error(`no way on from byte ${from}`);
      if (from < rawChunk.length) batches.push(sealed(encoder));
    }
    refused.push(...tally.refused.map((row) => ({ ...row, row: row.row + rows })));
    left.push(...tally.refused.map((row) => rawRowText(rawChunk.bytes, row)));
    rows += tally.rows;
  }
  return { batches: [...batches, sealed(encoder)], rows, refused, left };
}

export interface Input {
  readonly cut: RawCutter;
  readonly maxRowBytes?: number;
  readonly malformedText?: "refuse" | "replace";
  readonly rawChunkBytes?: number;
}

/** The raw chunks that the packer makes of pieces; `true` stands for a flush in between. Buffers are its own, and never given back. */
export function rawChunksOf(pieces: readonly (string | Uint8Array | true)[], input: Input): RawChunk[] {
  const rawChunks: RawChunk[] = [];
  const { maxRowBytes = 1e9, ...rest } = input;
  const packer = rawPacker({ ...rest, maxRowBytes }, (rawChunk) => rawChunks.push({ ...rawChunk, recordsBefore: 0 }));
  for (const piece of pieces) {
    if (piece === true) packer.flush(false);
    else packer.add(piece);
  }
  packer.flush(true);
  return rawChunks;
}
