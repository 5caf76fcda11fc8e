import { MillraceError } from "../errors.ts";
import { crc32Combine } from "./crc32.ts";
import type { Encoder } from "./encoder.ts";
import { batchParts, type PackedParts } from "./packed-parts.ts";
import type { BatchContent, PackedRows } from "./segment.ts";

/** Magic, deflate, no flags; no time (the same rows give the same bytes); nothing said of the level; unknown system. */
const header = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff);
/** An empty last block of the fixed code. */
const lastBlock = [3, 0];

/** One gzip member (RFC 1952). */
export function gzipMember(packed: PackedParts = batchParts()): BatchContent {
  let rows = 0;
  let rawBytes = 0;
  let crc = 0;
  return {
    get rows() {
      return rows;
    },
    get rawBytes() {
      return rawBytes;
    },
    add(segment) {
      if (packed.bytes === 0) packed.add(header);
      for (const part of segment.parts) packed.add(part);
      crc = crc32Combine(crc, segment.crc, segment.rawBytes);
      rows += segment.rows;
      rawBytes += segment.rawBytes;
    },
    end() {
      if (packed.bytes === 0) packed.add(header);
      packed.add(end(crc, rawBytes));
      const member = { rows, rawBytes, packedBytes: packed.bytes, parts: packed.take() };
      rows = 0;
      rawBytes = 0;
      crc = 0;
      return member;
    },
    recycle(parts) {
      packed.recycle(parts);
    },
  };
}

/** The last block, the CRC, and the length modulo 2^32. */
function end(crc: number, rawBytes: number): Uint8Array {
  const bytes = Uint8Array.of(...lastBlock, 0, 0, 0, 0, 0, 0, 0, 0);
  const words = new DataView(bytes.buffer);
  words.setUint32(2, crc, true);
  words.setUint32(6, rawBytes % 2 ** 32, true);
  return bytes;
}

/** A member that this file has ended, whole. */
export interface EndedMember {
  readonly packed: Uint8Array;
  readonly rawBytes: number;
}

const trailerBytes = lastBlock.length + 8;

/**
 * One member of several, without unpacking: what stands between header and end is segments on byte boundaries. (Members
 * behind each other would be gzip as well, but not every reader goes on behind the first.)
 */
export function joined(members: readonly EndedMember[]): { parts: Uint8Array[]; packedBytes: number } {
  let crc = 0;
  let rawBytes = 0;
  const parts: Uint8Array[] = [header];
  for (const member of members) {
    const { packed } = member;
    const tail = packed.length - trailerBytes;
    const isOurs =
      tail >= header.length &&
      header.every((byte, at) => packed[at] === byte) &&
      lastBlock.every((byte, at) => packed[tail + at] === byte);
    if (!isOurs) throw new MillraceError("INTERNAL", "A gzip member to be joined is none of ours.");
    parts.push(packed.subarray(header.length, tail));
    const theirs = new DataView(packed.buffer, packed.byteOffset + tail).getUint32(lastBlock.length, true);
    crc = crc32Combine(crc, theirs, member.rawBytes);
    rawBytes += member.rawBytes;
  }
  parts.push(end(crc, rawBytes));
  return { parts, packedBytes: parts.reduce((sum, part) => sum + part.length, 0) };
}

/** The rows that an encoder holds, as a gzip member of one segment: for who has one encoder and no subtasks. */
export function sealed(encoder: Encoder): PackedRows {
  const member = gzipMember();
  const segment = encoder.cut(true);
  member.add(segment);
  encoder.recycle(segment.parts);
  return member.end();
}
