import { Deflate } from "fflate";

/** Makes a segment in plain JavaScript: packed by fflate at one of its levels, or plain. */
export interface JsSegment {
  push(bytes: Uint8Array): void;
  /** Ends the segment on a byte boundary, so that another can follow. */
  end(): void;
}

const nothing = new Uint8Array(0);

/** The bytes as they are. */
export function plainSegment(take: (piece: Uint8Array) => void): JsSegment {
  return { push: take, end() {} };
}

export function jsSegment(level: 1 | 6, take: (piece: Uint8Array) => void): JsSegment {
  let isLast = false;
  const deflate = new Deflate({ level }, (piece) => take(isLast ? unended(piece) : piece));
  return {
    push(bytes) {
      deflate.push(bytes);
    },
    end() {
      // All that is left goes out, so that the last block is an empty one. (flush(true), which is to end on a byte boundary, puts it
      // in the wrong place where the last byte is not full: fflate 0.8.3.)
      deflate.flush();
      isLast = true;
      deflate.push(nothing, true);
    },
  };
}

/**
 * Makes of an empty last block of the fixed code, the bits 1 10 0000000 in their order, one that is not the last, and puts an
 * empty stored block behind it: the bits 0 00, zeros up to the byte, and its two lengths (RFC 1951, 3.2.3 and 3.2.4).
 */
function unended(end: Uint8Array): Uint8Array {
  let type = 8 * end.length - 1;
  while (!bitAt(end, type)) type--;
  const blockEnd = type + 9;
  const wholeBytes = (blockEnd + 3 + 7) >> 3;
  const open = new Uint8Array(wholeBytes + 4);
  open.set(end.subarray(0, wholeBytes));
  const mark = type - 1;
  open[mark >> 3]! &= ~(1 << (mark & 7));
  open.set([0, 0, 0xff, 0xff], wholeBytes);
  return open;
}

function bitAt(bytes: Uint8Array, at: number): boolean {
  return ((bytes[at >> 3]! >> (at & 7)) & 1) === 1;
}
