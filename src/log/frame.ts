import { crc32c } from "./crc32c.ts";

/**
 * What the journal and the log's segments are made of: a head, then frames, each `length (u32 LE), CRC-32C of the length
 * and the frame's place in the file (u32 LE), CRC-32C of the payload (u32 LE), payload`. The length has a sum of its own:
 * without it one flipped bit in the last length would look like a frame that was being written, and be cut. A frame is
 * never empty, so zeros, which a file system may leave at the end of a file after a power failure, are no frames.
 */
export const frameOverhead = 12;

/** `MILLRACE`, what the file is, the version of its format. */
export const headBytes = 16;

export function fileHead(kind: string, version: number): Uint8Array {
  return new TextEncoder().encode(`MILLRACE${kind.padEnd(6).slice(0, 6)}${String(version).padStart(2, "0")}`);
}

/** The version in the head, or undefined where the bytes are no head of this kind. */
export function versionIn(bytes: Uint8Array, kind: string): number | undefined {
  const text = new TextDecoder().decode(bytes.subarray(0, headBytes));
  const match = /^MILLRACE(.{6})(\d\d)$/.exec(text);
  return match && match[1]!.trimEnd() === kind ? Number(match[2]) : undefined;
}

/** The pieces of the frame that will begin at `offset` of its file; the payload's are not copied. */
export function frame(offset: number, payload: readonly Uint8Array[]): Uint8Array[] {
  const length = payload.reduce((bytes, piece) => bytes + piece.length, 0);
  const sum = payload.reduce((sum, piece) => crc32c(piece, sum), 0);
  const head = new Uint8Array(frameOverhead);
  const view = new DataView(head.buffer);
  view.setUint32(0, length, true);
  view.setUint32(4, headSum(length, offset), true);
  view.setUint32(8, sum, true);
  return [head, ...payload];
}

function headSum(length: number, offset: number): number {
  const words = new Float64Array([length, offset]);
  return crc32c(new Uint8Array(words.buffer));
}

export type FrameFound =
  | { readonly found: "frame"; readonly payload: Uint8Array; readonly end: number }
  /** Nothing behind this place. */
  | { readonly found: "end" }
  /** The file ends within it, or a sector of it is zeros: it was being written when the machine stopped. */
  | { readonly found: "torn" }
  /** All of it is there, and it is not what was written. */
  | { readonly found: "damaged" };

/** Reads the frame that begins at `offset` of the bytes, which is `place` of its file: the same, for a whole file. */
export function frameAt(bytes: Uint8Array, offset: number, place = offset): FrameFound {
  const left = bytes.length - offset;
  if (left === 0) return { found: "end" };
  if (left < frameOverhead) return { found: "torn" };
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, frameOverhead);
  const length = view.getUint32(0, true);
  if (length === 0 || view.getUint32(4, true) !== headSum(length, place))
    return { found: hasZeroSector(bytes, offset, bytes.length) ? "torn" : "damaged" };
  const start = offset + frameOverhead;
  const end = start + length;
  if (end > bytes.length) return { found: "torn" };
  const payload = bytes.subarray(start, end);
  if (crc32c(payload) === view.getUint32(8, true)) return { found: "frame", payload, end };
  return { found: end === bytes.length && hasZeroSector(bytes, offset, end) ? "torn" : "damaged" };
}

const sectorBytes = 512;

/**
 * Are all bytes of some sector of the file zero, as far as it lies between the two places? A power failure leaves such
 * holes where the file's length came to the disk before its content. JSON and gzip have none. Texts of plain CSV may: a damaged frame
 * of such rows at the end of a file passes for torn.
 */
function hasZeroSector(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; ) {
    const end = Math.min(to, (Math.floor(at / sectorBytes) + 1) * sectorBytes);
    if (bytes.subarray(at, end).every((byte) => byte === 0)) return true;
    at = end;
  }
  return false;
}
