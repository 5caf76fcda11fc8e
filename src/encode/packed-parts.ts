/** Gathers packed bytes into few arrays, most of them of one size, so that they can be filled again. */
export interface PackedParts {
  readonly bytes: number;
  add(piece: Uint8Array): void;
  /** The parts, and the gathering begins anew. */
  take(): Uint8Array<ArrayBuffer>[];
  /** Gives parts back whose bytes nobody looks at any more. */
  recycle(parts: readonly Uint8Array<ArrayBuffer>[]): void;
}

const fewestSpares = 4;

/** Of a batch: small ones are many, so the first part is small; the parts of large ones are of a size that is worth keeping. */
export function batchParts(): PackedParts {
  return packedParts(65_536, 1_048_576);
}

/**
 * What is given back is kept up to what the last two gatherings took: a batch of 300 MB is a hundred megabytes of parts,
 * and left to the garbage collector there would be several such at a time.
 *
 * @param firstBytes of the first part: smaller than the others where most gatherings are small and are kept; then the
 *   last part is a copy of what it holds, else a view.
 * @param partBytes of each part behind it.
 */
export function packedParts(firstBytes: number, partBytes: number): PackedParts {
  const spares: ArrayBuffer[] = [];
  const isTrimmed = firstBytes < partBytes;
  let mostSpares = fewestSpares;
  let lastTaken = 0;
  let parts: Uint8Array<ArrayBuffer>[] = [];
  let open: Uint8Array<ArrayBuffer> | undefined;
  let used = 0;
  let bytes = 0;

  function openPart(): Uint8Array<ArrayBuffer> {
    if (parts.length === 0 && isTrimmed) return new Uint8Array(firstBytes);
    return new Uint8Array(spares.pop() ?? new ArrayBuffer(partBytes));
  }

  function keep(buffer: ArrayBuffer): void {
    if (buffer.byteLength === partBytes && spares.length < mostSpares) spares.push(buffer);
  }

  return {
    get bytes() {
      return bytes;
    },
    add(piece) {
      bytes += piece.length;
      let rest = piece;
      while (rest.length > 0) {
        open ??= openPart();
        const taken = rest.subarray(0, open.length - used);
        open.set(taken, used);
        used += taken.length;
        rest = rest.subarray(taken.length);
        if (used === open.length) {
          parts.push(open);
          open = undefined;
          used = 0;
        }
      }
    },
    take() {
      const taken = parts;
      if (open) taken.push(isTrimmed ? open.slice(0, used) : open.subarray(0, used));
      if (open && isTrimmed) keep(open.buffer);
      mostSpares = Math.max(taken.length, lastTaken, fewestSpares);
      lastTaken = taken.length;
      if (spares.length > mostSpares) spares.length = mostSpares;
      parts = [];
      open = undefined;
      used = 0;
      bytes = 0;
      return taken;
    },
    recycle(given) {
      for (const part of given) keep(part.buffer);
    },
  };
}
