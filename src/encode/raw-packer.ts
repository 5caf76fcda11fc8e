import type { MalformedText } from "./column-packers.ts";
import type { RawChunk } from "./raw-chunk.ts";
import type { RawCutter } from "./raw-cutter.ts";
import { type SharedBytes, sharedBuffer } from "./shared-buffer.ts";

export interface RawPackerOptions {
  readonly cut: RawCutter;
  /** No row may take more bytes, its newline included; of a longer one only so many are kept. */
  readonly maxRowBytes: number;
  /** Text with half a surrogate pair: its row is refused (default), or sent with U+FFFD in its place. */
  readonly malformedText?: MalformedText;
  /** Default 128 KiB: handing a raw chunk over costs a worker some 20 us, and encoding one of this size 400. */
  readonly rawChunkBytes?: number;
  /** Buffers kept for the next raw chunks, as many as may be on their way at a time. Default 8. */
  readonly mostSpares?: number;
}

/** Collects bytes and texts, cut anywhere, into raw chunks of whole rows. */
export interface RawPacker {
  /** Something was added since the last `flush()`, so that there may be whole rows. */
  readonly isWaiting: boolean;
  /** It holds bytes that were not handed over: whole rows, or a part of one. */
  readonly isHolding: boolean;
  /** Copies what it is given; raw chunks that become full on the way are handed over. */
  add(rows: Uint8Array | string): void;
  /** Hands over the whole rows. At the end of the input what is left is a row too, with a newline or without. */
  flush(isEnd: boolean): void;
  /** Gives a buffer back, to be filled again. */
  recycle(buffer: SharedBytes): void;
}

export type RawChunkBytes = Pick<RawChunk, "bytes" | "length">;

/** The longest UTF-8 of one UTF-16 unit. */
const longestUnit = 3;
const newline = 0x0a;
const nothing: Uint8Array = new Uint8Array(0);

const utf8 = new TextEncoder();

/** A byte order mark at the very start of the input is dropped. */
export function rawPacker(options: RawPackerOptions, handOver: (rawChunk: RawChunkBytes) => void): RawPacker {
  const { cut, maxRowBytes, malformedText = "refuse", rawChunkBytes = 131_072, mostSpares = 8 } = options;
  const spares: SharedBytes[] = [];
  let rawChunk = nothing;
  let used = 0;
  let isWaiting = false;
  let isAtStart = true;
  /** The rest of a line that is too long is being left out. */
  let isSkipping = false;
  /** The first half of a surrogate pair that ended a text; the next text may begin with the other. */
  let half = "";

  function open(bytes: number): Uint8Array {
    return new Uint8Array(bytes <= rawChunkBytes ? (spares.pop() ?? sharedBuffer(rawChunkBytes)) : sharedBuffer(bytes));
  }

  function recycle(buffer: SharedBytes): void {
    if (buffer.byteLength === rawChunkBytes && spares.length < mostSpares) spares.push(buffer);
  }

  /** One byte is kept for the newline that the input may lack at its end. */
  function room(): number {
    return rawChunk.length - 1 - used;
  }

  /** Makes room for so many bytes, or finds the line too long, after which its rest is to be skipped. */
  function makeRoom(bytes: number): void {
    while (room() < bytes && !isSkipping) {
      if (takeWholeRows()) continue;
      if (used < maxRowBytes) grow();
      else {
        // What is here of the line is handed over, to be refused in its place.
        takeAll();
        isSkipping = true;
      }
    }
  }

  function grow(): void {
    const larger = open(Math.min(2 * rawChunk.length, maxRowBytes + rawChunkBytes));
    larger.set(rawChunk.subarray(0, used));
    recycle(rawChunk.buffer);
    rawChunk = larger;
  }

  function takeWholeRows(): boolean {
    dropByteOrderMark();
    if (used === 0) return false;
    const length = cut(rawChunk.subarray(0, used));
    if (length > 0) take(length);
    return length > 0;
  }

  function takeAll(): void {
    dropByteOrderMark();
    if (used === 0) return;
    if (rawChunk[used - 1] !== newline) rawChunk[used++] = newline;
    take(used);
  }

  function take(length: number): void {
    const full = rawChunk;
    const rest = full.subarray(length, used);
    rawChunk = rest.length === 0 ? nothing : open(rest.length + 1);
    rawChunk.set(rest);
    used = rest.length;
    isAtStart = false;
    handOver({ bytes: full.buffer, length });
  }

  function dropByteOrderMark(): void {
    if (!isAtStart || used < 3) return;
    isAtStart = false;
    if (rawChunk[0] !== 0xef || rawChunk[1] !== 0xbb || rawChunk[2] !== 0xbf) return;
    rawChunk.copyWithin(0, 3, used);
    used -= 3;
  }

  function addBytes(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (isSkipping) {
        const end = bytes.indexOf(newline, at);
        if (end < 0) return;
        at = end + 1;
        isSkipping = false;
      }
      makeRoom(1);
      if (isSkipping) continue;
      const piece = bytes.subarray(at, at + room());
      rawChunk.set(piece, used);
      used += piece.length;
      at += piece.length;
    }
  }

  function addWellFormed(text: string): void {
    for (let rest = text; rest !== ""; ) {
      if (isSkipping) {
        const end = rest.indexOf("\n");
        if (end < 0) return;
        rest = rest.slice(end + 1);
        isSkipping = false;
      }
      makeRoom(longestUnit + 1);
      if (isSkipping) continue;
      const { read, written } = utf8.encodeInto(rest, rawChunk.subarray(used, rawChunk.length - 1));
      used += written;
      rest = rest.slice(read);
    }
  }

  function addText(given: string): void {
    const text = half + given;
    const endsHalf = isFirstHalf(text);
    half = endsHalf ? text.slice(-1) : "";
    const whole = endsHalf ? text.slice(0, -1) : text;
    let from = 0;
    if (malformedText === "refuse" && !whole.isWellFormed())
      for (const { index, 0: unit } of whole.matchAll(/\p{Surrogate}/gu)) {
        addWellFormed(whole.slice(from, index));
        addLoneHalf(unit);
        from = index + 1;
      }
    addWellFormed(whole.slice(from));
  }

  /** The three bytes that it would have if UTF-8 had them: the check of the row then finds it. */
  function addLoneHalf(unit: string): void {
    const code = unit.charCodeAt(0);
    if (malformedText === "replace") addWellFormed("\ufffd");
    else addBytes(Uint8Array.of(0xed, 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)));
  }

  function endText(): void {
    const unit = half;
    half = "";
    if (unit !== "") addLoneHalf(unit);
  }

  return {
    get isWaiting() {
      return isWaiting;
    },
    get isHolding() {
      return used > 0 || half !== "";
    },
    add(rows) {
      isWaiting = true;
      if (typeof rows === "string") addText(rows);
      else {
        if (rows.length > 0) endText();
        addBytes(rows);
      }
    },
    flush(isEnd) {
      isWaiting = false;
      if (isEnd) {
        endText();
        isSkipping = false;
      }
      if (isEnd) takeAll();
      else takeWholeRows();
    },
    recycle,
  };
}

function isFirstHalf(text: string): boolean {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff;
}
