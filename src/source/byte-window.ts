/**
 * The stretch of a byte stream that is being looked at. Offsets outside are counted from the start of the stream, so
 * they keep their meaning while the window moves on.
 */
export interface ByteWindow {
  /** May be larger than what is filled. */
  bytes: Buffer;
  /** Offset in the stream of `bytes[0]`. */
  base: number;
  /** How many of `bytes` are filled. */
  length: number;
}

export function byteWindow(base: number): ByteWindow {
  return { bytes: Buffer.alloc(0), base, length: 0 };
}

/** Appends a chunk. The buffer doubles when it must grow, so a long record costs no more per byte than a short one. */
export function append(window: ByteWindow, chunk: Uint8Array): void {
  const needed = window.length + chunk.length;
  if (needed > window.bytes.length) {
    const grown = Buffer.allocUnsafe(Math.max(needed, window.bytes.length * 2));
    grown.set(window.bytes.subarray(0, window.length));
    window.bytes = grown;
  }
  window.bytes.set(chunk, window.length);
  window.length = needed;
}

/** Lets go of everything before the offset `start`. */
export function dropBefore(window: ByteWindow, start: number): void {
  const gone = Math.min(start - window.base, window.length);
  if (gone <= 0) return;
  window.bytes.copyWithin(0, gone, window.length);
  window.base += gone;
  window.length -= gone;
}
