import { crc32 } from "node:zlib";
import { MillraceError, throwIfAborted } from "../errors.ts";
import { type Content, headBytes, headDigest, isSameFile, stamped } from "./content.ts";
import { changeOf, holdsUnpacked, placeFault, unpackedHead } from "./content-check.ts";
import type { FilesOptions } from "./file-options.ts";
import type { OpenedFile } from "./open-files.ts";
import { openRaw, type RawFile } from "./raw-file.ts";
import type { Position, Positions } from "./source.ts";
import { isStoredPosition, type StoredPosition } from "./splitter.ts";

/** Where the reading of a file begins. */
export interface ReadingStart {
  readonly file: OpenedFile;
  readonly partition: string;
  /** Undefined: at the start of the file. */
  readonly position: StoredPosition | undefined;
}

export interface ReadingStarts {
  /** Files that are to be skipped are left out. */
  readonly starts: readonly ReadingStart[];
  /** Positions that change before the first record is read: of files that were moved or are read again. */
  readonly changes: Positions;
}

interface Identified {
  readonly key: string;
  readonly position: StoredPosition & { readonly content: Content };
}

/** A file whose partition has a position that does not belong to it. */
interface Changed {
  readonly file: OpenedFile;
  readonly position: StoredPosition;
  readonly reason: string;
}

/**
 * Finds for each file the position that belongs to its content. A file whose name has a position of other content, or none, takes the
 * position of a file that was moved, if it holds what was read of that: logs are renamed, or copied and truncated, when they are
 * rotated. The name's next file then begins at its start.
 *
 * @throws MillraceError SOURCE_CHANGED for a file that is not the one that was read, and was not moved; BAD_SOURCE for what is no
 *   position of a file, or one of the first format that cannot be of this file.
 */
export async function readingStarts(
  files: readonly OpenedFile[],
  positions: Positions,
  options: FilesOptions,
  signal: AbortSignal,
): Promise<ReadingStarts> {
  const found = new Map<OpenedFile, ReadingStart>();
  const changes: Record<string, Position> = Object.create(null);
  const changed = new Map<OpenedFile, Changed>();
  for (const file of files) {
    throwIfAborted(signal, "comparing files with their positions");
    const stored = storedOf(file, positions);
    if (!stored) continue;
    const { key, position } = stored;
    const reason = await withRaw(file, (raw) => faultOf(raw, file, position, signal));
    if (reason !== undefined) changed.set(file, { file, position, reason });
    else found.set(file, { file, partition: file.realPath, position });
    // It was stored under the file's name as it was spelled; from now on the real path has it.
    if (reason === undefined && key !== file.realPath) {
      changes[file.realPath] = position;
      changes[key] = null;
    }
  }

  const claimants = files.filter((file) => !found.has(file));
  const known = claimants.length > 0 ? identified(positions) : [];
  const isHere = new Set([...found.values()].map(({ partition }) => partition));
  const isClaimed = new Set<string>();
  for (const { file, match } of await matches(claimants, known, signal)) {
    if (found.has(file) || isClaimed.has(match.key) || isHere.has(match.key)) continue;
    const position = await positionIn(file, match, signal);
    if (!position) continue;
    const own = await holder(match, signal);
    if (own.is === "there" && own.file !== file.stamp.file) continue; // a copy
    const isSame = isSameFile(file.stamp, match.position.content);
    if (own.is === "gone" && !isSame && match.position.byte < leastEvidence) continue;
    isClaimed.add(match.key);
    if (own.is === "there") {
      // Another name of the same file: it keeps its partition.
      found.set(file, { file, partition: match.key, position: match.position });
      continue;
    }
    if (!isSame) options.onNotice?.(claimNotice(file, match, own.is), "warning");
    found.set(file, { file, partition: file.realPath, position });
    changes[match.key] ??= null;
    changes[file.realPath] = position;
  }

  for (const file of claimants) {
    const change = changed.get(file);
    if (found.has(file)) continue;
    if (change && !isClaimed.has(file.realPath) && !(await wasMoved(change, [...found.values()], signal))) {
      if ((options.onChanged ?? "error") === "error") throw changedError(change, changed.size - 1);
      const isAgain = options.onChanged === "read-again";
      options.onNotice?.(
        `${file.path} is not the file that was read before (${change.reason}); it is ${isAgain ? "read from its start" : "left out"}.`,
      );
      if (!isAgain) continue;
    }
    if (change) changes[file.realPath] ??= null;
    found.set(file, { file, partition: file.realPath, position: undefined });
  }
  return { starts: files.flatMap((file) => found.get(file) ?? []), changes };
}

