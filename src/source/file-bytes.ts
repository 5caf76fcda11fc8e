import { MillraceError } from "../errors.ts";
import { gunzip } from "./gunzip.ts";
import { type RawFile, rawBytes } from "./raw-file.ts";
import { inUtf8 } from "./text-encoding.ts";

/** How the text of a file lies on the disk. */
export interface Storage {
  readonly isGzip: boolean;
  /** Of the text, once it is unpacked. */
  readonly encoding: string;
}

/** Offsets in such a file do not count the bytes that lie on the disk. */
export function isDecoded({ isGzip, encoding }: Storage): boolean {
  return isGzip || encoding !== "utf-8";
}

export const gzipped: Storage = { isGzip: true, encoding: "utf-8" };

export interface ByteEvents {
  /** Gets the bytes as they are read from the file, where it is decoded. */
  readonly onRaw?: (bytes: Uint8Array) => void;
  /** The file may still grow: a character that is not complete at its end is left out, and this is called. */
  readonly onCut?: () => void;
}

/**
 * The text of a file in UTF-8 from the offset `from` in it on. A file that is packed, or in another encoding, cannot be entered in the
 * middle: what was read before is decoded again, and left out.
 *
 * @throws MillraceError SOURCE_CHANGED when a packed file ends before the offset; BAD_SOURCE naming the file; ABORTED.
 */
export async function* fileBytes(
  file: RawFile,
  storage: Storage,
  from: number,
  signal: AbortSignal,
  { onRaw, onCut }: ByteEvents = {},
): AsyncGenerator<Uint8Array> {
  if (!isDecoded(storage)) {
    yield* rawBytes(file, from, signal);
    return;
  }
  let toSkip = from;
  const skipCut = (length: number) => {
    if (toSkip < length) onCut?.();
    toSkip = Math.max(0, toSkip - length);
  };
  const raw = seen(rawBytes(file, 0, signal), onRaw);
  for await (const chunk of decoded(raw, storage, file.path, onCut && skipCut)) {
    if (toSkip < chunk.length) yield chunk.subarray(toSkip);
    toSkip = Math.max(0, toSkip - chunk.length);
  }
  if (toSkip > 0)
    throw new MillraceError(
      "SOURCE_CHANGED",
      `${file.path} cannot be read on from byte ${from}: ${storage.isGzip ? "unpacked" : "decoded"} it has ${from - toSkip} bytes. It is not the file that was read before.`,
      { context: { file: file.path } },
    );
}

function decoded(
  raw: AsyncIterable<Uint8Array>,
  { isGzip, encoding }: Storage,
  path: string,
  onCut: ((length: number) => void) | undefined,
) {
  const bytes = isGzip ? gunzip(raw, path) : raw;
  return encoding === "utf-8" ? bytes : inUtf8(bytes, encoding, onCut);
}

async function* seen(chunks: AsyncIterable<Uint8Array>, onRaw?: (bytes: Uint8Array) => void) {
  for await (const chunk of chunks) {
    onRaw?.(chunk);
    yield chunk;
  }
}
