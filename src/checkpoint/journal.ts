import { join } from "node:path";
import { MillraceError, reasonOf } from "../errors.ts";
import type { Disk, DiskFile } from "../log/disk.ts";
import { fileHead, frame, frameAt, headBytes, versionIn } from "../log/frame.ts";
import { writing } from "../log/segments.ts";
import type { Json } from "../schema/kinds.ts";
import type { StateChange, StateEntry } from "./state-backend.ts";

const kind = "JOURNL";
const formatVersion = 1;

/** A journal that is this many times larger than what it says, and not small, is written anew. */
const mostWaste = 4;
const leastCompaction = 1024 * 1024;

/**
 * Entries by key, kept in one append-only file per generation: a frame per durable write, a JSON object of the keys that it
 * changed. What it says is the sum of its frames; now and then the sum is written into a new file that takes its place.
 */
export interface Journal {
  readonly generation: number;
  readonly entries: ReadonlyMap<string, StateEntry>;
  /** Bytes of the file. */
  readonly bytes: number;
  /** One durable write; one after another. */
  write(changes: readonly StateChange[]): Promise<void>;
  close(): Promise<void>;
}

/** `[version, value]`, or null where the entry went. */
type Written = Readonly<Record<string, readonly [number, Json] | null>>;

/**
 * Begins the next generation's journal with what the one before says. Files of its own, because a process that was paused
 * may write into the old ones at any time: there it harms nobody. `isOurs` is asked behind each write, before anybody is told
 * of it: if it is still so, then whoever comes next has yet to read the file, and will find the write.
 *
 * @throws MillraceError STATE_IN_USE when another has begun the same generation; STATE_DAMAGED when neither copy of the one
 *   before can be read.
 */
export async function openJournal(disk: Disk, folder: string, isOurs: () => Promise<boolean>): Promise<Journal> {
  const names = await disk.list(folder);
  const before = await newestEntries(disk, folder);
  const entries = before?.entries ?? new Map<string, StateEntry>();
  const generation = (before?.generation ?? 0) + 1;
  const paths = [join(folder, journalName(generation)), join(folder, copyName(generation))] as const;
  const [path] = paths;
  await writing(path, "making it", async () => {
    for (const each of paths) if (!(await disk.createNew(each, whole(entries)))) throw taken(each);
    await disk.syncFolder(folder);
  });
  const files = await writing(path, "opening it", () => Promise.all(paths.map((each) => disk.open(each))));
  await writing(folder, "removing older journals", async () => {
    for (const name of names) if (name.startsWith("journal-")) await disk.remove(join(folder, name));
  });
  let size = files[0]!.size;
  let last: Promise<unknown> = Promise.resolve();
  /** Once a write has failed nobody knows how much of it is on the disk, and a sync that failed cannot be made good. */
  let isSound = true;

  /** Somebody else's turn has begun: what would be written now, nobody would be told of. */
  let isOver = false;

  async function write(changes: readonly StateChange[]): Promise<void> {
    if (isOver) throw fenced(folder, generation);
    if (!isSound) await recover();
    const written = writtenBy(changes, entries, path);
    isSound = false;
    await writing(path, "writing to it", () =>
      eachFile(async (file) => {
        await file.append(frame(size, [payloadOf(written)]));
        await file.sync();
      }),
    );
    isSound = true;
    isOver = !(await isOurs());
    if (isOver) throw fenced(folder, generation);
    size = files[0]!.size;
    apply(written, entries);
    await compactIfWasteful();
  }

  /** Waits for both, also when one fails: the other must not be in the midst of a write then. */
  async function eachFile(act: (file: DiskFile) => Promise<void>): Promise<void> {
    const done = await Promise.allSettled(files.map(act));
    for (const each of done) if (each.status === "rejected") throw each.reason;
  }

  /** Behind a failed write: opens the files anew and cuts what was being written, which nobody was told is durable. */
  async function recover(): Promise<void> {
    await writing(path, "opening it again", async () => {
      for (const [i, each] of paths.entries()) {
        await files[i]!.close().catch(() => {});
        files[i] = await disk.open(each);
        await files[i]!.truncate(size);
        await files[i]!.sync();
      }
    });
    isSound = true;
  }

  async function compactIfWasteful(): Promise<void> {
    if (size < leastCompaction) return;
    const content = whole(entries);
    if (size < content.length * mostWaste) return;
    isSound = false;
    try {
      for (const [i, each] of paths.entries()) {
        const draft = await disk.open(`${each}.new`);
        await draft.truncate(0);
        await draft.append([content]);
        await draft.sync();
        await disk.rename(`${each}.new`, each);
        await files[i]!.close().catch(() => {});
        files[i] = draft;
      }
      await disk.syncFolder(folder);
      size = content.length;
      isSound = true;
    } catch (error) {
      // One copy may be the short one by now. Nothing is lost, and nothing more can be written.
      throw new MillraceError("STATE_UNWRITABLE", `${path}: writing it anew failed: ${reasonOf(error)}.`, {
        cause: error,
        context: { path },
      });
    }
  }

  return {
    generation,
    entries,
    get bytes() {
      return size;
    },
    write(changes) {
      const written = last.then(() => write(changes));
      last = written.catch(() => {});
      return written;
    },
    async close() {
      await last;
      await Promise.all(files.map((file) => file.close()));
    },
  };
}

