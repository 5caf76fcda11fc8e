import { batchParts } from "./packed-parts.ts";
import type { BatchContent } from "./segment.ts";

/** The text of the rows as they were encoded. */
export function plainText(): BatchContent {
  const text = batchParts();
  let rows = 0;
  return {
    get rows() {
      return rows;
    },
    get rawBytes() {
      return text.bytes;
    },
    add(segment) {
      for (const part of segment.parts) text.add(part);
      rows += segment.rows;
    },
    end() {
      const { bytes } = text;
      const made = { rows, rawBytes: bytes, packedBytes: bytes, parts: text.take() };
      rows = 0;
      return made;
    },
    recycle(parts) {
      text.recycle(parts);
    },
  };
}

/** The same in one piece, with the places where its rows end. */
export function textWithEnds(): BatchContent {
  const text = plainText();
  let ends: Uint32Array[] = [];
  return {
    get rows() {
      return text.rows;
    },
    get rawBytes() {
      return text.rawBytes;
    },
    add(segment) {
      const before = text.rawBytes;
      text.add(segment);
      ends.push(before === 0 ? segment.ends! : segment.ends!.map((end) => end + before));
    },
    end() {
      const { parts, ...made } = text.end();
      const given = ends;
      ends = [];
      return { ...made, parts: [inOnePiece(parts, made.rawBytes)], ends: joinedEnds(given, made.rows) };

      function inOnePiece(pieces: Uint8Array<ArrayBuffer>[], bytes: number): Uint8Array<ArrayBuffer> {
        if (pieces.length === 1) return pieces[0]!;
        const whole = new Uint8Array(bytes);
        let at = 0;
        for (const piece of pieces) {
          whole.set(piece, at);
          at += piece.length;
        }
        text.recycle(pieces);
        return whole;
      }
    },
    recycle(parts) {
      text.recycle(parts);
    },
  };
}

function joinedEnds(pieces: readonly Uint32Array[], rows: number): Uint32Array<ArrayBuffer> {
  const whole = new Uint32Array(rows);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
