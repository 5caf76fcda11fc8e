import { gunzipSync } from "node:zlib";
import { filesOn } from "../../../src/connectors/files/index.ts";
import type { FilesDestinationOptions } from "../../../src/connectors/files/options.ts";
import type { Disk } from "../../../src/log/disk.ts";
import { memoryDisk } from "../../../src/log/memory-disk.ts";
import type { MakeTarget } from "./target.ts";
import { torn } from "./torn.ts";

const folder = "data";

/**
 * A folder that all writers share, zombies and copies among them. Each opening packs and cuts its files in another way, for options may
 * change between two starts; in some trials each record has a folder of its own.
 */
export const filesTarget: MakeTarget = (random, time) => {
  let disk = memoryDisk(new Map(), () => time.sleep(random() * 15));
  const isPartitioned = random() < 0.3;
  const mostClaims = 2 + Math.floor(random() * 5);
  /** Of every record and every bad one, to find the folders again. */
  const folders = new Set<string>([folder]);

  function options(): FilesDestinationOptions {
    return {
      compression: random() < 0.5 ? "gzip" : "none",
      header: random() < 0.5,
      maxFileBytes: 1 + Math.floor(random() * 200),
      maxFileRows: 1 + Math.floor(random() * 20),
      partitionBy: isPartitioned ? ["text"] : [],
    };
  }

  return {
    delivery: "files",
    isLate: true,
    // A folder's name holds no more than 255 bytes.
    badRecord: (number) => `r${number} ${"long ".repeat(60)}`,
    open(context, killed) {
      const bounds = { clock: time, mostClaims, drawToken: () => Math.floor(random() * 2 ** 48).toString(16) };
      const watched = seeing(dyingWith(disk, killed), (path) => folders.add(path.slice(0, path.lastIndexOf("/"))));
      return filesOn(watched, folder, options(), bounds).openEpochs!(context);
    },
    powerLoss() {
      disk = disk.powerLoss((tail, at) => torn(tail, at, random));
    },
    work() {},
    async counts() {
      const counts = new Map<string, number>();
      for (const each of folders)
        for (const name of await disk.list(each)) {
          if (!name.startsWith("T-job-")) continue; // a folder
          const bytes = (await disk.read(`${each}/${name}`))!;
          const text = (name.endsWith(".gz") ? gunzipSync(bytes) : Buffer.from(bytes)).toString("utf8");
          for (const row of text.split("\n")) {
            if (row === "" || row === "text") continue;
            counts.set(row, (counts.get(row) ?? 0) + 1);
          }
        }
      return counts;
    },
  };
};

/** The disk as a process sees it: nothing that it begins behind its end has an effect. */
function dyingWith(disk: Disk, killed: AbortSignal): Disk {
  const alive = () => {
    if (killed.aborted) throw Object.assign(new Error("the process is dead"), { code: "EIO" });
  };
  const guarded =
    <A extends unknown[], R>(act: (...given: A) => Promise<R>) =>
    async (...given: A) => {
      alive();
      return act(...given);
    };
  return {
    list: guarded(disk.list),
    makeFolder: guarded(disk.makeFolder),
    read: guarded(disk.read),
    open: guarded(disk.open),
    createNew: guarded(disk.createNew),
    rename: guarded(disk.rename),
    remove: guarded(disk.remove),
    removeFolder: guarded(disk.removeFolder),
    syncFolder: guarded(disk.syncFolder),
  };
}

/** Tells of what is given a name outside of the hidden folder. */
function seeing(disk: Disk, onNamed: (path: string) => void): Disk {
  return {
    ...disk,
    async rename(from, to) {
      onNamed(to);
      await disk.rename(from, to);
    },
  };
}
