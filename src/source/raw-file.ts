import type { BigIntStats } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { MillraceError, throwIfAborted } from "../errors.ts";
import { type FileStamp, stampOf } from "./content.ts";
import { isStream } from "./open-stream.ts";
import { unreadable } from "./unreadable.ts";

/** Large enough that the cost per chunk vanishes beside parsing, small enough that a slice does not wait for it. */
export const chunkBytes = 256 * 1024;

/** A regular file, read by one descriptor: what was looked at is what is read, whoever gives its name to another file. */
export interface RawFile {
  readonly path: string;
  /** As it stood when it was opened. */
  readonly stamp: FileStamp;
  /** The bytes at an offset; fewer at the end of the file. */
  at(offset: number, length: number): Promise<Uint8Array>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/** A regular file can be read again; a stream gives each byte once. */
export type PathKind = "file" | "stream";

/** What a path leads to. @throws MillraceError BAD_SOURCE for what is neither, and for what is missing. */
export async function kindOf(path: string): Promise<{ kind: PathKind; info: BigIntStats }> {
  const info = await stat(path, { bigint: true }).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (info.isFile()) return { kind: "file", info };
  if (isStream(path, info)) return { kind: "stream", info };
  if (info.isDirectory()) throw unreadable(path, { code: "EISDIR" });
  const what = info.isSocket() ? "a socket" : info.isBlockDevice() ? "a block device" : "no file";
  throw new MillraceError("BAD_SOURCE", `Cannot read ${path}: it is ${what}.`, { context: { file: path } });
}

/** @throws MillraceError BAD_SOURCE naming the file. */
export async function openRaw(path: string): Promise<RawFile> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, "r");
    const stamp = stampOf(await handle.stat({ bigint: true }));
    return rawFile(path, handle, stamp);
  } catch (error) {
    await handle?.close();
    throw unreadable(path, error);
  }
}

function rawFile(path: string, handle: FileHandle, stamp: FileStamp): RawFile {
  return {
    path,
    stamp,
    async at(offset, length) {
      const buffer = Buffer.allocUnsafe(length);
      let filled = 0;
      try {
        while (filled < length) {
          const { bytesRead } = await handle.read(buffer, filled, length - filled, offset + filled);
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
      } catch (error) {
        throw unreadable(path, error);
      }
      return buffer.subarray(0, filled);
    },
    async size() {
      return Number((await handle.stat({ bigint: true })).size);
    },
    close: () => handle.close(),
  };
}

/**
 * The bytes of a file from an offset to its end, also what is appended meanwhile. The next chunk is read while the consumer
 * works on one.
 *
 * @throws MillraceError SOURCE_CHANGED when the file was truncated while it was read; ABORTED.
 */
export async function* rawBytes(file: RawFile, from: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const doing = `reading ${file.path}`;
  throwIfAborted(signal, doing);
  let at = from;
  const ahead = () => {
    const chunk = file.at(at, chunkBytes);
    chunk.catch(() => {}); // told when it is waited for, and not as an unhandled rejection before
    return chunk;
  };
  let next = ahead();
  try {
    for (;;) {
      const chunk = await next;
      throwIfAborted(signal, doing);
      if (chunk.length === 0) break;
      at += chunk.length;
      next = ahead();
      yield chunk;
      throwIfAborted(signal, doing);
    }
  } finally {
    await next.catch(() => {});
  }
  const size = await file.size();
  // Files of /proc say that they are empty, whatever they hold.
  if (size === 0 && file.stamp.size === 0) return;
  if (size >= at && at >= file.stamp.size) return;
  throw new MillraceError(
    "SOURCE_CHANGED",
    `${file.path} was truncated while it was read: it had ${Math.max(at, file.stamp.size)} bytes, and now it has ${size}. Records that stood behind were not read; run it again when the file is whole.`,
    { context: { file: file.path } },
  );
}
