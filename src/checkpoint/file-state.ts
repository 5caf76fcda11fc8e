import { join } from "node:path";
import { checkPath } from "../arguments.ts";
import type { Disk } from "../log/disk.ts";
import { memoryDisk } from "../log/memory-disk.ts";
import { nodeDisk } from "../log/node-disk.ts";
import { segmentLog, writing } from "../log/segments.ts";
import type { WriteAheadLog } from "../log/write-ahead-log.ts";
import { segmentsOf } from "./epoch.ts";
import { openJournal } from "./journal.ts";
import { type LockFile, takeLock } from "./lock-file.ts";
import type { StateBackend, StateLease } from "./state-backend.ts";

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
  return {
    name: folder,
    async open() {
      await writing(folder, "making it", () => disk.makeFolder(folder));
      const lock = await takeLock(disk, join(folder, "lock"));
      try {
        return await leaseOf(disk, folder, lock);
      } catch (error) {
        await lock.release().catch(() => {});
        throw error;
      }
    },
  };
}

async function leaseOf(disk: Disk, folder: string, lock: LockFile): Promise<StateLease> {
  const journal = await openJournal(disk, folder, () => lock.isHeld());
  const kept = new Set([...journal.entries].flatMap(([key, { value }]) => segmentsOf(key, value)));
  const log = await segmentLog(disk, join(folder, "log"), journal.generation, (segment) => kept.has(segment));
  return {
    generation: journal.generation,
    read: () => journal.entries,
    compareAndSet: (changes) => journal.write(changes),
    log: untilPassed(log, () => journal.refuseIfPassed()),
    async close() {
      await log.close();
      await journal.close();
      await lock.release();
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
