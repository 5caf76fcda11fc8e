import { stat } from "node:fs/promises";
import { MillraceError } from "../errors.ts";
import { fileBytes, isGzipFile, unreadable } from "./byte-stream.ts";
import type { FilesOptions } from "./file-options.ts";
import { bomLength, extensionOf, type FileFormat, formatOf, mayBecomeBom, refuseUtf16 } from "./format.ts";
import { expandGlob, isGlob } from "./glob.ts";
import { shapeOf } from "./json-shape.ts";

export interface OpenedFile {
  readonly path: string;
  readonly format: FileFormat;
  readonly bytes: number;
  readonly isPacked: boolean;
  readonly bom: number;
  readonly delimiter: string;
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
  const head = await headOf(path, signal);
  const format = chosenFormat(path, head, options);
  return {
    path,
    format,
    bytes: info.size,
    isPacked: await isGzipFile(path),
    bom: bomLength(head),
    delimiter: options.delimiter ?? (extensionOf(path) === ".tsv" ? "\t" : ","),
    jsonPath: format === "json" ? await jsonPathOf(path, head, options.path, signal) : [],
  };
}

async function headOf(path: string, signal: AbortSignal): Promise<Uint8Array> {
  const bytes = fileBytes(path, 0, signal);
  try {
    return await firstBytes(bytes);
  } finally {
    await bytes.return(undefined);
  }
}

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

async function jsonPathOf(
  path: string,
  head: Uint8Array,
  given: string | undefined,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (given !== undefined) return given === "$" ? [] : given.split(".");
  const shape = await shapeOf(fileBytes(path, bomLength(head), signal));
  if (shape.is === "documents" || shape.arrays.length === 0) return [];
  if (shape.arrays.length === 1) return shape.arrays;
  throw new MillraceError(
    "BAD_SOURCE",
    `${path} is an object with several arrays of objects (${shape.arrays.slice(0, 10).join(", ")}); say with path which holds the records, or "$" for the object itself.`,
    { context: { file: path } },
  );
}
