import { setImmediate as turn } from "node:timers/promises";

/** A third of a millisecond of SHA-256. */
const sliceBytes = 512 * 1024;

/**
 * Hands over the bytes in slices, with a turn of the event loop after each: a SHA-256 of 16 MB takes 10 ms in one go, and so long its
 * worker would get nothing to pack.
 */
export async function inTurns(pieces: readonly Uint8Array[], take: (slice: Uint8Array) => void): Promise<void> {
  let taken = 0;
  for (const piece of pieces)
    for (let from = 0; from < piece.length; from += sliceBytes) {
      const slice = piece.subarray(from, from + sliceBytes);
      take(slice);
      taken += slice.length;
      if (taken < sliceBytes) continue;
      taken = 0;
      await turn();
    }
}
