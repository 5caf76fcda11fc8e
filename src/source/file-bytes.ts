import { MillraceError } from "../errors.ts";
import { gunzip } from "./gunzip.ts";
import { type RawFile, rawBytes } from "./raw-file.ts";

/**
 * The bytes of a file from the offset `from` on, which counts unpacked bytes. A packed file cannot be entered in the middle: what
 * was read before is unpacked again, and left out. `onRaw` sees the bytes as they are read from the file.
 *
 * @throws MillraceError SOURCE_CHANGED when a packed file ends before the offset; BAD_SOURCE naming the file; ABORTED.
 */
export async function* fileBytes(
  file: RawFile,
  isPacked: boolean,
  from: number,
  signal: AbortSignal,
  onRaw?: (bytes: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  if (!isPacked) {
    yield* rawBytes(file, from, signal);
    return;
  }
  let toSkip = from;
  for await (const chunk of gunzip(seen(rawBytes(file, 0, signal), onRaw), file.path)) {
    if (toSkip < chunk.length) yield chunk.subarray(toSkip);
    toSkip = Math.max(0, toSkip - chunk.length);
  }
  if (toSkip > 0)
    throw new MillraceError(
      "SOURCE_CHANGED",
      `${file.path} cannot be read on from byte ${from}: unpacked it has ${from - toSkip} bytes. It is not the file that was read before.`,
      { context: { file: file.path } },
    );
}

async function* seen(chunks: AsyncIterable<Uint8Array>, onRaw?: (bytes: Uint8Array) => void) {
  for await (const chunk of chunks) {
    onRaw?.(chunk);
    yield chunk;
  }
}
