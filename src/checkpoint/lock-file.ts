import { randomUUID } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { MillraceError } from "../errors.ts";
import type { Disk } from "../log/disk.ts";
import { writing } from "../log/segments.ts";

/** A lock that survives neither its process nor a reboot. */
export interface LockFile {
  /** Whether the file is still ours. */
  isHeld(): Promise<boolean>;
  release(): Promise<void>;
}

interface Holder {
  readonly id: string;
  readonly pid: number;
  /** When the process began, as the system counts: a pid is given again. Empty where the system does not tell. */
  readonly began: string;
  /** Which start of the machine; empty where the system does not tell. */
  readonly boot: string;
  readonly host: string;
  /** The folder's number in its file system: a copy of the folder has another. Empty where the system does not tell. */
  readonly folder?: string;
}

/**
 * Takes the lock, from a dead holder if need be.
 *
 * @throws MillraceError STATE_IN_USE naming the process that holds it.
 */
export async function takeLock(disk: Disk, path: string): Promise<LockFile> {
  const own: Holder = {
    id: randomUUID(),
    pid: process.pid,
    began: beganOf(process.pid),
    boot: bootId(),
    host: hostname(),
    folder: folderOf(path),
  };
  const content = new TextEncoder().encode(JSON.stringify(own));
  // Bounded: each turn ends with a lock of ours, with somebody else's living one, or with a dead one less.
  for (let turn = 0; turn < 100; turn++) {
    if (await writing(path, "locking", () => disk.createNew(path, content))) return held(disk, path, own);
    const holder = await holderIn(disk, path);
    if (!holder && !(await disk.read(path))) continue; // given back just now
    if (holder && isAlive(holder, path)) throw inUse(path, holder);
    await removeDead(disk, path, holder, content);
  }
  throw new MillraceError("STATE_IN_USE", `${path}: other processes take this state again and again.`, {
    context: { path },
  });
}

/**
 * Removes a dead holder's file. Two processes may find it dead at once, and the slower one must not remove what the quicker
 * one has put in its place: so whoever removes it first makes a file that bears the dead one's id, and looks again.
 */
async function removeDead(disk: Disk, path: string, dead: Holder | undefined, own: Uint8Array): Promise<void> {
  const claim = `${path}.${dead?.id ?? "unreadable"}`;
  if (!(await disk.createNew(claim, own))) {
    const claimant = await holderIn(disk, claim);
    if (claimant && !isAlive(claimant, path)) await disk.remove(claim);
    await new Promise((resolve) => setTimeout(resolve, 5));
    return;
  }
  try {
    if ((await holderIn(disk, path))?.id === dead?.id) await disk.remove(path);
  } finally {
    await disk.remove(claim);
  }
}

function inUse(path: string, { pid, host }: Holder): MillraceError {
  const far =
    host === hostname()
      ? ""
      : ` Processes of another host cannot be seen from here: if that host is gone, or was renamed, remove ${path} and start again.`;
  return new MillraceError("STATE_IN_USE", `${path}: process ${pid} on ${host} has this state open.${far}`, {
    context: { path, pid, host },
  });
}

function held(disk: Disk, path: string, own: Holder): LockFile {
  const isHeld = async () => (await holderIn(disk, path))?.id === own.id;
  return {
    isHeld,
    async release() {
      if (await isHeld()) await disk.remove(path);
    },
  };
}

/** The living process that holds the lock. */
export async function holderOf(disk: Disk, path: string): Promise<number | undefined> {
  const holder = await holderIn(disk, path);
  return holder && isAlive(holder, path) ? holder.pid : undefined;
}

async function holderIn(disk: Disk, path: string): Promise<Holder | undefined> {
  const bytes = await disk.read(path);
  if (!bytes) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Holder;
  } catch {
    return undefined; // not one of ours, or cut by a power failure: nobody alive holds it
  }
}

/**
 * A process on another host, over a shared folder, cannot be seen: it counts as alive. A lock that was copied along with its folder holds
 * nothing: its process has the original open.
 */
function isAlive({ pid, began, boot, host, folder }: Holder, path: string): boolean {
  const here = folderOf(path);
  if (folder && here && folder !== here) return false;
  if (host !== hostname()) return true;
  if (boot !== bootId()) return false;
  if (!exists(pid)) return false;
  return began === beganOf(pid);
}

function folderOf(path: string): string {
  try {
    return String(statSync(dirname(path)).ino || "");
  } catch {
    return "";
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === "EPERM";
  }
}

function bootId(): string {
  return textOf("/proc/sys/kernel/random/boot_id");
}

/** The 22nd field of /proc/PID/stat, counted behind the process's name, which may hold anything. */
function beganOf(pid: number): string {
  const stat = textOf(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
