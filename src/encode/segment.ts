/** The content of a batch: a whole gzip member, or the text of its rows. */
export interface PackedRows {
  readonly rows: number;
  readonly rawBytes: number;
  readonly packedBytes: number;
  readonly parts: Uint8Array<ArrayBuffer>[];
  /** Where each row ends, in bytes of the text: only of payloads with row ends. */
  readonly ends?: Uint32Array<ArrayBuffer>;
}

/**
 * A stretch of rows: of a deflate stream, without header and end, on byte boundaries, which a gzip member is joined of; or of plain
 * text.
 */
export interface Segment {
  readonly rows: number;
  readonly rawBytes: number;
  /** CRC-32 of its uncompressed bytes; 0 where nothing is packed. */
  readonly crc: number;
  readonly parts: Uint8Array<ArrayBuffer>[];
  /** Where each row ends, in bytes of the segment: only of payloads with row ends. */
  readonly ends?: Uint32Array<ArrayBuffer>;
}

/** The content of one batch, made of segments in the order in which they are added. */
export interface BatchContent {
  readonly rows: number;
  readonly rawBytes: number;
  /** Copies the segment's bytes. */
  add(segment: Segment): void;
  /** Ends it and begins the next. */
  end(): PackedRows;
  /** Gives the parts of a batch back, to be filled again. */
  recycle(parts: readonly Uint8Array<ArrayBuffer>[]): void;
}
