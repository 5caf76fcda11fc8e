const firstPartBytes = 65_536;
const partBytes = 262_144;

/** Gathers a batch's packed bytes into few arrays of their own, which can be transferred and sent as they are. */
export interface PackedParts {
  readonly bytes: number;
  add(piece: Uint8Array): void;
  /** The parts, the last one cut to what it holds; the gathering begins anew. */
  take(): Uint8Array<ArrayBuffer>[];
}

export function packedParts(): PackedParts {
  let parts: Uint8Array<ArrayBuffer>[] = [];
  let open: Uint8Array<ArrayBuffer> | undefined;
  let used = 0;
  let bytes = 0;
  return {
    get bytes() {
      return bytes;
    },
    add(piece) {
      bytes += piece.length;
      let rest = piece;
      while (rest.length > 0) {
        // Small batches are many, so the first part is small.
        open ??= new Uint8Array(parts.length === 0 ? firstPartBytes : partBytes);
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
      if (open) parts.push(open.slice(0, used));
      const taken = parts;
      parts = [];
      open = undefined;
      used = 0;
      bytes = 0;
      return taken;
    },
  };
}
