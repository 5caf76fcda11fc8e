import type { FilesOptions } from "./file-options.ts";
import { bomLength, type FileFormat, formatOf } from "./format.ts";
import { isJsonSpace } from "./json-text.ts";
import { longestMark } from "./text-encoding.ts";

/** What is blank for so long is taken for blank. */
const longestBlank = 64 * 1024;

/** Whether the content shows: white space before it, and a byte order mark, may come in pieces of their own. */
function hasText(head: Uint8Array): boolean {
  return head.length >= longestBlank || contentOf(head, bomLength(head)) === "text";
}

/** The first chunk, and more until there are enough bytes for a mark and some text; or until `isEnough`, if it is given. */
export async function firstBytes(
  bytes: AsyncGenerator<Uint8Array>,
  isEnough: (head: Uint8Array) => boolean = hasText,
): Promise<Uint8Array> {
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < longestMark || !isEnough(head)) {
    const { value, done } = await bytes.next();
    if (done) return head;
    head = head.length === 0 ? value : Buffer.concat([head, value]);
  }
  return head;
}

/** Nothing at all, or nothing but white space. */
export type HeadContent = "none" | "blank" | "text";

/** @param head The first bytes, in UTF-8. */
export function contentOf(head: Uint8Array, bom: number): HeadContent {
  if (head.length === 0) return "none";
  return head.subarray(bom).every((byte) => isJsonSpace(byte)) ? "blank" : "text";
}

export function chosenFormat(
  path: string,
  head: Uint8Array,
  { format = "auto", path: jsonPath }: FilesOptions,
): FileFormat {
  if (format === "auto") return jsonPath === undefined ? formatOf(path, head) : "json";
  return format;
}
