import { dirname } from "node:path";
import type { Disk, DiskFile } from "./disk.ts";

/** A file system in memory, for tests and for sinks whose state need not outlive the process. */
export interface MemoryDisk extends Disk {
  /**
   * What a power failure leaves: only what was synced, and of each file's unsynced tail what `kept` says (default nothing; a
   * real disk may have kept any part of it, with holes). The old disk refuses everything from then on.
   */
  powerLoss(kept?: (unsynced: Uint8Array, at: number) => Uint8Array): MemoryDisk;
  /** Another disk with the same files, as `cp -a` makes it. */
  copy(): MemoryDisk;
  /** From now on writing throws this code, such as ENOSPC or EROFS; undefined: it works again. */
  fail(code: string | undefined): void;
}

interface Content {
  bytes: Uint8Array;
  size: number;
  /** As of the last sync. */
  synced: Uint8Array;
}

/** @param pause what every act on the disk waits for first, so that a failure can come between two of them */
export function memoryDisk(
  start: ReadonlyMap<string, Uint8Array> = new Map(),
  pause: () => Promise<void> = async () => {},
): MemoryDisk {
  const files = new Map<string, Content>();
  /** The entries that are durable: a file that was made and whose folder was not synced is gone after a power failure. */
  let durable = new Map<string, Content>();
  for (const [path, bytes] of start) files.set(path, contentOf(bytes));
  durable = new Map(files);
  let isDead = false;
  let failure: string | undefined;

  function alive(isWriting: boolean): void {
    if (isDead) throw Object.assign(new Error("the power is gone"), { code: "EIO" });
    if (isWriting && failure) throw Object.assign(new Error(`${failure}: as asked for`), { code: failure });
  }

  return {
    async list(folder) {
      await pause();
      alive(false);
      const below = [...files.keys()].filter((path) => path.startsWith(`${folder}/`));
      return [...new Set(below.map((path) => path.slice(folder.length + 1).split("/", 1)[0]!))];
    },
    async makeFolder() {
      alive(true);
    },
    async read(path) {
      await pause();
      alive(false);
      const content = files.get(path);
      return content?.bytes.slice(0, content.size);
    },
    async open(path) {
      await pause();
      alive(!files.has(path));
      const content = files.get(path) ?? contentOf(new Uint8Array());
      files.set(path, content);
      return {
        get size() {
          return content.size;
        },
        async append(pieces) {
          await pause();
          for (const piece of pieces) {
            alive(true);
            grow(content, content.size + piece.length);
            content.bytes.set(piece, content.size);
            content.size += piece.length;
          }
        },
        async readAt(offset, length) {
          alive(false);
          return content.bytes.slice(offset, Math.min(offset + length, content.size));
        },
        async truncate(size) {
          await pause();
          alive(true);
          // Beyond the end there are zeros then, as on a real disk.
          grow(content, size);
          content.bytes.fill(0, Math.min(size, content.size), Math.max(size, content.size));
          content.size = size;
        },
        async sync() {
          await pause();
          alive(true);
          content.synced = content.bytes.slice(0, content.size);
        },
        async close() {},
      } satisfies DiskFile;
    },
    async createNew(path, bytes) {
      await pause();
      alive(true);
      if (files.has(path)) return false;
      files.set(path, contentOf(bytes));
      return true;
    },
    async rename(from, to) {
      await pause();
      alive(true);
      const content = files.get(from);
      if (!content) throw Object.assign(new Error(`ENOENT: ${from}`), { code: "ENOENT" });
      files.delete(from);
      files.set(to, content);
    },
    async remove(path) {
      await pause();
      alive(true);
      files.delete(path);
    },
    async removeFolder(folder) {
      alive(true);
      if ([...files.keys()].some((path) => path.startsWith(`${folder}/`)))
        throw Object.assign(new Error(`ENOTEMPTY: ${folder}`), { code: "ENOTEMPTY" });
    },
    async syncFolder(folder) {
      await pause();
      alive(true);
      for (const path of durable.keys()) if (dirname(path) === folder && !files.has(path)) durable.delete(path);
      for (const [path, content] of files) if (dirname(path) === folder) durable.set(path, content);
    },
    copy() {
      alive(false);
      return memoryDisk(new Map([...files].map(([path, { bytes, size }]) => [path, bytes.slice(0, size)])), pause);
    },
    powerLoss(kept = () => new Uint8Array()) {
      isDead = true;
      const left = new Map<string, Uint8Array>();
      for (const [path, { bytes, size, synced }] of durable) {
        const tail = kept(bytes.slice(Math.min(synced.length, size), size), synced.length);
        const whole = new Uint8Array(synced.length + tail.length);
        whole.set(synced);
        whole.set(tail, synced.length);
        left.set(path, whole);
      }
      return memoryDisk(left, pause);
    },
    fail(code) {
      failure = code;
    },
  };
}

function contentOf(bytes: Uint8Array): Content {
  return { bytes: bytes.slice(), size: bytes.length, synced: bytes.slice() };
}

function grow(content: Content, size: number): void {
  if (size <= content.bytes.length) return;
  const larger = new Uint8Array(Math.max(size, content.bytes.length * 2, 256));
  larger.set(content.bytes.subarray(0, content.size));
  content.bytes = larger;
}
