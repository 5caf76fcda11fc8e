import { join } from "node:path";
import { badArgument, checkPath } from "../arguments.ts";
import type { Disk } from "../log/disk.ts";
import { memoryDisk } from "../log/memory-disk.ts";
import { nodeDisk } from "../log/node-disk.ts";
import { segmentLog, writing } from "../log/segments.ts";
import type { WriteAheadLog } from "../log/write-ahead-log.ts";
import { openJournal } from "./journal.ts";
import { takeLock } from "./lock-file.ts";
import type { StateBackend, StateStore } from "./state-backend.ts";

/**
 * A job's state in a folder of this machine: `journal-N`, what was decided, a file for each generation; `log/`, the batches on their way; `lock`. One
 * folder per job and table. It holds the data and no secret, and is for its owner's eyes only. The folder must lie on a
 * file system whose fsync is honest; a shared one (NFS) keeps no process of another host out.
 */
export function fileState(folder: string): StateBackend {
  checkPath("fileState()", "folder", folder);
  return stateOn(nodeDisk, folder);
}

/** The same in memory: it ends with the process, and a sink on it gives its guarantee only while the process lives. */
export function memoryState(): StateBackend {
  return stateOn(memoryDisk(), "memory");
}

export function stateOn(disk: Disk, folder: string): StateBackend {
  return besideLog(journalStore(disk, folder), disk, join(folder, "log"));
}

/**
 * A state whose decisions are kept by a store of one's own (a table, a key-value service) and whose batches on their way lie in a folder
 * of this machine: the process that goes on with it needs both.
 */
export function stateIn(store: StateStore, logFolder: string): StateBackend {
  if (typeof store?.open !== "function") throw badArgument("stateIn()", "store", store, "a store with open()");
  checkPath("stateIn()", "logFolder", logFolder);
  const checked: StateStore = {
    name: store.name,
    async open(signal) {
      const lease = await store.open(signal);
      for (const call of ["read", "compareAndSet", "refuseIfPassed", "close"] as const)
        if (typeof lease?.[call] !== "function")
          throw badArgument("stateIn()", `store.open().${call}`, lease?.[call], "a function: see StoreLease");
      if (!Number.isSafeInteger(lease.generation) || lease.generation < 1)
        throw badArgument("stateIn()", "store.open().generation", lease.generation, "a whole number, from 1");
      return lease;
    },
  };
  return besideLog(checked, nodeDisk, logFolder);
}

function besideLog(store: StateStore, disk: Disk, logFolder: string): StateBackend {
  return {
    name: store.name,
    async open(signal) {
      const lease = await store.open(signal);
      try {
        const log = await segmentLog(disk, logFolder, lease.generation);
        return {
          generation: lease.generation,
          read: () => lease.read(),
          compareAndSet: (changes) => lease.compareAndSet(changes),
          log: untilPassed(log, () => lease.refuseIfPassed()),
          async close() {
            await log.close();
            await lease.close();
          },
        };
      } catch (error) {
        await lease.close().catch(() => {});
        throw error;
      }
    },
  };
}

/** Entries in a folder, with a lock beside them. */
function journalStore(disk: Disk, folder: string): StateStore {
  return {
    name: folder,
    async open() {
      await writing(folder, "making it", () => disk.makeFolder(folder));
      const lock = await takeLock(disk, join(folder, "lock"));
      try {
        const journal = await openJournal(disk, folder, () => lock.isHeld());
        return {
          generation: journal.generation,
          read: () => journal.entries,
          compareAndSet: (changes) => journal.write(changes),
          refuseIfPassed: () => journal.refuseIfPassed(),
          async close() {
            await journal.close();
            await lock.release();
          },
        };
      } catch (error) {
        await lock.release().catch(() => {});
        throw error;
      }
    },
  };
}

/**
 * The log of a process that may have been passed by another: it makes no file then, and what it misses because the other one removed it
 * is no damage.
 */
function untilPassed(log: WriteAheadLog, refuseIfPassed: () => Promise<void>): WriteAheadLog {
  /** Epochs whose segment was begun. */
  const begun = new Set<number>();

  async function guarded<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      await refuseIfPassed();
      throw error;
    }
  }

  return {
    get bytes() {
      return log.bytes;
    },
    retain: (segments) => guarded(() => log.retain(segments)),
    async append(epoch, batch) {
      if (!begun.has(epoch)) await refuseIfPassed();
      begun.add(epoch);
      return guarded(() => log.append(epoch, batch));
    },
    seal(epoch) {
      begun.delete(epoch);
      return guarded(() => log.seal(epoch));
    },
    read: (batch) => guarded(() => log.read(batch)),
    trim: (epoch) => guarded(() => log.trim(epoch)),
    close: () => log.close(),
  };
}
