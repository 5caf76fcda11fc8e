import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { IngestionFailure } from "./failure.ts";

export interface CountedText {
  readonly pieces: AsyncIterable<string>;
  /** Uncompressed bytes read so far. */
  rawBytes(): number;
  /** Bytes read so far as they came. */
  packedBytes(): number;
}

/** Text of a blob: gzip is known by its first two bytes, for names are not to be trusted; bytes that are no UTF-8 become U+FFFD. */
export function textOf(bytes: AsyncIterable<Uint8Array>): CountedText {
  let rawBytes = 0;
  let packedBytes = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      packedBytes += chunk.length;
      yield chunk;
    }
  }
  async function* pieces(): AsyncGenerator<string> {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    for await (const chunk of unpacked(counted())) {
      rawBytes += chunk.length;
      yield decoder.decode(chunk, { stream: true });
    }
    const last = decoder.decode();
    if (last !== "") yield last;
  }
  return { pieces: pieces(), rawBytes: () => rawBytes, packedBytes: () => packedBytes };
}

async function* unpacked(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = bytes[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let length = 0;
  while (length < 2) {
    const next = await iterator.next();
    if (next.done) break;
    head.push(next.value);
    length += next.value.length;
  }
  const all = replay(head, iterator);
  const start = Buffer.concat(head.map((part) => part.subarray(0, 2))).subarray(0, 2);
  if (start[0] !== 0x1f || start[1] !== 0x8b) {
    yield* all;
    return;
  }
  const gunzip = createGunzip({ chunkSize: 262_144 });
  const source = Readable.from(all);
  // pipe() does not carry errors forward; pipeline() would turn them into an AbortError of the reader.
  source.on("error", (error) => gunzip.destroy(error));
  source.pipe(gunzip);
  try {
    yield* gunzip as AsyncIterable<Uint8Array>;
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (typeof code !== "string" || !code.startsWith("Z_")) throw error;
    throw new IngestionFailure("BadRequest_InvalidArchive", `Archive is invalid: ${(error as Error).message}.`);
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}

async function* replay(head: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* head;
    for (;;) {
      const next = await rest.next();
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await rest.return?.();
  }
}