/** The changes as they are written. @throws MillraceError STATE_FENCED when an entry has another version than expected. */
function writtenBy(changes: readonly StateChange[], entries: ReadonlyMap<string, StateEntry>, path: string): Written {
  const written: Record<string, readonly [number, Json] | null> = {};
  for (const { key, expected, value } of changes) {
    const version = entries.get(key)?.version ?? 0;
    if (version !== expected)
      throw new MillraceError("STATE_FENCED", `${path}: ${key} has version ${version}, and ${expected} was expected.`, {
        context: { path, key },
      });
    written[key] = value === undefined ? null : [version + 1, value];
  }
  return written;
}

export function journalName(generation: number): string {
  return `journal-${String(generation).padStart(9, "0")}`;
}

/** Every write goes into both: a flipped bit in one, or one that was cut or lost, is made good from the other. */
export function copyName(generation: number): string {
  return `${journalName(generation)}.copy`;
}

function generationIn(name: string): number | undefined {
  const match = /^journal-(\d{9,})(\.copy)?$/.exec(name);
  return match ? Number(match[1]) : undefined;
}

/** What the newest journal of a folder says; undefined where there is none. Only reads. */
export async function newestEntries(
  disk: Disk,
  folder: string,
): Promise<{ readonly generation: number; readonly entries: Map<string, StateEntry> } | undefined> {
  const names = await disk.list(folder);
  const generation = Math.max(0, ...names.flatMap((name) => generationIn(name) ?? []));
  return generation === 0 ? undefined : { generation, entries: await latest(disk, folder, generation) };
}

/** What the two copies of a generation's journal say: the one that goes further, of those that can be read. */
async function latest(disk: Disk, folder: string, generation: number): Promise<Map<string, StateEntry>> {
  const read: Replayed[] = [];
  for (const name of [journalName(generation), copyName(generation)]) {
    const path = join(folder, name);
    const bytes = await disk.read(path);
    if (bytes) read.push(replay(bytes, path));
  }
  const [best] = read.toSorted((a, b) => b.frames - a.frames);
  const sound = read.find((each) => !each.damage && each.frames === best!.frames);
  if (sound) return sound.entries;
  throw best!.damage;
}

function taken(path: string): MillraceError {
  return new MillraceError("STATE_IN_USE", `${path}: another process begins the same generation.`, {
    context: { path },
  });
}

function fenced(folder: string, generation: number): MillraceError {
  return new MillraceError(
    "STATE_FENCED",
    `${folder} was taken over by another process; generation ${generation} ends.`,
    { context: { folder, generation } },
  );
}

/** A journal that says just this. */
function whole(entries: ReadonlyMap<string, StateEntry>): Uint8Array {
  const head = fileHead(kind, formatVersion);
  if (entries.size === 0) return head;
  const sum = Object.fromEntries([...entries].map(([key, { version, value }]) => [key, [version, value] as const]));
  return new Uint8Array(Buffer.concat([head, ...frame(headBytes, [payloadOf(sum)])]));
}

function payloadOf(written: Written): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(written));
}

export interface Replayed {
  readonly entries: Map<string, StateEntry>;
  /** Sound ones. */
  readonly frames: number;
  /** Behind them there is something that is not as it was written. */
  readonly damage: MillraceError | undefined;
}

/** Reads a journal up to its end, or to a write that was cut short, or to what is damaged. */
export function replay(bytes: Uint8Array, path: string): Replayed {
  const entries = new Map<string, StateEntry>();
  const version = versionIn(bytes, kind);
  if (version === undefined)
    return { entries, frames: 0, damage: damaged(path, 0, "it does not begin as a journal does") };
  if (version !== formatVersion) {
    const what = `${path} has format ${version}, and this version of Millrace knows ${formatVersion}.`;
    return { entries, frames: 0, damage: new MillraceError("STATE_FOREIGN", what, { context: { path } }) };
  }
  let frames = 0;
  for (let offset = headBytes; ; frames++) {
    const found = frameAt(bytes, offset);
    if (found.found === "damaged")
      return { entries, frames, damage: damaged(path, offset, "a record is not as it was written") };
    if (found.found !== "frame") return { entries, frames, damage: undefined };
    apply(JSON.parse(new TextDecoder().decode(found.payload)), entries);
    offset = found.end;
  }
}

function apply(written: Written, entries: Map<string, StateEntry>): void {
  for (const [key, entry] of Object.entries(written))
    if (entry) entries.set(key, { version: entry[0], value: entry[1] });
    else entries.delete(key);
}

function damaged(path: string, offset: number, what: string): MillraceError {
  return new MillraceError(
    "STATE_DAMAGED",
    `${path}, at byte ${offset}: ${what}. Nothing was changed. Restore the folder from a copy, or see docs/exactly-once.md on going on without it.`,
    { context: { path, offset } },
  );
}
