/** A batch: a whole gzip member. */
export interface PackedRows {
  readonly rows: number;
  readonly rawBytes: number;
  readonly packedBytes: number;
  readonly parts: Uint8Array<ArrayBuffer>[];
}

/** A stretch of rows in a deflate stream, without header and end, on byte boundaries: what a gzip member is joined of. */
export interface Segment {
  readonly rows: number;
  readonly rawBytes: number;
  /** CRC-32 of its uncompressed bytes. */
  readonly crc: number;
  readonly parts: Uint8Array<ArrayBuffer>[];
}
