import { crc32Combine } from "../../src/encode/crc32.ts";
import type { Kernels } from "./compile-kernels.ts";

/**
 * Packs `data` as one gzip member through the kernel's window, `nextWrite()` bytes at a time, draining after each write as the
 * encoder does. Fails if the output ever grows beyond what is promised for one write.
 */
export function pack(kernels: Kernels, data: Uint8Array, nextWrite: () => number, level = 1): Buffer {
  kernels.gzipReset(level);
  const parts = writeAll(kernels, data, nextWrite);
  kernels.gzipFinish();
  parts.push(drain(kernels));
  return Buffer.concat(parts);
}

/** Packs `data` as a segment of a member that joinSegments makes. */
export function packSegment(kernels: Kernels, data: Uint8Array, nextWrite: () => number, level = 1): Segment {
  kernels.gzipSegmentBegin(level);
  const parts = writeAll(kernels, data, nextWrite);
  kernels.gzipSegmentFinish();
  parts.push(drain(kernels));
  return { bytes: Buffer.concat(parts), crc: kernels.gzipCrc() >>> 0, rawLength: kernels.gzipRawLength() };
}

export interface Segment {
  readonly bytes: Uint8Array;
  readonly crc: number;
  readonly rawLength: number;
}

/** One gzip member of segments made by any instances, as assembly/gzip.ts tells the host to. */
export function joinSegments(segments: readonly Segment[]): Buffer {
  let crc = 0;
  let rawLength = 0;
  for (const segment of segments) {
    crc = crc32Combine(crc, segment.crc, segment.rawLength);
    rawLength += segment.rawLength;
  }
  const trailer = Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  trailer.writeUInt32LE(crc, 2);
  trailer.writeUInt32LE(rawLength % 2 ** 32, 6);
  const header = Buffer.from("1f8b08000000000004ff", "hex");
  return Buffer.concat([header, ...segments.map((segment) => segment.bytes), trailer]);
}

function writeAll(kernels: Kernels, data: Uint8Array, nextWrite: () => number): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < data.length; ) {
    const capacity = kernels.gzipInputCapacity();
    if (capacity < 65_536) throw new Error(`only ${capacity} bytes of capacity`);
    const length = Math.min(nextWrite(), data.length - at, capacity);
    new Uint8Array(kernels.memory.buffer).set(data.subarray(at, at + length), kernels.gzipInput());
    kernels.gzipWrite(length);
    at += length;
    parts.push(drain(kernels));
  }
  return parts;
}

function drain(kernels: Kernels): Buffer {
  const from = kernels.gzipOutput();
  const bytes = Buffer.from(kernels.memory.buffer.slice(from, from + kernels.gzipOutputLength()));
  kernels.gzipOutputConsume();
  return bytes;
}

/** As much as the window takes, each time. */
export function greatestWrites(): number {
  return Number.MAX_SAFE_INTEGER;
}
