import { createHash } from "node:crypto";
import { join } from "node:path";
import type { SealedBatch } from "../batch/sealed-batch.ts";
import { MillraceError, reasonOf } from "../errors.ts";
import type { Disk, DiskFile } from "./disk.ts";
import { fileHead, frame, frameAt, frameOverhead, headBytes, versionIn } from "./frame.ts";
import { inTurns } from "./in-turns.ts";
import type { LoggedBatch, WriteAheadLog } from "./write-ahead-log.ts";

const kind = "SEGMNT";
const formatVersion = 1;

interface Segment {
  /** Open, with its head written; rejected where the disk would not have it. */
  readonly file: Promise<DiskFile>;
  /** Appends, one after another; never rejected. */
  last: Promise<unknown>;
  /** Syncs that were begun ahead of the seal's; rejected where one failed, and then the segment never is durable. */
  ahead: Promise<void>;
  /** Written since the last of them was asked for. */
  unsynced: number;
}

/**
 * From so many bytes on they are given to the disk while the next batch is packed, for at the checkpoint the source waits: half of a
 * checkpoint's time was the sync of what had gathered, 25 of 50 ms with 16 MB of telemetry. Smaller batches would have the disk at work
 * for each of them.
 */
const syncAheadFrom = 4 * 1024 ** 2;

/**
 * A log in a folder: `epoch-000000012-3.log`, of epoch 12 as generation 3 wrote it: a process that was paused never writes
 * where the next one does. A head, and one frame per batch: a line of JSON, so that the file can be read without the
 * journal, and the gzip member as it will be uploaded.
 */
export async function segmentLog(disk: Disk, folder: string, generation: number): Promise<WriteAheadLog> {
  await writing(folder, "making it", () => disk.makeFolder(folder));
  const open = new Map<number, Segment>();
  /** By the segment's name. */
  const sizes = new Map<string, number>();
  let bytes = 0;

  for (const name of await disk.list(folder)) {
    if (epochIn(name) === undefined) continue;
    const file = await disk.open(join(folder, name));
    resize(name, file.size);
    await file.close();
  }

  function resize(name: string, size: number): void {
    bytes += size - (sizes.get(name) ?? 0);
    sizes.set(name, size);
  }

  async function remove(name: string): Promise<void> {
    const path = join(folder, name);
    await writing(path, "removing it", () => disk.remove(path));
    resize(name, 0);
    sizes.delete(name);
  }

  function segmentOf(epoch: number): Segment {
    const known = open.get(epoch);
    if (known) return known;
    const path = join(folder, segmentName(epoch, generation));
    const file = writing(path, "making it", async () => {
      const made = await disk.open(path);
      await made.truncate(0);
      await made.append([fileHead(kind, formatVersion)]);
      return made;
    });
    const segment: Segment = {
      file,
      last: file.catch(() => {}),
      ahead: Promise.resolve(),
      unsynced: 0,
    };
    open.set(epoch, segment);
    // Whoever tries again begins anew.
    file.catch(() => open.get(epoch) === segment && open.delete(epoch));
    return segment;
  }

  async function write(epoch: number, segment: Segment, batch: SealedBatch): Promise<LoggedBatch> {
    const file = await segment.file;
    const { parts, ...plain } = batch;
    const hash = createHash("sha256");
    await inTurns(parts, (slice) => hash.update(slice));
    const offset = file.size;
    const name = segmentName(epoch, generation);
    const logged: LoggedBatch = { ...plain, epoch, segment: name, offset, sha256: hash.digest("hex") };
    const line = new TextEncoder().encode(`${JSON.stringify(logged)}\n`);
    const path = join(folder, name);
    await writing(path, "writing to it", async () => {
      try {
        await file.append(frame(offset, [line, ...parts]));
      } catch (error) {
        await file.truncate(offset).catch(() => {}); // what was written of it would hide what comes behind
        throw error;
      }
    });
    resize(name, file.size);
    segment.unsynced += file.size - offset;
    syncAhead(segment, file);
    return logged;
  }

  function syncAhead(segment: Segment, file: DiskFile): void {
    if (segment.unsynced < syncAheadFrom) return;
    segment.unsynced = 0;
    // One after another; after one that failed there is none, for the next could succeed and mean nothing.
    segment.ahead = segment.ahead.then(() => file.sync());
    segment.ahead.catch(() => {});
  }

  return {
    get bytes() {
      return bytes;
    },
    async retain(segments) {
      for (const name of [...sizes.keys()]) if (!segments.has(name)) await remove(name);
    },
    async append(epoch, batch) {
      const segment = segmentOf(epoch);
      const written = segment.last.then(() => write(epoch, segment, batch));
      segment.last = written.catch(() => {});
      return written;
    },
    async seal(epoch) {
      const segment = open.get(epoch);
      if (!segment) return;
      await segment.last;
      const path = join(folder, segmentName(epoch, generation));
      await writing(path, "syncing it", async () => {
        await segment.ahead;
        await (await segment.file).sync();
        await disk.syncFolder(folder);
      }).catch((error: MillraceError) => {
        // After a sync that failed nobody knows what is on the disk: to sync again could succeed and mean nothing.
        throw new MillraceError(error.code, error.message, { cause: error.cause, context: error.context });
      });
      open.delete(epoch);
      await (await segment.file).close();
    },
    async read(batch) {
      const path = join(folder, batch.segment);
      // To open it would make it.
      if (!sizes.has(batch.segment)) throw damaged(path, 0, "the file is not there");
      const file = await disk.open(path);
      try {
        const head = await file.readAt(0, headBytes);
        if (versionIn(head, kind) !== formatVersion) throw damaged(path, 0, "it does not begin as a segment does");
        return await packedBytes(file, path, batch);
      } finally {
        await file.close();
      }
    },
    async trim(epoch) {
      for (const name of [...sizes.keys()]) if (epochIn(name) === epoch) await remove(name);
    },
    async close() {
      const closing = [...open].map(async ([epoch, { last, ahead, file }]) => {
        await last;
        await ahead.catch(() => {});
        await (await file).close();
        // Never sealed, so nothing was decided on it, and on a full disk the next opening needs its room.
        await disk.remove(join(folder, segmentName(epoch, generation)));
      });
      await Promise.allSettled(closing);
      open.clear();
    },
  };
}

