import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { link, open, readdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolders } from "../folders.ts";
import type { Disk, DiskFile } from "./disk.ts";

/** Who may read what is made, as far as the process's umask allows. */
export interface DiskModes {
  readonly file: number;
  readonly folder: number;
}

/** The machine's own file system. Files and folders that it makes are for their owner only, for they hold the data. */
export const nodeDisk: Disk = nodeDiskFor({ file: 0o600, folder: 0o700 });

/** The same, where others may read the files and folders. */
export function nodeDiskFor(modes: DiskModes): Disk {
  return {
    async list(folder) {
      return (await unlessMissing(readdir(folder))) ?? [];
    },
    async makeFolder(folder) {
      for (const made of await makeFolders(folder, modes.folder)) await syncFolder(dirname(made));
    },
    read: (path) => unlessMissing(readFile(path)),
    async open(path) {
      const file = await open(path, constants.O_RDWR | constants.O_CREAT, modes.file);
      let { size } = await file.stat();
      return {
        get size() {
          return size;
        },
        async append(pieces) {
          for (const piece of pieces)
            for (let from = 0; from < piece.length; ) {
              const { bytesWritten } = await file.write(piece, from, piece.length - from, size);
              from += bytesWritten;
              size += bytesWritten;
            }
        },
        async readAt(offset, length) {
          const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
          for (let filled = 0; filled < bytes.length; ) {
            const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, offset + filled);
            if (bytesRead === 0) return bytes.subarray(0, filled);
            filled += bytesRead;
          }
          return bytes;
        },
        async truncate(to) {
          await file.truncate(to);
          size = to;
        },
        sync: () => file.datasync(),
        close: () => file.close(),
      } satisfies DiskFile;
    },
    async createNew(path, content) {
      // A link, for a file that is created and then written can be seen empty by others.
      const draft = `${path}.${randomUUID()}`;
      try {
        await writeFile(draft, content, { mode: 0o600, flush: true });
        await link(draft, path);
        return true;
      } catch (error) {
        if (codeOf(error) === "EEXIST") return false;
        throw error;
      } finally {
        await rm(draft, { force: true });
      }
    },
    rename,
    remove: (path) => rm(path, { force: true }),
    async removeFolder(folder) {
      await unlessMissing(rmdir(folder));
    },
    syncFolder,
  };
}

async function syncFolder(folder: string): Promise<void> {
  // Windows has no handle of a folder to sync; its file system journals the entries itself.
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function unlessMissing<T>(act: Promise<T>): Promise<T | undefined> {
  try {
    return await act;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}
