import type { FilesOptions } from "./file-options.ts";
import { type FileFormat, formatOf, mayBecomeBom, refuseUtf16 } from "./format.ts";

/** The first chunk, and more where it may be the start of a byte order mark that comes in pieces. */
export async function firstBytes(bytes: AsyncGenerator<Uint8Array>): Promise<Uint8Array> {
  let head: Uint8Array = new Uint8Array(0);
  do {
    const { value, done } = await bytes.next();
    if (done) return head;
    head = head.length === 0 ? value : Buffer.concat([head, value]);
  } while (mayBecomeBom(head));
  return head;
}

export function chosenFormat(
  path: string,
  head: Uint8Array,
  { format = "auto", path: jsonPath }: FilesOptions,
): FileFormat {
  if (format === "auto") return jsonPath === undefined ? formatOf(path, head) : "json";
  refuseUtf16(path, head);
  return format;
}
