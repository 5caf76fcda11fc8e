import { MillraceError } from "../errors.ts";
import type { Chunk } from "./chunk.ts";
import type { RawSlab, RawTally } from "./raw-slab.ts";

/** How a row is written: CSV is the fastest for the service to load (documentation); NDJSON is Kusto's `multijson`. */
export type RowFormat = "csv" | "ndjson";

/** How hard the gzip tries: 1 is the fast one, 2 packs smaller. */
export type GzipLevel = 1 | 2;

/** What bounds one batch: whichever comes first. */
export interface BatchLimits {
  /** Records. */
  readonly maxRows: number;
  /** Uncompressed bytes of encoded rows. */
  readonly maxBytes: number;
}

/**
 * Turns chunks into the gzip member of one batch, and is then ready for the next. It lives in a subtask and is used by
 * one thread. The WebAssembly encoder and its pure-JavaScript twin (fflate gzip) behave alike to the byte of the rows.
 */
export interface Encoder {
  /** Rows of the open batch. */
  readonly rows: number;
  /** Uncompressed bytes of the open batch. */
  readonly rawBytes: number;
  /**
   * Takes rows of the chunk into the open batch, from row `from` on, until the chunk ends or the next row would break a
   * limit; returns how many were taken. 0 with an open batch means: seal first, then call again with the same `from`.
   * A row is never split.
   *
   * @throws MillraceError INTERNAL when a row alone exceeds `maxBytes`, which the packer should have refused.
   */
  append(chunk: Chunk, from: number): number;
  /**
   * The same for rows that were encoded before, from byte `from` of the slab on: returns where it stopped, the slab's
   * length at its end. What it goes over is added to `tally`; a row that is refused is left out.
   */
  appendRaw(slab: RawSlab, from: number, tally: RawTally): number;
  /** Closes the batch; the parts are the caller's own (transferable), and together one gzip member. */
  seal(): PackedRows;
}

export interface PackedRows {
  readonly rows: number;
  readonly rawBytes: number;
  readonly packedBytes: number;
  readonly parts: Uint8Array<ArrayBuffer>[];
}

export function rowTooLarge(table: string, limits: BatchLimits): MillraceError {
  return new MillraceError(
    "INTERNAL",
    `A row of table ${table} does not fit an empty batch of ${limits.maxRows} rows and ${limits.maxBytes} bytes.`,
  );
}
