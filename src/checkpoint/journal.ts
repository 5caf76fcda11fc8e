import { join } from "node:path";
import { MillraceError, reasonOf } from "../errors.ts";
import type { Disk, DiskFile } from "../log/disk.ts";
import { fileHead, frame, frameAt, headBytes, versionIn } from "../log/frame.ts";
import { writing } from "../log/segments.ts";
import type { Json } from "../schema/kinds.ts";
import type { StateChange, StateEntry } from "./state-backend.ts";

const kind = "JOURNL";
/** 1: Kusto's steps stood in an epoch's progress by their names. It is read; what is written from then on is of this format. */
const formatVersion = 2;
const readVersions: readonly number[] = [1, formatVersion];

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
  /** @throws MillraceError STATE_FENCED when another process has begun a newer generation. */
  refuseIfPassed(): Promise<void>;
  close(): Promise<void>;
}

/** `[version, value]`, or null where the entry went. */
type Written = Readonly<Record<string, readonly [number, Json] | null>>;

/**
 * Begins the next generation's journal with what the one before says. Files of its own, because a process that was paused
 * may write into the old ones at any time: there it harms nobody. First the number is claimed, by files that say nothing
 * yet; only then is the journal before it read. A writer looks for newer files behind each write, before anybody is told of
 * it: if there are none, then whoever comes next has yet to read, and will find the write. So nothing is lost even where two
 * hold the lock, as they may on a shared folder. `isOurs` asks for the lock, and ends a writer sooner.
 *
 * @throws MillraceError STATE_IN_USE when another has begun the same generation; STATE_DAMAGED when neither copy of the one
 *   before can be read.
 */
