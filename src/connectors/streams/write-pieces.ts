import type { Writable } from "node:stream";

/**
 * Writes pieces to a stream, in order, and without another's bytes between them. Resolves when the system has taken all of them; until
 * then the stream reads from them.
 */
export function writePieces(stream: Writable, pieces: readonly Uint8Array[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = pieces.length;
    const onWritten = (error?: Error | null): void => {
      if (error) reject(error);
      else if (--left === 0) resolve();
    };
    if (left === 0) resolve();
    stream.cork();
    for (const piece of pieces) stream.write(piece, onWritten);
    stream.uncork();
  });
}
