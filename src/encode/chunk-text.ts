import { type SharedBytes, sharedBuffer } from "./shared-buffer.ts";

/** The texts of the chunk being filled, one behind the other as UTF-8. */
export interface ChunkText {
  /** Writes well-formed text behind what is there. */
  write(text: string): void;
  /** The raw chunk, which is then the caller's; the next one is written over `spare`. */
  take(spare: SharedBytes | undefined): { readonly buffer: SharedBytes; readonly bytes: number };
}

/**
 * Units of text that are worth a write of their own: per string the call into the runtime costs more than the copying. Small enough that
 * the strings are still in the cache: of Node 24's time for packing texts (corpora strings, logs and earthquakes) a fifth to a
 * third went into writing 262 144 units at once; Node 26 takes the same either way.
 */
export const pieceUnits = 32_768;

const smallest = 65_536;
/** A buffer grown for one huge record is not kept. */
export const largestSpareText = 1_572_864;

const utf8 = new TextEncoder();

export function chunkText(): ChunkText {
  let buffer = sharedBuffer(smallest);
  let into = new Uint8Array(buffer);
  let bytes = 0;

  function write(text: string): void {
    // Enough where the text is ASCII.
    if (into.length - bytes < text.length) grow(bytes, text.length);
    const { read, written } = utf8.encodeInto(text, into.subarray(bytes));
    let end = bytes + written;
    if (read < text.length) {
      grow(end, 3 * (text.length - read));
      end += utf8.encodeInto(text.slice(read), into.subarray(end)).written;
    }
    bytes = end;
  }

  function grow(kept: number, room: number): void {
    const before = into.subarray(0, kept);
    open(sharedBuffer(Math.max(2 * into.length, kept + room)));
    into.set(before);
  }

  function open(rawChunk: SharedBytes): void {
    buffer = rawChunk;
    into = new Uint8Array(rawChunk);
  }

  return {
    write,
    take(spare) {
      const taken = { buffer, bytes };
      // The next chunk will be much like this one.
      open(spare ?? sharedBuffer(Math.min(buffer.byteLength, largestSpareText)));
      bytes = 0;
      return taken;
    },
  };
}
