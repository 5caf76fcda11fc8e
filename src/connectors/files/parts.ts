import { join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync, gzip, gzipSync } from "node:zlib";
import type { SealedBatch } from "../../batch/sealed-batch.ts";
import type { RefusedRows } from "../../checkpoint/epoch.ts";
import type { RowFormat } from "../../encode/row-format.ts";
import { isCode, MillraceError, throwIfAborted } from "../../errors.ts";
import type { Disk } from "../../log/disk.ts";
import { gunzip } from "../../source/gunzip.ts";
import { codeOf, onDisk } from "./on-disk.ts";
import type { ResolvedFilesOptions } from "./options.ts";
import { type PartFile, partFile } from "./part-file.ts";
import type { RowFolder } from "./partition.ts";
import { rowsIn } from "./rows.ts";

/** What decides on the content of files. */
export interface Layout {
  readonly table: string;
  readonly format: RowFormat;
  readonly options: ResolvedFilesOptions;
  /** The CSV row of the columns' names, with its line end; undefined: none. */
  readonly header: Buffer | undefined;
  readonly folderOf: ((row: Buffer) => RowFolder) | undefined;
}

/** A batch whose bytes are fetched when its turn comes. */
export interface BatchToWrite extends Omit<SealedBatch, "parts"> {
  parts(): Promise<readonly Uint8Array[]>;
}

export interface WrittenPart {
  /** In the folder of the draft. */
  readonly name: string;
  readonly folder: string;
  readonly rows: number;
  readonly bytes: number;
  readonly rawBytes: number;
}

/** Files that are complete, and have no names yet. */
export interface Draft {
  readonly parts: readonly WrittenPart[];
  /** Rows whose folder cannot be named. */
  readonly refused: RefusedRows;
}

/**
 * Writes batches into files of a folder that nobody else uses, and makes them durable. Where it fails, it removes what it made.
 *
 * A folder of its own, for its sync makes renames out of it durable too: a sync in between, for another's sake, could leave a file under
 * neither name when the power fails.
 */
export async function writeDraft(
  disk: Disk,
  draft: string,
  layout: Layout,
  batches: readonly BatchToWrite[],
  signal: AbortSignal,
): Promise<Draft> {
  const made: PartFile[] = [];
  const begin = async (folder: string): Promise<PartFile> => {
    const part = partFile(disk, draft, `${made.length}.part`, folder);
    made.push(part);
    if (layout.header) await part.append([await packed(layout, layout.header)]);
    return part;
  };
  try {
    await onDisk(draft, "making it", () => disk.makeFolder(draft));
    const refused = layout.folderOf
      ? await writeByFolder(layout, layout.folderOf, batches, begin, signal)
      : await writeWhole(layout, batches, begin, signal);
    for (const part of made) await part.rest();
    await onDisk(draft, "syncing it", () => disk.syncFolder(draft), false);
    return {
      parts: made.map(({ name, folder, rows, bytes, rawBytes }) => ({ name, folder, rows, bytes, rawBytes })),
      refused,
    };
  } catch (error) {
    for (const part of made) await part.abandon();
    await removeDraft(disk, draft).catch(() => {});
    // Whoever has claimed the epoch removes the drafts of others. The next attempt sees the claim.
    if (isCode(error, "TARGET_UNWRITABLE") && codeOf(error.cause) === "ENOENT")
      throw new MillraceError(error.code, error.message, {
        retryable: true,
        cause: error.cause,
        context: error.context,
      });
    throw error;
  }
}

/** Removes a draft that nobody will look for. */
export async function removeDraft(disk: Disk, draft: string): Promise<void> {
  for (const name of await disk.list(draft)) await disk.remove(join(draft, name));
  await disk.removeFolder(draft);
}

type Begin = (folder: string) => Promise<PartFile>;

/** Batches as they are: their gzip members one behind the other are a gzip file (RFC 1952, 2.2). */
async function writeWhole(
  { format, options }: Layout,
  batches: readonly BatchToWrite[],
  begin: Begin,
  signal: AbortSignal,
): Promise<RefusedRows> {
  const { compression, maxFileBytes, maxFileRows } = options;
  let part: PartFile | undefined;
  for (const batch of batches) {
    throwIfAborted(signal, `writing a ${format} file`);
    const bytes = compression === "gzip" ? batch.packedBytes : batch.rawBytes;
    if (part && (part.bytes + bytes > maxFileBytes || part.rows + batch.rows > maxFileRows)) {
      await part.rest();
      part = undefined;
    }
    part ??= await begin("");
    const pieces = await batch.parts();
    if (compression === "gzip") await part.append(pieces);
    else for await (const chunk of unpacked(pieces, batch)) await part.append([chunk]);
    part.rows += batch.rows;
    part.rawBytes += batch.rawBytes;
  }
  return {};
}

