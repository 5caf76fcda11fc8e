import { crc32 } from "node:zlib";
import { isCode, throwIfAborted } from "../errors.ts";
import { type Content, headBytes, headDigest, isSameStamp, type TrailStart } from "./content.ts";
import { fileBytes, gzipped, isDecoded, type Storage } from "./file-bytes.ts";
import type { FileFormat } from "./format.ts";
import { chunkBytes, type RawFile } from "./raw-file.ts";
import type { StoredPosition } from "./splitter.ts";

/**
 * A longer part of a file that has grown is compared at its beginning and before the position only: to read all of it again with
 * every start would cost more than reading what is new.
 */
const longestWholeCheck = 256 * 1024 * 1024;

/** Why the bytes before a position are not those that were read; undefined: they are. */
export async function changeOf(
  raw: RawFile,
  { byte, content }: StoredPosition & { readonly content: Content },
  signal: AbortSignal,
): Promise<string | undefined> {
  const at = content.packed ?? byte;
  const { size } = raw.stamp;
  if (size < at) return `${at} bytes of it were read, and it has ${size}`;
  const length = Math.min(at, headBytes);
  if (headDigest(await raw.at(0, length)) !== content.head) return `its first ${length} bytes are others`;
  const [start, sum] = content.tail;
  if (start > at || (await sumOf(raw, start, at, sum, signal)) !== content.sum)
    return `its bytes before byte ${at} are others`;
  if (isSameStamp(raw.stamp, content) || (at > longestWholeCheck && size > content.size)) return undefined;
  return (await sumOf(raw, 0, start, 0, signal)) === sum ? undefined : `its bytes before byte ${start} are others`;
}

/** Does a gzip file hold, unpacked, what was read before a position of a file that was not packed? So it is when a rotated log is packed. */
export async function holdsUnpacked(
  raw: RawFile,
  { byte, content }: StoredPosition & { readonly content: Content },
  signal: AbortSignal,
): Promise<boolean> {
  let at = 0;
  let sum = 0;
  const end = content.packed ?? byte;
  for await (const chunk of fileBytes(raw, gzipped, 0, signal)) {
    const bytes = chunk.subarray(0, end - at);
    sum = crc32(bytes, sum);
    at += bytes.length;
    if (at === end) return sum === content.sum;
  }
  return false;
}

/** The first unpacked bytes; what can be unpacked of a damaged file, whose reader will say so. */
export async function unpackedHead(raw: RawFile, signal: AbortSignal): Promise<Uint8Array> {
  let head: Uint8Array = new Uint8Array(0);
  try {
    for await (const chunk of fileBytes(raw, gzipped, 0, signal)) {
      head = Buffer.concat([head, chunk.subarray(0, headBytes - head.length)]);
      if (head.length === headBytes) break;
    }
  } catch (error) {
    if (!isCode(error, "BAD_SOURCE")) throw error;
  }
  return head;
}

/** The CRC-32 of the bytes before `end`, from that of the bytes before `start`; NaN where the file ends before. */
async function sumOf(raw: RawFile, start: number, end: number, from: number, signal: AbortSignal): Promise<number> {
  let sum = from;
  for (let at = start; at < end; ) {
    const bytes = await raw.at(at, Math.min(chunkBytes, end - at));
    throwIfAborted(signal, `comparing ${raw.path} with what was read of it`);
    if (bytes.length === 0) return Number.NaN;
    sum = crc32(bytes, sum);
    at += bytes.length;
  }
  return sum;
}

/** What the trail of a plain file knows at a position; of one without content after reading all before it. */
export async function trailStart(
  raw: RawFile,
  { byte, content }: StoredPosition,
  signal: AbortSignal,
): Promise<TrailStart> {
  const head = await raw.at(0, Math.min(byte, headBytes));
  if (content) return { at: byte, sum: content.sum, tail: { at: content.tail[0], sum: content.tail[1] }, head };
  const start = Math.max(0, byte - chunkBytes);
  const sum = await sumOf(raw, 0, start, 0, signal);
  return { at: byte, sum: await sumOf(raw, start, byte, sum, signal), tail: { at: start, sum }, head };
}

const newline = 10;
const carriageReturn = 13;
const isBlank = (byte: number) => byte === 32 || byte === 9;

/**
 * Why reading cannot begin at a position, by the bytes around it: it lies within a line, or within a character. A last line
 * that was read without its end may have got its end since, and nothing else.
 */
export async function placeFault(
  raw: RawFile,
  { byte, line, content }: StoredPosition,
  { format, storage }: { readonly format: FileFormat; readonly storage: Storage },
  signal: AbortSignal,
): Promise<string | undefined> {
  const from = Math.max(0, byte - 1);
  // To decode a file up to a position takes long: only where it had been read to its end, and has grown since.
  if (isDecoded(storage) && content && (content.size > content.packed! || raw.stamp.size <= content.packed!))
    return undefined;
  const around = isDecoded(storage) ? await decodedAt(raw, storage, from, signal) : await raw.at(from, chunkBytes);
  const [before] = byte === 0 ? [newline] : around;
  const after = byte === 0 ? around : around.subarray(1);
  const [first] = after;
  if (first === undefined || before === undefined) return undefined;
  if ((first & 0xc0) === 0x80) return `byte ${byte} lies within a character`;
  if (format === "json" || before === newline || before === carriageReturn) return undefined;
  const next = format === "ndjson" ? after.find((each) => !isBlank(each)) : first;
  if (next === undefined || next === newline || next === carriageReturn) return undefined;
  return `the line before byte ${byte} (line ${line}) goes on behind it; it was read when its end was not written yet`;
}

/** Some bytes of the text at an offset. What cannot be decoded is left to the reader, which says so. */
async function decodedAt(raw: RawFile, storage: Storage, from: number, signal: AbortSignal): Promise<Uint8Array> {
  let bytes: Uint8Array = new Uint8Array(0);
  try {
    for await (const chunk of fileBytes(raw, storage, from, signal, { onCut() {} })) {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length >= headBytes) break;
    }
  } catch (error) {
    if (!isCode(error, "BAD_SOURCE") && !isCode(error, "SOURCE_CHANGED")) throw error;
  }
  return bytes;
}
