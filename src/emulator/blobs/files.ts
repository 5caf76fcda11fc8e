import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { IngestionFailure } from "../ingestion-failure.ts";
import { zipEntries } from "./zip.ts";

/** The files of a blob, and how much was read of it. */
export interface CountedFiles {
  /** One, but of a zip archive the ones that it holds. */
  readonly files: AsyncIterable<AsyncIterable<Uint8Array>>;
  /** Uncompressed bytes read so far. */
  rawBytes(): number;
  /** Bytes read so far as they came. */
  packedBytes(): number;
}

/** What the service takes of one blob, uncompressed (documentation, "Ingestion error codes"). */
const largestBlob = 6 * 2 ** 30;

/**
 * Opens a blob: gzip and zip are known by their first bytes, for names are not to be trusted.
 *
 * @throws IngestionFailure BadRequest_InvalidArchive, BadRequest_EmptyArchive, and BadRequest_FileTooLarge where all files
 * together are more than `largestBytes`, unpacked.
 */
export function filesOf(
  bytes: AsyncIterable<Uint8Array>,
  zipPattern?: string,
  largestBytes = largestBlob,
): CountedFiles {
  let rawBytes = 0;
  let packedBytes = 0;
  async function* came(): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      packedBytes += chunk.length;
      yield chunk;
    }
  }
  async function* counted(file: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of file) {
      rawBytes += chunk.length;
      if (rawBytes > largestBytes)
        throw new IngestionFailure(
          "BadRequest_FileTooLarge",
          `Blob size has exceeded the size limit allowed for ingestion: ${largestBytes} bytes, uncompressed.`,
        );
      yield chunk;
    }
  }
  async function* files(): AsyncGenerator<AsyncIterable<Uint8Array>> {
    const { start, all } = await opened(came());
    if (start.startsWith("PK")) for await (const file of zipEntries(all, zipPattern)) yield counted(file);
    else yield counted(start.startsWith("\x1f\x8b") ? unzipped(all) : all);
  }
  return { files: files(), rawBytes: () => rawBytes, packedBytes: () => packedBytes };
}

/** The first four bytes, and all of them. */
async function opened(bytes: AsyncIterable<Uint8Array>): Promise<{ start: string; all: AsyncGenerator<Uint8Array> }> {
  const iterator = bytes[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let length = 0;
  while (length < 4) {
    const next = await iterator.next();
    if (next.done) break;
    head.push(next.value);
    length += next.value.length;
  }
  const start = Buffer.concat(head.map((part) => part.subarray(0, 4)))
    .subarray(0, 4)
    .toString("latin1");
  const isZip = start === "PK\x03\x04" || start === "PK\x05\x06";
  return { start: start.startsWith("PK") && !isZip ? "" : start, all: replay(head, iterator) };
}

async function* unzipped(all: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
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
