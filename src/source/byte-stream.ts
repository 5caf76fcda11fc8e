import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { aborted, MillraceError, reasonOf } from "../errors.ts";

/** Large enough that the cost per chunk vanishes beside parsing, small enough that a slice does not wait for it. */
const chunkBytes = 256 * 1024;

/**
 * The bytes of a file from the offset `from` on. A gzip file is unpacked, whatever its name is: its first two bytes tell.
 * Offsets count unpacked bytes. Read as the consumer asks for it; the file is closed when the consumer stops.
 *
 * @throws MillraceError BAD_SOURCE naming the file; ABORTED.
 */
export async function* fileBytes(path: string, from: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const isPacked = await isGzipFile(path);
  const start = isPacked ? 0 : from;
  const stream = createReadStream(path, { start, highWaterMark: chunkBytes });
  const chunks = readAll(isPacked ? unpacked(stream) : stream, path, signal);
  if (!isPacked || from === 0) {
    yield* chunks;
    return;
  }
  // A packed file cannot be entered in the middle: what has been read before is unpacked again, and left out.
  let toSkip = from;
  for await (const chunk of chunks) {
    if (toSkip < chunk.length) yield chunk.subarray(toSkip);
    toSkip = Math.max(0, toSkip - chunk.length);
  }
}

/** The same of a stream that can be read once, such as standard input. */
export async function* streamBytes(stream: Readable, name: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const head = await firstChunk(stream, name, signal);
  if (!head) return;
  if (stream.readableEnded) {
    yield head;
    return;
  }
  stream.unshift(head);
  yield* readAll(isGzipHead(head) ? unpacked(stream) : stream, name, signal);
}

async function firstChunk(stream: Readable, name: string, signal: AbortSignal): Promise<Buffer | undefined> {
  let head: Buffer | undefined;
  // A loop with break would destroy the stream; its iterator is therefore not used here.
  for (;;) {
    const chunk: Buffer | null = stream.read();
    if (chunk) head = head ? Buffer.concat([head, chunk]) : chunk;
    // One byte does not tell what it is, unless it is all there is. It is kept here: unshift() would say "readable" at once,
    // and the loop would turn on it for ever.
    if (head && head.length >= 2) return head;
    if (chunk) continue;
    if (stream.readableEnded || stream.destroyed) return head;
    if (await nextEvent(stream, name, signal)) return head;
  }
}

function nextEvent(stream: Readable, name: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onReadable = () => settle(() => resolve(false));
    const onEnd = () => settle(() => resolve(true));
    const onError = (error: unknown) => settle(() => reject(unreadable(name, error)));
    const onAbort = () => {
      settle(() => reject(aborted(signal, `reading ${name}`)));
      stream.destroy(); // or it would keep the process
    };
    const settle = (act: () => void) => {
      stream.off("readable", onReadable).off("end", onEnd).off("error", onError);
      signal.removeEventListener("abort", onAbort);
      act();
    };
    if (signal.aborted) return reject(aborted(signal, `reading ${name}`));
    stream.once("readable", onReadable).once("end", onEnd).once("error", onError);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

function unpacked(stream: Readable): Readable {
  // The callback is only there so that an error is no unhandled one: it reaches the reader through the gunzip itself.
  return pipeline(stream, createGunzip({ chunkSize: chunkBytes }), () => {});
}

async function* readAll(stream: Readable, name: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const stop = () => stream.destroy();
  signal.addEventListener("abort", stop, { once: true });
  try {
    if (signal.aborted) throw aborted(signal, `reading ${name}`);
    for await (const chunk of stream) {
      yield chunk as Uint8Array;
      if (signal.aborted) throw aborted(signal, `reading ${name}`);
    }
  } catch (error) {
    if (signal.aborted) throw aborted(signal, `reading ${name}`);
    throw unreadable(name, error);
  } finally {
    signal.removeEventListener("abort", stop);
    stream.destroy();
  }
}

export async function isGzipFile(path: string): Promise<boolean> {
  try {
    const file = await open(path, "r");
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
      return bytesRead === 2 && isGzipHead(buffer);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

function isGzipHead(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

/** What a shell user expects to read. */
export function unreadable(name: string, error: unknown): MillraceError {
  if (error instanceof MillraceError) return error;
  const { code } = error as { code?: unknown };
  const reason = (typeof code === "string" && reasons[code]) || reasonOf(error);
  return new MillraceError("BAD_SOURCE", `Cannot read ${name}: ${reason}.`, { cause: error, context: { file: name } });
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a directory; name the files in it, such as dir/*.ndjson",
  EMFILE: "too many files are open",
  Z_DATA_ERROR: "its gzip data is damaged",
  Z_BUF_ERROR: "its gzip data is cut off",
};