export async function openJournal(disk: Disk, folder: string, isOurs: () => Promise<boolean>): Promise<Journal> {
  const names = await disk.list(folder);
  const generation = newestIn(names) + 1;
  const paths = [join(folder, journalName(generation)), join(folder, copyName(generation))] as const;
  const [path] = paths;
  await writing(path, "making it", async () => {
    for (const each of paths) if (!(await disk.createNew(each, fileHead(kind, formatVersion)))) throw taken(each);
    await disk.syncFolder(folder);
  });
  const before = await newestEntries(disk, folder, generation).catch(async (error) => {
    for (const each of paths) await disk.remove(each).catch(() => {});
    throw error;
  });
  const entries = before?.entries ?? new Map<string, StateEntry>();
  const files = await writing(path, "opening it", () => Promise.all(paths.map((each) => disk.open(each))));
  await writing(path, "beginning it", () =>
    eachFile(async (file) => {
      if (entries.size === 0) return;
      await file.append(frame(headBytes, [sumOf(entries)]));
      await file.sync();
    }),
  );
  if (await isPassed()) throw fenced(folder, generation);
  await writing(folder, "removing older journals", async () => {
    for (const name of names) if (name.startsWith("journal-")) await disk.remove(join(folder, name));
  });
  let size = files[0]!.size;
  let last: Promise<unknown> = Promise.resolve();
  /** Once a write has failed nobody knows how much of it is on the disk, and a sync that failed cannot be made good. */
  let isSound = true;

  /** Somebody else's turn has begun: what would be written now, nobody would be told of. */
  let isOver = false;
  /** Why the files cannot be trusted with another write. */
  let broken: MillraceError | undefined;
  let compactAt = leastCompaction;

  async function isPassed(): Promise<boolean> {
    return !(await isOurs()) || newestIn(await disk.list(folder)) > generation;
  }

  async function refuseIfPassed(): Promise<void> {
    isOver ||= await writing(path, "looking who has it", isPassed);
    if (isOver) throw fenced(folder, generation);
  }

  async function write(changes: readonly StateChange[]): Promise<void> {
    if (isOver) throw fenced(folder, generation);
    if (broken) throw broken;
    if (!isSound) {
      await refuseIfPassed(); // to open the files would make them, and they are another's to remove
      await recover();
    }
    const written = writtenBy(changes, entries, path);
    isSound = false;
    await writing(path, "writing to it", () =>
      eachFile(async (file) => {
        await file.append(frame(size, [payloadOf(written)]));
        await file.sync();
      }),
    );
    await refuseIfPassed();
    isSound = true;
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
    if (size < compactAt) return;
    const content = whole(entries);
    if (size < content.length * mostWaste) return;
    const drafts = await draftsOf(content);
    if (!drafts) {
      // A full disk, perhaps. What there is says the same at greater length; it is tried again a little later.
      compactAt = size + leastCompaction;
      return;
    }
    try {
      for (const [i, each] of paths.entries()) {
        await disk.rename(`${each}.new`, each);
        await files[i]!.close().catch(() => {});
        files[i] = drafts[i]!;
      }
      await disk.syncFolder(folder);
      size = content.length;
      compactAt = leastCompaction;
    } catch (error) {
      // One copy may be the short one by now. Nothing is lost, and nothing more can be written.
      broken = new MillraceError(
        "STATE_UNWRITABLE",
        `${path}: writing it anew failed: ${reasonOf(error)}. Nothing is lost; see to the disk and start again.`,
        { cause: error, context: { path } },
      );
      throw broken;
    }
  }

  /** New files with this content, durable, beside the old ones; undefined where the disk will not have them. */
  async function draftsOf(content: Uint8Array): Promise<DiskFile[] | undefined> {
    const drafts: DiskFile[] = [];
    try {
      for (const each of paths) {
        const draft = await disk.open(`${each}.new`);
        drafts.push(draft);
        await draft.truncate(0);
        await draft.append([content]);
        await draft.sync();
      }
      return drafts;
    } catch {
      for (const draft of drafts) await draft.close().catch(() => {});
      for (const each of paths) await disk.remove(`${each}.new`).catch(() => {});
      return undefined;
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
    refuseIfPassed,
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

function newestIn(names: readonly string[]): number {
  return Math.max(0, ...names.flatMap((name) => generationIn(name) ?? []));
}

/**
 * What the newest journal of a folder says, of those below a generation; undefined where there is none. One that says
 * nothing yet was claimed, and the one before it is still there. Only reads.
 */
export async function newestEntries(
  disk: Disk,
  folder: string,
  below = Infinity,
): Promise<{ readonly generation: number; readonly entries: Map<string, StateEntry> } | undefined> {
  const found = (await disk.list(folder)).flatMap((name) => generationIn(name) ?? []);
  const generations = [...new Set(found)].filter((generation) => generation < below).sort((a, b) => b - a);
  for (const generation of generations) {
    const said = await latest(disk, folder, generation);
    if (said && said.frames > 0) return { generation, entries: said.entries };
  }
  return generations.length === 0 ? undefined : { generation: generations[0]!, entries: new Map() };
}

/** What the two copies of a generation's journal say: the one that goes further, of those that can be read. */
async function latest(disk: Disk, folder: string, generation: number): Promise<Replayed | undefined> {
  const read: Replayed[] = [];
  for (const name of [journalName(generation), copyName(generation)]) {
    const path = join(folder, name);
    const bytes = await disk.read(path);
    if (bytes) read.push(replay(bytes, path));
  }
  const [best] = read.toSorted((a, b) => b.frames - a.frames);
  const sound = read.find((each) => !each.damage && each.frames === best!.frames);
  if (sound || !best) return sound; // none: removed meanwhile, by one who goes on from it
  throw best.damage;
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
  return new Uint8Array(Buffer.concat([head, ...frame(headBytes, [sumOf(entries)])]));
}

/** One frame's payload that says just this. */
function sumOf(entries: ReadonlyMap<string, StateEntry>): Uint8Array {
  return payloadOf(
    Object.fromEntries([...entries].map(([key, { version, value }]) => [key, [version, value] as const])),
  );
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
  if (!readVersions.includes(version)) {
    const what = `${path} has format ${version}, and this version of Millrace knows ${readVersions.join(" and ")}.`;
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
    `${path}, at byte ${offset}: ${what}. Nothing was changed. A sound copy of the folder can take its place; one that the table is ahead of is refused (STATE_OUTDATED). See docs/exactly-once.md, "Backups, copies and clones".`,
    { context: { path, offset } },
  );
}
