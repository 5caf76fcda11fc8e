/**
 * Some hundreds of packed records: the unit that crosses from the caller's thread to a subtask, and from JavaScript
 * into WebAssembly. Two buffers, both transferable: the tape (fixed slots per row) and the text (UTF-8 of all strings
 * of the chunk, concatenated). Only `packer` writes it, only encoders read it.
 */
export interface Chunk {
  readonly rows: number;
  /** Sequence number of the chunk's first record, counted per sink from 0; the chunk's records are consecutive. */
  readonly firstRecord: number;
  readonly tape: ArrayBuffer;
  readonly tapeBytes: number;
  readonly text: ArrayBuffer;
  readonly textBytes: number;
}

/** The buffers of a chunk that has been encoded, given back to the packer to be filled again. */
export interface SpareBuffers {
  readonly tape: ArrayBuffer;
  readonly text: ArrayBuffer;
}
