import { MillraceError } from "../errors.ts";
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
 * Entries by key, kept in one append-only file: a frame per durable write, a JSON object of the keys that it changed.
 * What it says is the sum of its frames; now and then the sum is written into a new file that takes its place.
 */
export interface Journal {
  readonly entries: ReadonlyMap<string, StateEntry>;
  /** Bytes of the file. */
  readonly bytes: number;
  /** One durable write; one after another. */
  write(changes: readonly StateChange[]): Promise<void>;
  close(): Promise<void>;
}

/** `[version, value]`, or null where the entry went. */
type Written = Readonly<Record<string, readonly [number, Json] | null>>;

export async function openJournal(disk: Disk, folder: string, path: string): Promise<Journal> {
  const draft = `${path}.new`;
  const entries = new Map<string, StateEntry>();
  await writing(draft, "removing what a crash left", () => disk.remove(draft));
  const before = await disk.read(path);
  const sound = before ? replay(before, path, entries) : 0;
  let file: DiskFile = await writing(path, "opening it", () => disk.open(path));
  if (sound === 0) await writing(path, "beginning it", () => begin());
  else if (sound < file.size) await writing(path, "cutting its torn end", () => cut(sound));
  let last: Promise<unknown> = Promise.resolve();
  /** Once a write has failed nobody knows how much of it is on the disk, and a sync that failed cannot be made good. */
  let isSound = true;

  async function begin(): Promise<void> {
    await file.truncate(0);
    await file.append([fileHead(kind, formatVersion)]);
    await file.sync();
    await disk.syncFolder(folder);
  }

  async function cut(size: number): Promise<void> {
    await file.truncate(size);
    await file.sync();
  }

  async function write(changes: readonly StateChange[]): Promise<void> {
    if (!isSound) await recover();
    const written: Record<string, readonly [number, Json] | null> = {};
    for (const { key, expected, value } of changes) {
      const version = entries.get(key)?.version ?? 0;
      if (version !== expected)
        throw new MillraceError(
          "STATE_FENCED",
          `${path}: ${key} has version ${version}, and ${expected} was expected.`,
          {
            context: { path, key },
          },
        );
      written[key] = value === undefined ? null : [version + 1, value];
    }
    const start = file.size;
    isSound = false;
    await writing(path, "writing to it", async () => {
      await file.append(frame(start, [payloadOf(written)]));
      await file.sync();
    });
    isSound = true;
    apply(written, entries);
    await compactIfWasteful();
  }

  /** Behind a failed write: opens the file anew and cuts what was being written, which nobody was told is durable. */
  async function recover(): Promise<void> {
    const known = sizeOfSound;
    await writing(path, "opening it again", async () => {
      await file.close().catch(() => {});
      file = await disk.open(path);
      await cut(known);
    });
    isSound = true;
  }

  let sizeOfSound = file.size;

  async function compactIfWasteful(): Promise<void> {
    sizeOfSound = file.size;
    if (file.size < leastCompaction) return;
    const payload = payloadOf(
      Object.fromEntries([...entries].map(([key, { version, value }]) => [key, [version, value]])),
    );
    if (file.size < payload.length * mostWaste) return;
    let fresh: DiskFile | undefined;
    try {
      fresh = await disk.open(draft);
      await fresh.truncate(0);
      await fresh.append([fileHead(kind, formatVersion)]);
      await fresh.append(frame(headBytes, [payload]));
      await fresh.sync();
      await disk.rename(draft, path);
    } catch {
      // The old file goes on being the journal, and the next write tries again.
      await fresh?.close().catch(() => {});
      return;
    }
    await file.close().catch(() => {});
    file = fresh;
    sizeOfSound = fresh.size;
    await writing(path, "putting the shorter one in its place", () => disk.syncFolder(folder));
  }

  return {
    entries,
    get bytes() {
      return file.size;
    },
    write(changes) {
      const written = last.then(() => write(changes));
      last = written.catch(() => {});
      return written;
    },
    async close() {
      await last;
      await file.close();
    },
  };
}

function payloadOf(written: Written): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(written));
}

/** Returns how many bytes of the file are sound; 0 where it has not even a head. */
export function replay(bytes: Uint8Array, path: string, entries: Map<string, StateEntry>): number {
  const version = versionIn(bytes, kind);
  if (version === undefined) {
    // The very first write of the file was cut short: nothing was ever decided.
    if (bytes.length <= headBytes && (bytes.length < headBytes || bytes.every((byte) => byte === 0))) return 0;
    throw damaged(path, 0, "it does not begin as a journal does");
  }
  if (version !== formatVersion)
    throw new MillraceError(
      "STATE_FOREIGN",
      `${path} has format ${version}, and this version of Millrace knows ${formatVersion}.`,
      {
        context: { path },
      },
    );
  for (let offset = headBytes; ; ) {
    const found = frameAt(bytes, offset);
    if (found.found === "damaged") throw damaged(path, offset, "a record is not as it was written");
    if (found.found !== "frame") return offset;
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