async function withRaw<T>(file: { readonly path: string }, act: (raw: RawFile) => Promise<T>): Promise<T> {
  const raw = await openRaw(file.path);
  try {
    return await act(raw);
  } finally {
    await raw.close();
  }
}

/** The position of a file: by its real path, and in states of the first format by its name as it was spelled. */
function storedOf(file: OpenedFile, positions: Positions): { key: string; position: StoredPosition } | undefined {
  for (const key of new Set([file.realPath, file.path])) {
    const position = Object.hasOwn(positions, key) ? positions[key] : undefined; // a file may be called "constructor"
    if (position === undefined || position === null) continue;
    if (!isStoredPosition(position)) throw badPosition(file, position, "no position of a file looks like this");
    if (key === file.realPath || !position.content) return { key, position };
  }
  return undefined;
}

async function faultOf(
  raw: RawFile,
  file: OpenedFile,
  position: StoredPosition,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { byte, content } = position;
  const reason = content
    ? await changeOf(raw, { ...position, content }, signal)
    : !file.isPacked && byte > raw.stamp.size
      ? `it has ${raw.stamp.size} bytes`
      : undefined;
  if (reason !== undefined) return reason;
  // The bytes are the same, so it is not packed now: it is decoded otherwise, and positions count what was decoded.
  if (content && (content.packed !== undefined) !== file.isPacked)
    return `it was read in another encoding, and now as ${file.storage.encoding}`;
  return placeFault(raw, position, file, signal);
}

function identified(positions: Positions): readonly Identified[] {
  return Object.entries(positions).flatMap(([key, position]) => {
    if (!isStoredPosition(position) || !position.content || position.byte === 0) return [];
    return [{ key, position: { ...position, content: position.content } }];
  });
}

interface Match {
  readonly file: OpenedFile;
  readonly match: Identified;
}

/**
 * Positions that may belong to files, by the beginning of the files, the likely ones first: of the same device and inode, then
 * those that reach farther.
 */
async function matches(
  claimants: readonly OpenedFile[],
  known: readonly Identified[],
  signal: AbortSignal,
): Promise<readonly Match[]> {
  if (known.length === 0) return [];
  const byHead = new Map<string, Identified[]>();
  /** Of the positions within the first bytes: all that was read is digested by the sum. */
  const bySum = new Map<string, Identified[]>();
  const lengths = new Set<number>();
  for (const each of known) {
    const { byte, content } = each.position;
    const at = content.packed ?? byte;
    if (at < headBytes) lengths.add(at);
    const index = at < headBytes ? bySum : byHead;
    const key = at < headBytes ? `${at}:${content.sum}` : content.head;
    index.set(key, [...(index.get(key) ?? []), each]);
  }
  const ascending = [...lengths].sort((a, b) => a - b);
  const all: Match[] = [];
  for (const file of claimants) {
    throwIfAborted(signal, "comparing files with their positions");
    const heads = await withRaw(file, async (raw) => [
      await raw.at(0, headBytes),
      ...(file.isPacked ? [await unpackedHead(raw, signal)] : []),
    ]);
    for (const head of heads) {
      if (head.length === headBytes) for (const match of byHead.get(headDigest(head)) ?? []) all.push({ file, match });
      let at = 0;
      let sum = 0;
      for (const length of ascending) {
        if (length > head.length) break;
        sum = crc32(head.subarray(at, length), sum);
        at = length;
        for (const match of bySum.get(`${at}:${sum}`) ?? []) all.push({ file, match });
      }
    }
  }
  const sameness = ({ file, match }: Match) => (isSameFile(file.stamp, match.position.content) ? 1 : 0);
  return all.sort((a, b) => sameness(b) - sameness(a) || b.match.position.byte - a.match.position.byte);
}