async function packedBytes(file: DiskFile, path: string, batch: LoggedBatch): Promise<Uint8Array> {
  const head = await file.readAt(batch.offset, frameOverhead);
  const length = head.length < 4 ? 0 : new DataView(head.buffer, head.byteOffset).getUint32(0, true);
  const bytes = await file.readAt(batch.offset, frameOverhead + Math.min(length, file.size));
  const found = frameAt(bytes, 0, batch.offset);
  if (found.found !== "frame") throw damaged(path, batch.offset, `batch ${batch.id} is not there as it was written`);
  // The frame's CRC is of all its bytes, and the line before the batch says whose they are: to reckon the SHA-256 once more
  // would cost a tenth of the throughput (bench suite `log`).
  const cut = found.payload.indexOf(newline);
  const line: LoggedBatch = JSON.parse(new TextDecoder().decode(found.payload.subarray(0, cut)));
  if (line.sha256 !== batch.sha256) throw damaged(path, batch.offset, `it holds another batch than ${batch.id}`);
  return found.payload.subarray(cut + 1);
}

const newline = 10;

export function segmentName(epoch: number, generation: number): string {
  return `epoch-${String(epoch).padStart(9, "0")}-${generation}.log`;
}

export function epochIn(name: string): number | undefined {
  const match = /^epoch-(\d{9,})-\d+\.log$/.exec(name);
  return match ? Number(match[1]) : undefined;
}

export type SegmentFrame =
  | { readonly found: "batch"; readonly batch: LoggedBatch; readonly packed: Uint8Array }
  | { readonly found: "torn" | "damaged"; readonly offset: number };

/** All batches of a segment by its bytes, for those who look; ends with what is torn or damaged, if anything is. */
export function* readSegment(bytes: Uint8Array): Generator<SegmentFrame> {
  const version = versionIn(bytes, kind);
  if (version !== formatVersion) {
    yield { found: bytes.length < headBytes ? "torn" : "damaged", offset: 0 };
    return;
  }
  for (let offset = headBytes; ; ) {
    const found = frameAt(bytes, offset);
    if (found.found === "end") return;
    if (found.found !== "frame") {
      yield { found: found.found, offset };
      return;
    }
    const cut = found.payload.indexOf(newline);
    const batch: LoggedBatch = JSON.parse(new TextDecoder().decode(found.payload.subarray(0, cut)));
    yield { found: "batch", batch, packed: found.payload.subarray(cut + 1) };
    offset = found.end;
  }
}

function damaged(path: string, offset: number, what: string): MillraceError {
  return new MillraceError(
    "STATE_DAMAGED",
    `${path}, at byte ${offset}: ${what}. Keep the folder as it is and see \`millrace log inspect\`.`,
    {
      context: { path, offset },
    },
  );
}

/** Does what may fail for want of room or rights, and says so. Room may come: that is tried again. */
export async function writing<T>(path: string, doing: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    const code = String((error as { code?: unknown } | null)?.code ?? "");
    throw new MillraceError("STATE_UNWRITABLE", `${path}: ${doing} failed: ${reasons[code] ?? reasonOf(error)}.`, {
      retryable: code === "ENOSPC" || code === "EDQUOT",
      cause: error,
      context: { path, code },
    });
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  EACCES: "permission denied",
  EPERM: "permission denied",
  ENOTDIR: "it, or a part of its path, is not a folder",
  ENOENT: "the system makes nothing there",
};
