import { realpath, stat } from "node:fs/promises";
import { MillraceError } from "../errors.ts";
import { isGzip } from "./byte-stream.ts";
import { type FileStamp, stampOf } from "./content.ts";
import { fileBytes, isDecoded, type Storage } from "./file-bytes.ts";
import { askedPath, type FileHead, firstBytes, readHead } from "./file-head.ts";
import type { FilesOptions } from "./file-options.ts";
import { isNamedJson } from "./format.ts";
import { expandGlob, isGlob } from "./glob.ts";
import { shapeOf } from "./json-shape.ts";
import { noWrapper, type Wrapper, wrapperIn } from "./json-wrapper.ts";
import { openStream } from "./open-stream.ts";
import { kindOf, openRaw, type RawFile } from "./raw-file.ts";
import { type StreamReader, streamReader } from "./stream-reader.ts";
import { unreadable } from "./unreadable.ts";

export interface OpenedFile extends Omit<FileHead, "encoding"> {
  /** As the caller spelled it, for messages. */
  readonly path: string;
  /** Without symbolic links, from the root on: one name per file, whatever folder the process runs in. */
  readonly realPath: string;
  readonly stamp: FileStamp;
  readonly storage: Storage;
  /** Packed, or in another encoding than UTF-8: positions count bytes of the text in UTF-8. */
  readonly isPacked: boolean;
  /** JSON: the way to the array; empty: the documents themselves. */
  readonly jsonPath: readonly string[];
  /** JSON, where the path was found and not given: members beside the array, which are not read. */
  readonly leftOut: readonly string[];
}

/** What is read, in the order given. */
export interface Inputs {
  readonly all: readonly (OpenedFile | StreamReader)[];
  readonly files: readonly OpenedFile[];
  readonly streams: readonly StreamReader[];
}

/** The files that paths and patterns name, each once. */
export async function expandPatterns(
  patterns: readonly string[],
  onNotice?: FilesOptions["onNotice"],
): Promise<readonly string[]> {
  const paths = new Set<string>();
  for (const pattern of patterns) for (const path of await pathsOf(pattern)) paths.add(path);
  return oncePerFile(paths, onNotice);
}

export async function openAll(
  patterns: readonly string[],
  options: FilesOptions,
  signal: AbortSignal,
): Promise<Inputs> {
  const all: (OpenedFile | StreamReader)[] = [];
  const files: OpenedFile[] = [];
  const streams: StreamReader[] = [];
  for (const path of await expandPatterns(patterns, options.onNotice)) {
    if ((await kindOf(path)).kind === "file") {
      const file = await planFile(path, options, signal);
      files.push(file);
      all.push(file);
    } else {
      const stream = streamReader(path, () => openStream(path), options);
      streams.push(stream);
      all.push(stream);
    }
  }
  return { all, files, streams };
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

/** Leaves out other names of a file: another spelling, a symbolic link, a hard link. */
async function oncePerFile(paths: Iterable<string>, onNotice: FilesOptions["onNotice"]): Promise<readonly string[]> {
  const byId = new Map<string, string>();
  const once: string[] = [];
  const others: string[] = [];
  for (const path of paths) {
    const ids = await idsOf(path);
    const first = ids.map((id) => byId.get(id)).find((found) => found !== undefined);
    if (first === undefined) once.push(path);
    else others.push(`${path} is ${first}`);
    for (const id of ids) byId.set(id, first ?? path);
  }
  if (others.length > 0) {
    const more = others.length > 3 ? `, and ${others.length - 3} more` : "";
    onNotice?.(`a file under several names is read once: ${others.slice(0, 3).join(", ")}${more}.`);
  }
  return once;
}

/** What says that two names are of one file. Inodes only where there are hard links: some file systems give two files the same. */
async function idsOf(path: string): Promise<readonly string[]> {
  const { kind, info } = await kindOf(path);
  const { file: inode } = stampOf(info);
  if (kind === "stream") return [inode ?? path];
  const real = await realPathOf(path);
  return info.nlink > 1n && inode !== undefined ? [real, inode] : [real];
}

async function realPathOf(path: string): Promise<string> {
  return realpath(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
}

async function planFile(path: string, options: FilesOptions, signal: AbortSignal): Promise<OpenedFile> {
  const raw = await openRaw(path);
  try {
    return await lookAt(raw, await realPathOf(path), options, signal);
  } finally {
    await raw.close();
  }
}

/** What a file is: by its name, its first bytes, and for a JSON object by all of it. */
export async function lookAt(
  raw: RawFile,
  realPath: string,
  options: FilesOptions,
  signal: AbortSignal,
): Promise<OpenedFile> {
  const { path, stamp } = raw;
  const isPacked = isGzip(await raw.at(0, 2));
  const rawHead = await headOf(raw, { isGzip: isPacked, encoding: "utf-8" }, signal);
  const { encoding, ...head } = readHead(path, rawHead, options);
  const storage = { isGzip: isPacked, encoding };
  const isJson = head.format === "json";
  const { notice, ...wrapper } = isJson ? await wrapperOf(raw, storage, head.bom, options, signal) : noWrapper;
  if (notice !== undefined) options.onNotice?.(notice);
  return { path, realPath, stamp, ...head, storage, isPacked: isDecoded(storage), ...wrapper };
}

async function headOf(raw: RawFile, storage: Storage, signal: AbortSignal): Promise<Uint8Array> {
  const bytes = fileBytes(raw, storage, 0, signal);
  try {
    return await firstBytes(bytes);
  } finally {
    await bytes.return(undefined);
  }
}

async function wrapperOf(
  raw: RawFile,
  storage: Storage,
  bom: number,
  options: FilesOptions,
  signal: AbortSignal,
): Promise<Wrapper> {
  const jsonPath = askedPath(options);
  if (jsonPath) return { ...noWrapper, jsonPath };
  const shape = await shapeOf(fileBytes(raw, storage, bom, signal));
  if (shape.is === "documents") return noWrapper;
  // A line of NDJSON that is longer than the bytes by which the format was chosen.
  if (shape.isOneLine && (options.format ?? "auto") === "auto" && !isNamedJson(raw.path)) return noWrapper;
  return wrapperIn(raw.path, shape);
}