/** Rows of one folder that wait to be written. */
interface Waiting {
  readonly folder: string;
  rows: Buffer[];
  bytes: number;
  part: PartFile | undefined;
}

/** Unpacked bytes of one folder that are packed as one gzip member. */
const memberBytes = 256 * 1024;
/** Unpacked bytes of all folders that wait. */
const mostWaiting = 64 * 1024 ** 2;
/** Files open at once: the usual limit of a process is 1 024. */
const mostOpen = 64;

/** Row by row into the folders that their values name. */
async function writeByFolder(
  layout: Layout,
  folderOf: (row: Buffer) => RowFolder,
  batches: readonly BatchToWrite[],
  begin: Begin,
  signal: AbortSignal,
): Promise<RefusedRows> {
  const { table, format, options } = layout;
  const folders = new Map<string, Waiting>();
  /** In the order of their last use. */
  const open = new Set<PartFile>();
  const refused: Record<string, { row: number; reason: string }[]> = {};
  let waitingBytes = 0;

  async function flush(waiting: Waiting): Promise<void> {
    if (waiting.rows.length === 0) return;
    throwIfAborted(signal, `writing a ${format} file`);
    const rows = Buffer.concat(waiting.rows);
    waiting.part ??= await begin(waiting.folder);
    const { part } = waiting;
    open.delete(part);
    open.add(part);
    await part.append([await packed(layout, rows)]);
    part.rows += waiting.rows.length;
    part.rawBytes += rows.length;
    waitingBytes -= waiting.bytes;
    waiting.rows = [];
    waiting.bytes = 0;
    if (part.bytes >= options.maxFileBytes || part.rows >= options.maxFileRows) await end(waiting, part);
    const [oldest] = open;
    if (open.size > mostOpen && oldest) {
      open.delete(oldest);
      await oldest.rest();
    }
  }

  async function end(waiting: Waiting, part: PartFile): Promise<void> {
    waiting.part = undefined;
    open.delete(part);
    await part.rest();
  }

  function waitingFor(folder: string): Waiting {
    const known = folders.get(folder);
    if (known) return known;
    if (folders.size >= options.maxPartitions) throw tooMany(layout, folder);
    const made: Waiting = { folder, rows: [], bytes: 0, part: undefined };
    folders.set(folder, made);
    return made;
  }

  for (const batch of batches) {
    let row = 0;
    for await (const bytes of rowsIn(unpacked(await batch.parts(), batch), format)) {
      const found = folderOf(bytes);
      if ("reason" in found) {
        refused[batch.id] ??= [];
        refused[batch.id]!.push({ row, reason: found.reason });
      } else {
        const waiting = waitingFor(found.folder);
        waiting.rows.push(bytes);
        waiting.bytes += bytes.length;
        waitingBytes += bytes.length;
        const rows = (waiting.part?.rows ?? 0) + waiting.rows.length;
        if (waiting.bytes >= memberBytes || rows >= options.maxFileRows) await flush(waiting);
        if (waitingBytes >= mostWaiting) for (const each of folders.values()) await flush(each);
      }
      row++;
    }
    if (row !== batch.rows)
      throw new MillraceError(
        "INTERNAL",
        `Table ${table}: batch ${batch.id} has ${row} rows, and should have ${batch.rows}.`,
      );
  }
  for (const each of folders.values()) await flush(each);
  return refused;
}

function tooMany({ table, options }: Layout, folder: string): MillraceError {
  return new MillraceError(
    "INGESTION_FAILED",
    `Table ${table}: the rows between two checkpoints go into more than ${options.maxPartitions} folders; the next would be ${folder}. Partition by fewer values, or raise maxPartitions.`,
    { context: { table, option: "maxPartitions" } },
  );
}

const gzipped = promisify(gzip);
/** The way to another thread and back takes longer than so many bytes. */
const mostSync = 64 * 1024;

/** Level 1, as the sink's own batches by default. */
async function packed({ options }: Layout, bytes: Buffer): Promise<Uint8Array> {
  if (options.compression === "none") return bytes;
  return bytes.length <= mostSync ? gzipSync(bytes, { level: 1 }) : gzipped(bytes, { level: 1 });
}

async function* unpacked(pieces: readonly Uint8Array[], { id, rawBytes }: BatchToWrite): AsyncGenerator<Uint8Array> {
  if (rawBytes <= mostSync) yield gunzipSync(Buffer.concat(pieces));
  else yield* gunzip(inOrder(pieces), `batch ${id}`);
}

async function* inOrder(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}
