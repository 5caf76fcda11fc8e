import { dirname, join } from "node:path";
import type { Disk } from "../../log/disk.ts";
import { hiddenFolder } from "./file-names.ts";
import { codeOf, onDisk } from "./on-disk.ts";

/** The data folder, and what is hidden in it of one job and table. */
export interface TargetFolder {
  readonly disk: Disk;
  /** Of the data. */
  readonly folder: string;
  /** Files in the making. On the same file system as the data, so that a rename moves them. */
  readonly parts: string;
  readonly claims: string;
}

/** @param job the name of its folder below the hidden one */
export function targetFolderOf(disk: Disk, folder: string, job: string): TargetFolder {
  const own = join(folder, hiddenFolder, job);
  return { disk, folder, parts: join(own, "parts"), claims: join(own, "claims") };
}

/**
 * Makes its folders, durably. All of them are synced, for a process that was killed may have made one and not synced it.
 *
 * @throws MillraceError TARGET_UNWRITABLE where something else is there, or nothing can be made.
 */
export async function makeTargetFolder({ disk, folder, parts, claims }: TargetFolder): Promise<void> {
  const hidden = dirname(dirname(parts));
  for (const each of [folder, parts, claims]) await onDisk(each, "making it", () => disk.makeFolder(each));
  for (const each of [dirname(parts), hidden, folder])
    await onDisk(each, "syncing it", () => disk.syncFolder(each), false);
  // The folder above may be another's, who does not let it be read.
  await disk.syncFolder(dirname(folder)).catch(() => {});
}

/** A file of {@link TargetFolder.parts}, and where it belongs below the data folder; both with `/`. */
export interface Move {
  /** The draft's folder, and its name there. */
  readonly temporary: string;
  readonly name: string;
}

/** A folder that somebody removes while it is filled is made again so often. */
const mostMakings = 10;

/**
 * Gives files their names, durably. One that is no longer in its draft has got its name before, and may have been taken away
 * since: it is not looked for.
 *
 * @param onMoved told of each that was there
 */
export async function publish<M extends Move>(
  target: TargetFolder,
  moves: readonly M[],
  onMoved: (move: M) => void,
): Promise<void> {
  const { disk, folder, parts } = target;
  const drafts = new Set(moves.map(({ temporary }) => dirname(temporary)));
  const there = new Set<string>();
  for (const draft of drafts) for (const name of await filesOf(target, draft)) there.add(name);
  const folders = new Set<string>([folder]);
  for (const move of moves) {
    for (let at = dirname(move.name); at !== "."; at = dirname(at)) folders.add(join(folder, at));
    if (there.has(move.temporary) && (await moved(target, move))) onMoved(move);
  }
  // The deepest first. Whoever takes files away may have removed their folder.
  for (const each of [...folders].sort((a, b) => b.length - a.length))
    await onDisk(each, "syncing it", () => unlessGone(disk.syncFolder(each)), false);
  // Behind them: a power failure in between leaves a file under both names, and never under neither.
  for (const draft of drafts)
    await onDisk(join(parts, draft), "syncing it", () => unlessGone(disk.syncFolder(join(parts, draft))), false);
}

async function moved(target: TargetFolder, { temporary, name }: Move): Promise<boolean> {
  const { disk, folder, parts } = target;
  const to = join(folder, name);
  for (let making = 1; ; making++) {
    if (dirname(name) !== ".") await onDisk(dirname(to), "making it", () => disk.makeFolder(dirname(to)));
    try {
      await disk.rename(join(parts, temporary), to);
      return true;
    } catch (error) {
      // Another process that commits the same epoch was faster.
      if (codeOf(error) === "ENOENT" && !(await filesOf(target, dirname(temporary))).includes(temporary)) return false;
      if (codeOf(error) !== "ENOENT" || making === mostMakings)
        await onDisk(to, `renaming ${temporary} to it`, () => Promise.reject(error));
    }
  }
}

/** The files of a draft that have no names yet, as {@link Move.temporary} has them. */
export async function filesOf({ disk, parts }: TargetFolder, draft: string): Promise<string[]> {
  const folder = join(parts, draft);
  const names = await onDisk(folder, "listing it", () => disk.list(folder));
  return names.map((name) => `${draft}/${name}`);
}

async function unlessGone(act: Promise<void>): Promise<void> {
  try {
    await act;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}
