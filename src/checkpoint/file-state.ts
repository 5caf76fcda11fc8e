import { join } from "node:path";
import { MillraceError } from "../errors.ts";
import type { Disk } from "../log/disk.ts";
import { memoryDisk } from "../log/memory-disk.ts";
import { nodeDisk } from "../log/node-disk.ts";
import { segmentLog, writing } from "../log/segments.ts";
import { epochOfKey } from "./epoch.ts";
import { openJournal } from "./journal.ts";
import { takeLock } from "./lock-file.ts";
import type { StateBackend, StateLease } from "./state-backend.ts";

/**
 * A job's state in a folder of this machine: `journal`, what was decided; `log/`, the batches on their way; `lock`. One
 * folder per job and table. It holds the data and no secret, and is for its owner's eyes only. The folder must lie on a
 * file system whose fsync is honest; a shared one (NFS) keeps no process of another host out.
 */
export function fileState(folder: string): StateBackend {
  return stateOn(nodeDisk, folder);
}

/** The same in memory: it ends with the process, and a sink on it gives its guarantee only while the process lives. */
export function memoryState(): StateBackend {
  return stateOn(memoryDisk(), "memory");
}

const generationKey = "generation";

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

async function leaseOf(disk: Disk, folder: string, lock: Awaited<ReturnType<typeof takeLock>>): Promise<StateLease> {
  const path = join(folder, "journal");
  const journal = await openJournal(disk, folder, path);
  const entry = journal.entries.get(generationKey);
  const generation = Number(entry?.value ?? 0) + 1;
  await journal.write([{ key: generationKey, expected: entry?.version ?? 0, value: generation }]);
  const kept = new Set([...journal.entries.keys()].map(epochOfKey));
  const log = await segmentLog(disk, join(folder, "log"), (epoch) => kept.has(epoch));
  return {
    generation,
    read: () => journal.entries,
    async compareAndSet(changes) {
      // Of this machine's processes only one can hold the lock; this finds a second machine, or somebody who removed it.
      if (!(await lock.isHeld()))
        throw new MillraceError(
          "STATE_FENCED",
          `${folder} was taken over by another process; generation ${generation} ends.`,
          {
            context: { folder, generation },
          },
        );
      await journal.write(changes);
    },
    log,
    async close() {
      await log.close();
      await journal.close();
      await lock.release();
    },
  };
}
