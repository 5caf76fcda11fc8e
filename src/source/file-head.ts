import { type CsvDialect, rfc4180 } from "./csv-dialect.ts";
import { dialectOf } from "./csv-sniff.ts";
import type { FilesOptions } from "./file-options.ts";
import { refuseForeignFormat } from "./foreign-format.ts";
import { bomLength, type FileFormat, formatOf } from "./format.ts";
import { isJsonSpace } from "./json-text.ts";
import { encodingOf, headInUtf8, longestMark } from "./text-encoding.ts";

/** What the first bytes of a file or a stream say, and the options where they leave nothing open. */
export interface FileHead {
  readonly encoding: string;
  readonly format: FileFormat;
  /** Bytes of the mark in UTF-8. */
  readonly bom: number;
  readonly content: HeadContent;
  /** Of CSV. */
  readonly dialect: CsvDialect;
}

/**
 * @param first The first bytes, unpacked.
 * @throws MillraceError BAD_SOURCE for a format that Millrace does not read, or cannot recognise.
 */
export function readHead(name: string, first: Uint8Array, options: FilesOptions): FileHead {
  const { onNotice } = options;
  refuseForeignFormat(name, first);
  const encoding = encodingOf(first, options.encoding);
  const head = headInUtf8(first, encoding);
  const format = chosenFormat(name, head, options);
  const bom = bomLength(head);
  const { dialect, notices } = format === "csv" ? dialectOf(name, head.subarray(bom), options) : noDialect;
  if (options.encoding === undefined && encoding !== "utf-8")
    onNotice?.(`${name}: the text is ${encoding}, as its first bytes show.`);
  for (const notice of notices) onNotice?.(notice);
  return { encoding, format, bom, content: contentOf(head, bom), dialect };
}

const noDialect = { dialect: rfc4180, notices: [] };

/** The way to the array of records that the option names; undefined: it is to be found. */
export function askedPath({ path }: FilesOptions): readonly string[] | undefined {
  if (path === undefined) return undefined;
  return path === "$" ? [] : path.split(".");
}

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
function contentOf(head: Uint8Array, bom: number): HeadContent {
  if (head.length === 0) return "none";
  return head.subarray(bom).every((byte) => isJsonSpace(byte)) ? "blank" : "text";
}

function chosenFormat(path: string, head: Uint8Array, { format = "auto", path: jsonPath }: FilesOptions): FileFormat {
  if (format === "auto") return jsonPath === undefined ? formatOf(path, head) : "json";
  return format;
}
