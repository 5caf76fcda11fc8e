import type { ChunkNodes } from "./nodes.ts";
import type { SharedBytes } from "./shared-buffer.ts";

/**
 * Some hundreds of packed records: the unit that crosses from the caller's thread to a subtask, and from JavaScript
 * into WebAssembly. Three buffers, shared with the subtask's thread: the tape (fixed slots per row, see `layout.ts`), the text (UTF-8
 * of all strings of the chunk, concatenated) and the nodes of nested values (see `nodes.ts`). Only `packer` writes it, only
 * encoders read it.
 */
export interface Chunk extends ChunkNodes {
  readonly rows: number;
  /**
   * Sequence numbers of the chunk's first and last record. A record's number is the index of its `pack()` call, and a
   * refused record keeps the number it used, so numbers rise from row to row but may leave some out.
   */
  readonly firstRecord: number;
  readonly lastRecord: number;
  readonly tape: SharedBytes;
  readonly tapeBytes: number;
  readonly text: SharedBytes;
  readonly textBytes: number;
  /** UTF-16 units in the text. Equal to `textBytes` where all is ASCII, which encoders use to count nothing twice. */
  readonly textUnits: number;
}

/** The buffers of a chunk whose rows have come back, given back to the packer to be filled again. */
export interface SpareBuffers {
  readonly tape: SharedBytes;
  readonly text: SharedBytes;
  readonly nodes: SharedBytes;
}

/** The sequence number of one row's record: each row begins with its distance from `firstRecord`. */
export function recordOf(chunk: Chunk, row: number): number {
  const stride = chunk.tapeBytes / chunk.rows;
  return chunk.firstRecord + new DataView(chunk.tape).getUint32(row * stride, true);
}
