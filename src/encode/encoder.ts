import { MillraceError } from "../errors.ts";
import type { Chunk } from "./chunk.ts";
import type { RawChunk, RawTally } from "./raw-chunk.ts";
import type { Segment } from "./segment.ts";

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
 * Turns chunks into the segments that the gzip member of a batch is joined of, one batch after the other. It lives in a
 * subtask and is used by one thread. The WebAssembly encoder and its pure-JavaScript twin (fflate) behave alike to the
 * byte of the rows.
 */
export interface Encoder {
  /** Rows of the open batch, those included whose segment is cut. */
  readonly rows: number;
  /** Uncompressed bytes of the open batch. */
  readonly rawBytes: number;
  /** Of them, rows and bytes that no segment holds yet. */
  readonly uncutRows: number;
  readonly uncutBytes: number;
  /**
   * Takes rows of the chunk into the open batch, from row `from` on, until the chunk ends or the next row would break a
   * limit; returns how many were taken. 0 with an open batch means: seal first, then call again with the same `from`.
   * A row is never split.
   *
   * @throws MillraceError INTERNAL when a row alone exceeds `maxBytes`, which the packer should have refused.
   */
  append(chunk: Chunk, from: number): number;
  /**
   * The same for rows that were encoded before, from byte `from` of the raw chunk on: returns where it stopped, the raw chunk's
   * length at its end. What it goes over is added to `tally`; a row that is refused is left out.
   */
  appendRaw(rawChunk: RawChunk, from: number, tally: RawTally): number;
  /**
   * Ends a segment; its parts are the caller's own (transferable). The next one stands right behind it and finds its
   * matches there, or else `isBatchEnd`: then it begins a batch and a stream of its own.
   */
  cut(isBatchEnd: boolean): Segment;
  /** Begins a batch of which so many rows and bytes were made by another encoder. */
  goOnFrom(rows: number, rawBytes: number): void;
  /** Gives the parts of a segment back, to be filled again. */
  recycle(parts: readonly Uint8Array<ArrayBuffer>[]): void;
}

export function rowTooLarge(table: string, limits: BatchLimits): MillraceError {
  return new MillraceError(
    "INTERNAL",
    `A row of table ${table} does not fit an empty batch of ${limits.maxRows} rows and ${limits.maxBytes} bytes.`,
  );
}