/** The position of a match in the file that holds its content; undefined: the file holds other content. */
async function positionIn(file: OpenedFile, { position }: Identified, signal: AbortSignal) {
  return withRaw(file, async (raw): Promise<StoredPosition | undefined> => {
    const { content, ...place } = position;
    const isAlike = (content.packed !== undefined) === file.isPacked;
    if (isAlike && (await changeOf(raw, position, signal)) === undefined) {
      if ((await placeFault(raw, position, file, signal)) !== undefined) return undefined;
      return { ...place, content: stamped(raw.stamp, content) };
    }
    // Positions count bytes of the text, so that of the file before it was packed holds; what to remember of the gzip file is not known yet.
    return file.storage.isGzip && (await holdsUnpacked(raw, position, signal)) ? place : undefined;
  });
}

/** What has the name of a position: the content that was read, in a file of this device and inode; other content; nothing. */
type Holder = { readonly is: "there"; readonly file: string } | { readonly is: "replaced" | "gone" };

async function holder({ key, position }: Identified, signal: AbortSignal): Promise<Holder> {
  const raw = await openRaw(key).catch(() => undefined);
  if (!raw) return { is: "gone" };
  try {
    const isThere = (await changeOf(raw, position, signal)) === undefined;
    return isThere ? { is: "there", file: raw.stamp.file ?? "" } : { is: "replaced" };
  } finally {
    await raw.close();
  }
}

/** Bytes of content that show that a file was moved, where only content does. Two days' files often begin with the same header. */
const leastEvidence = 256;

function claimNotice({ path }: OpenedFile, { key, position }: Identified, own: Holder["is"]): string {
  const { byte, line } = position;
  const what = own === "gone" ? "is gone" : "has other content now";
  const lines = line > 2 ? `lines 1 to ${line - 1}` : "line 1";
  return `${path}: its first ${byte} bytes are those of ${key}, which was read before and ${what}: it is read on from there, at line ${line}. If it is a new file, ${lines} of it ${line > 2 ? "were" : "was"} not loaded: copy ${line > 2 ? "them" : "it"} into another file and load that without this state.`;
}

/** Was the content of a position taken over by another file before? An interrupted run may not have come to say it of this one. */
async function wasMoved({ position }: Changed, starts: readonly ReadingStart[], signal: AbortSignal): Promise<boolean> {
  const { content } = position;
  if (!content) return false;
  for (const { file, position: other } of starts)
    if (other && other.byte >= position.byte && file.isPacked === (content.packed !== undefined))
      if ((await withRaw(file, (raw) => changeOf(raw, { ...position, content }, signal))) === undefined) return true;
  return false;
}

function badPosition(file: OpenedFile, position: Position | StoredPosition, reason: string): MillraceError {
  return new MillraceError(
    "BAD_SOURCE",
    `${file.path} cannot be read on from position ${JSON.stringify(position)}: ${reason}.`,
    { context: { file: file.path } },
  );
}

const wayOut =
  "To load it from its start say read-again, to leave it out say skip (--on-changed, or the option onChanged)";

function changedError({ file, position, reason }: Changed, others: number): MillraceError {
  const { content, byte, line } = position;
  if (!content) return badPosition(file, position, `${reason}; it is not the file that was read before. ${wayOut}`);
  const { stamp } = file;
  const more = others > 0 ? ` ${others} other files have other content than remembered, too.` : "";
  return new MillraceError(
    "SOURCE_CHANGED",
    `${file.path} is not the file that was read before: ${reason}. Read were ${content.packed ?? byte} bytes, to line ${line}, of a file of ${content.size} bytes of ${dateOf(content.modified)}; now it has ${stamp.size} bytes and is of ${dateOf(stamp.modified)}.${more} ${wayOut}.`,
    { context: { file: file.path, byte, size: content.size, sizeNow: stamp.size } },
  );
}

function dateOf(nanoseconds: string): string {
  const date = new Date(Number(nanoseconds) / 1e6);
  return Number.isNaN(date.getTime()) ? "an unknown time" : date.toISOString();
}
