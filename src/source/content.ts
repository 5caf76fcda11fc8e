import { createHash } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { crc32 } from "node:zlib";

/**
 * What a position remembers of the file before it, so that another file, or a file that was changed, is not taken for the one that
 * was read. Digests, never content. Of a packed file all bytes are counted as they are packed.
 */
export type Content = {
  /** Device and inode; absent where the file system has none. */
  readonly file?: string | undefined;
  /** Of the file when it was opened, in bytes. */
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly modified: string;
  /** How many bytes of a packed file had been read. Absent: as many as the position says. */
  readonly packed?: number;
  /** SHA-256 of the first 4 KiB, or of all bytes before the position if they are fewer; 16 characters of base64. */
  readonly head: string;
  /** CRC-32 of all bytes before the position. */
  readonly sum: number;
  /** An earlier byte, and the CRC-32 of all before it: what lies between is compared without reading the whole file. */
  readonly tail: readonly [byte: number, sum: number];
};

/** A file as it stands, by `stat`. */
export interface FileStamp {
  readonly file?: string | undefined;
  readonly size: number;
  readonly modified: string;
  /** When the file was made, as `modified`; 0 where the file system does not say. Not stored. */
  readonly born?: string | undefined;
}

export function stampOf(info: BigIntStats): FileStamp {
  return {
    file: info.ino === 0n ? undefined : `${info.dev}:${info.ino}`,
    size: Number(info.size),
    modified: String(info.mtimeNs),
    born: String(info.birthtimeNs),
  };
}

export function isSameStamp(a: FileStamp, b: FileStamp): boolean {
  return a.file === b.file && a.size === b.size && a.modified === b.modified;
}

/**
 * Whether a file has the device and inode that are remembered. The inode of a file that was removed is soon given to a new one: which
 * was made after the remembered one had been changed for the last time.
 */
export function isSameFile(now: FileStamp, then: FileStamp): boolean {
  if (now.file === undefined || now.file !== then.file) return false;
  return isSameStamp(now, then) || BigInt(now.born ?? 0) <= BigInt(then.modified);
}

export function isContent(value: unknown): value is Content {
  if (typeof value !== "object" || value === null) return false;
  const { file, size, modified, packed, head, sum, tail } = value as Record<string, unknown>;
  const isCount = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0;
  return (
    (file === undefined || typeof file === "string") &&
    isCount(size) &&
    typeof modified === "string" &&
    (packed === undefined || isCount(packed)) &&
    typeof head === "string" &&
    isCount(sum) &&
    Array.isArray(tail) &&
    tail.length === 2 &&
    tail.every(isCount)
  );
}

export const headBytes = 4_096;
/** The tail is at least as long. */
const tailBytes = 4_096;

export function headDigest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("base64").slice(0, 16);
}

interface Mark {
  readonly at: number;
  readonly sum: number;
}

/** Follows the bytes of a file as they are read; the CRC-32 takes some 5 % of what reading NDJSON does. */
export interface ContentTrail {
  /** How many bytes it has followed. */
  readonly at: number;
  /** The bytes behind those it knows. */
  follow(bytes: Uint8Array): void;
  /** What is to be remembered of the bytes followed so far. */
  content(): Content;
}

/** What is known of the bytes before a position from which reading goes on. */
export interface TrailStart extends Mark {
  readonly tail: Mark;
  /** The first 4 KiB of them. */
  readonly head: Uint8Array;
}

const origin: TrailStart = { at: 0, sum: 0, tail: { at: 0, sum: 0 }, head: new Uint8Array(0) };

export function contentTrail(stamp: FileStamp, isPacked: boolean, start: TrailStart = origin): ContentTrail {
  let mark: Mark = { at: start.at, sum: start.sum };
  let { tail, head } = start;
  let nextTail = tail;
  let digest: string | undefined;
  return {
    get at() {
      return mark.at;
    },
    follow(bytes) {
      if (head.length < headBytes && bytes.length > 0) {
        head = Buffer.concat([head, bytes.subarray(0, headBytes - head.length)]);
        digest = undefined;
      }
      mark = { at: mark.at + bytes.length, sum: crc32(bytes, mark.sum) };
    },
    content() {
      if (mark.at - nextTail.at >= tailBytes) {
        tail = nextTail;
        nextTail = mark;
      }
      digest ??= headDigest(head);
      const rest = { head: digest, sum: mark.sum, tail: [tail.at, tail.sum] } as const;
      return stamped(stamp, isPacked ? { packed: mark.at, ...rest } : rest);
    },
  };
}

/** Digests of a file that stands so. */
export function stamped({ file, size, modified }: FileStamp, digests: Omit<Content, keyof FileStamp>): Content {
  const { packed, head, sum, tail } = digests;
  return {
    ...(file !== undefined && { file }),
    size,
    modified,
    ...(packed !== undefined && { packed }),
    head,
    sum,
    tail,
  };
}
