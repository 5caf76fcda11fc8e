import { stat } from "node:fs/promises";
import { MillraceError } from "../errors.ts";
import { fileBytes, isGzipFile, unreadable } from "./byte-stream.ts";
import { type CsvDialect, rfc4180 } from "./csv-dialect.ts";
import { dialectOf } from "./csv-sniff.ts";
import type { FilesOptions } from "./file-options.ts";
import { bomLength, type FileFormat, formatOf } from "./format.ts";
import { expandGlob, isGlob } from "./glob.ts";
import { shapeOf } from "./json-shape.ts";
import { isJsonSpace } from "./json-text.ts";
import { encodingOf, headInUtf8, inUtf8, longestMark } from "./text-encoding.ts";

export interface OpenedFile {
  readonly path: string;
  readonly format: FileFormat;
  readonly bytes: number;
  readonly isPacked: boolean;
  readonly bom: number;
  /** Nothing at all, or nothing but white space, in the first bytes. */
  readonly content: "none" | "blank" | "text";
  /** Of the text; where it is another than UTF-8, offsets count bytes of the text in UTF-8. */
  readonly encoding: string;
  readonly dialect: CsvDialect;
  /** JSON: the way to the array; empty: the documents themselves. */
  readonly jsonPath: readonly string[];
}

export async function openAll(
  patterns: readonly string[],
  options: FilesOptions,
  signal: AbortSignal,
): Promise<OpenedFile[]> {
  const paths = new Set<string>();
  for (const pattern of patterns) for (const path of await pathsOf(pattern)) paths.add(path);
  const opened: OpenedFile[] = [];
  for (const path of paths) opened.push(await openOne(path, options, signal));
  return opened;
}

/** A path that exists is a path, whatever characters it has. */
async function pathsOf(pattern: string): Promise<readonly string[]> {
  const error = await stat(pattern).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) return [pattern];
  if (!isGlob(pattern)) throw unreadable(pattern, error);
  const matches = await expandGlob(pattern);
  if (matches.length > 0) return matches;
  throw new MillraceError("BAD_SOURCE", `No file matches ${pattern}.`, { context: { file: pattern } });
}

async function openOne(path: string, options: FilesOptions, signal: AbortSignal): Promise<OpenedFile> {
  const info = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (info.isDirectory()) throw unreadable(path, { code: "EISDIR" });
  const raw = await headOf(path, signal);
  const encoding = encodingOf(raw, options.encoding);
  const head = headInUtf8(raw, encoding);
  const format = chosenFormat(path, head, options);
  const bom = bomLength(head);
  const { dialect, notices } = format === "csv" ? dialectOf(path, head.subarray(bom), options) : noDialect;
  if (options.encoding === undefined && encoding !== "utf-8")
    options.onNotice?.(`${path}: the text is ${encoding}, as its first bytes show.`);
  for (const notice of notices) options.onNotice?.(notice);
  return {
    path,
    format,
    bytes: info.size,
    isPacked: await isGzipFile(path),
    bom,
    content: contentOf(head, bom),
    encoding,
    dialect,
    jsonPath: format === "json" ? await jsonPathOf(path, encoding, bom, options.path, signal) : [],
  };
}

export function contentOf(head: Uint8Array, bom: number): OpenedFile["content"] {
  if (head.length === 0) return "none";
  return head.subarray(bom).every((byte) => isJsonSpace(byte)) ? "blank" : "text";
}

const noDialect = { dialect: rfc4180, notices: [] };

/** The text of a file in UTF-8, from the offset `from` in it on. */
export async function* textBytes(
  path: string,
  encoding: string,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (encoding === "utf-8") {
    yield* fileBytes(path, from, signal);
    return;
  }
  // Only decoding tells where an offset lies, so what was read before is decoded again, and left out.
  let toSkip = from;
  for await (const chunk of inUtf8(fileBytes(path, 0, signal), encoding)) {
    if (toSkip < chunk.length) yield chunk.subarray(toSkip);
    toSkip = Math.max(0, toSkip - chunk.length);
  }
}

async function headOf(path: string, signal: AbortSignal): Promise<Uint8Array> {
  const bytes = fileBytes(path, 0, signal);
  try {
    return await firstBytes(bytes);
  } finally {
    await bytes.return(undefined);
  }
}

/** The first chunk, and more until there are enough for a mark; and until `isEnough`, if it is given. */
export async function firstBytes(
  bytes: AsyncGenerator<Uint8Array>,
  isEnough: (head: Uint8Array) => boolean = () => true,
): Promise<Uint8Array> {
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < longestMark || !isEnough(head)) {
    const { value, done } = await bytes.next();
    if (done) return head;
    head = head.length === 0 ? value : Buffer.concat([head, value]);
  }
  return head;
}

export function chosenFormat(
  path: string,
  head: Uint8Array,
  { format = "auto", path: jsonPath }: FilesOptions,
): FileFormat {
  if (format === "auto") return jsonPath === undefined ? formatOf(path, head) : "json";
  return format;
}

async function jsonPathOf(
  path: string,
  encoding: string,
  bom: number,
  given: string | undefined,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (given !== undefined) return given === "$" ? [] : given.split(".");
  const shape = await shapeOf(textBytes(path, encoding, bom, signal));
  if (shape.is === "documents" || shape.arrays.length === 0) return [];
  if (shape.arrays.length === 1) return shape.arrays;
  throw new MillraceError(
    "BAD_SOURCE",
    `${path} is an object with several arrays of objects (${shape.arrays.slice(0, 10).join(", ")}); say with path which holds the records, or "$" for the object itself.`,
    { context: { file: path } },
  );
}
