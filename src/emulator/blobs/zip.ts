import { createInflateRaw } from "node:zlib";
import { IngestionFailure } from "../ingestion-failure.ts";

/** An archive is read as a whole, for its table of contents stands at its end; the service's own limit is 6 GB. */
const largestArchive = 256 * 1_048_576;
const largestFile = 1_073_741_824;

const endSignature = 0x06054b50;
const entrySignature = 0x02014b50;
const endBytes = 22;
const entryBytes = 46;
const localBytes = 30;

/**
 * The files of a zip archive whose names match, in the order of its table of contents.
 *
 * @throws IngestionFailure BadRequest_InvalidArchive, BadRequest_EmptyArchive, BadRequest_FileTooLarge.
 */
export async function* zipEntries(
  bytes: AsyncIterable<Uint8Array>,
  pattern: string | undefined,
): AsyncGenerator<AsyncIterable<Uint8Array>> {
  const archive = await whole(bytes);
  const matches = pattern === undefined ? () => true : matcher(pattern);
  const entries = contentsOf(archive).filter(({ name }) => !name.endsWith("/") && matches(name));
  if (entries.length === 0)
    throw new IngestionFailure("BadRequest_EmptyArchive", "Archive is empty: it has no file to ingest.");
  for (const entry of entries) yield fileOf(archive, entry);
}

async function whole(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of bytes) {
    length += part.length;
    if (length > largestArchive) throw tooLarge(largestArchive);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** The documentation says regular expression, and gives `*.csv` as the example: both are taken. */
function matcher(pattern: string): (name: string) => boolean {
  const isGlob = /^[*?]/.test(pattern);
  const source = isGlob
    ? `^${pattern
        .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
        .replaceAll("*", ".*")
        .replaceAll("?", ".")}$`
    : pattern;
  try {
    const expression = new RegExp(source);
    return (name) => expression.test(name);
  } catch {
    throw new IngestionFailure(
      "BadRequest_MalformedIngestionProperty",
      `Ingestion property 'zipPattern' is malformed: '${pattern}' is not a regular expression.`,
    );
  }
}

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly packedBytes: number;
  readonly at: number;
}

function contentsOf(archive: Buffer): Entry[] {
  const end = endOf(archive);
  const count = archive.readUInt16LE(end + 10);
  const entries: Entry[] = [];
  let at = archive.readUInt32LE(end + 16);
  for (let index = 0; index < count; index++) {
    if (at + entryBytes > archive.length || archive.readUInt32LE(at) !== entrySignature)
      throw invalid("its table of contents is broken");
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) => archive.readUInt16LE(at + offset));
    entries.push({
      name: archive.toString("utf8", at + entryBytes, at + entryBytes + nameBytes!),
      method: archive.readUInt16LE(at + 10),
      packedBytes: archive.readUInt32LE(at + 20),
      at: archive.readUInt32LE(at + 42),
    });
    at += entryBytes + nameBytes! + extraBytes! + commentBytes!;
  }
  return entries;
}

/** Where the end record begins: it is the last thing but for a comment of at most 64 KiB. */
function endOf(archive: Buffer): number {
  const least = Math.max(0, archive.length - endBytes - 65_535);
  for (let at = archive.length - endBytes; at >= least; at--) if (archive.readUInt32LE(at) === endSignature) return at;
  throw invalid("it has no table of contents");
}

async function* fileOf(archive: Buffer, { name, method, packedBytes, at }: Entry): AsyncGenerator<Uint8Array> {
  if (at + localBytes > archive.length) throw invalid(`'${name}' is not in it`);
  const from = at + localBytes + archive.readUInt16LE(at + 26) + archive.readUInt16LE(at + 28);
  const packed = archive.subarray(from, from + packedBytes);
  if (packed.length < packedBytes) throw invalid(`'${name}' is cut off`);
  if (method === 0) yield packed;
  else if (method === 8) yield* inflated(packed, name);
  else throw invalid(`'${name}' is compressed by method ${method}; stored and deflated files are supported`);
}

/** Piece by piece: a small file can become a very large one. */
async function* inflated(packed: Buffer, name: string): AsyncGenerator<Uint8Array> {
  const inflate = createInflateRaw({ chunkSize: 262_144 });
  inflate.end(packed);
  let length = 0;
  try {
    for await (const piece of inflate as AsyncIterable<Uint8Array>) {
      length += piece.length;
      if (length > largestFile) throw tooLarge(largestFile);
      yield piece;
    }
  } catch (error) {
    if (typeof (error as { code?: unknown }).code !== "string" || error instanceof IngestionFailure) throw error;
    throw invalid(`'${name}': ${(error as Error).message}`);
  } finally {
    inflate.destroy();
  }
}

const tooLarge = (bytes: number) =>
  new IngestionFailure("BadRequest_FileTooLarge", `Archives of more than ${bytes} bytes are not supported.`);

const invalid = (why: string) => new IngestionFailure("BadRequest_InvalidArchive", `Archive is invalid: ${why}.`);
