import type { Disk, DiskFile } from "../../../src/log/disk.ts";
import type { KillPoint } from "./points.ts";

/** Called at each point; does not return where the process is to die. */
export interface Killer {
  /** The next call of `at()` with this point kills. */
  isNext(point: KillPoint): boolean;
  at(point: KillPoint): void;
}

interface FilePoints {
  readonly half: KillPoint;
  readonly written: KillPoint;
  readonly synced: KillPoint;
}

const logPoints: FilePoints = {
  half: "log: half of a batch written",
  written: "log: a batch written",
  synced: "log: synced",
};
const journalPoints: FilePoints = {
  half: "journal: half of a decision written",
  written: "journal: a decision written",
  synced: "journal: a decision synced in one copy",
};
const partPoints: FilePoints = { half: "part half written", written: "part written", synced: "part synced" };

/**
 * The disk of a writer's state.
 *
 * @param full how often it says that it is full
 */
export function killingStateDisk(disk: Disk, killer: Killer, full: number): Disk {
  const room = { full };
  return {
    ...disk,
    async remove(path) {
      await disk.remove(path);
      if (/epoch-/.test(path)) killer.at("segment removed");
    },
    async open(path) {
      const isLog = /epoch-/.test(path);
      return killingFile(await disk.open(path), killer, isLog ? logPoints : journalPoints, isLog ? room : undefined);
    },
  };
}

/** The disk that a folder of files lies on. */
export function killingFolderDisk(disk: Disk, killer: Killer, full: number): Disk {
  const room = { full };
  return {
    ...disk,
    open: async (path) => killingFile(await disk.open(path), killer, partPoints, room),
    async createNew(path, content) {
      const made = await disk.createNew(path, content);
      if (made && path.endsWith("claim-000000001.json")) killer.at("first claim made");
      if (made) killer.at("claim made");
      return made;
    },
    async rename(from, to) {
      await disk.rename(from, to);
      killer.at("part renamed");
    },
    async removeFolder(folder) {
      await disk.removeFolder(folder);
      killer.at("draft removed");
    },
  };
}

function killingFile(
  file: DiskFile,
  killer: Killer,
  { half, written, synced }: FilePoints,
  room: { full: number } | undefined,
): DiskFile {
  return {
    get size() {
      return file.size;
    },
    async append(pieces) {
      if (room && room.full-- > 0) throw Object.assign(new Error("ENOSPC: as asked for"), { code: "ENOSPC" });
      if (killer.isNext(half)) {
        const whole = Buffer.concat(pieces);
        await file.append([whole.subarray(0, whole.length >> 1)]);
      } else await file.append(pieces);
      killer.at(half);
      killer.at(written);
    },
    readAt: (offset, length) => file.readAt(offset, length),
    truncate: (size) => file.truncate(size),
    async sync() {
      await file.sync();
      killer.at(synced);
    },
    close: () => file.close(),
  };
}
