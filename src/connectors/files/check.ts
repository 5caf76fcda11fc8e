import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { CheckContext, CheckItem } from "../../destination/destination.ts";
import { MillraceError, reasonOf } from "../../errors.ts";
import type { Disk } from "../../log/disk.ts";
import { tableOf } from "../../schema/table.ts";
import { hiddenFolder } from "./file-names.ts";
import { layoutOf } from "./layout.ts";
import { onDisk } from "./on-disk.ts";
import type { ResolvedFilesOptions } from "./options.ts";

/** Could a sink work there: can a file be made, renamed and removed, and does `partitionBy` fit the table? */
export async function* checkFolder(
  disk: Disk,
  folder: string,
  options: ResolvedFilesOptions,
  { table, columns, format }: CheckContext,
): AsyncGenerator<CheckItem> {
  yield await item("folder", `${folder} can be written.`, () => writeAndRemove(disk, folder));
  if (columns && options.partitionBy.length > 0)
    yield await item("partitions", `Table ${table} has the columns that folders are named by.`, async () => {
      layoutOf(tableOf(table, columns), format, options);
    });
}

async function item(name: string, message: string, act: () => Promise<void>): Promise<CheckItem> {
  try {
    await act();
    return { name, status: "ok", message };
  } catch (error) {
    const { code, retryable } =
      error instanceof MillraceError ? error : { code: "INTERNAL" as const, retryable: false };
    return { name, status: "failed", message: reasonOf(error), code, retryable };
  }
}

/** As a commit does it: a file is made, and gets another name in the folder of the data. */
async function writeAndRemove(disk: Disk, folder: string): Promise<void> {
  const hidden = join(folder, hiddenFolder);
  await onDisk(hidden, "making it", () => disk.makeFolder(hidden));
  const probe = `.check-${randomUUID()}`;
  const [from, to] = [join(hidden, probe), join(folder, probe)];
  await onDisk(from, "making it", () => disk.createNew(from, new Uint8Array()));
  try {
    await onDisk(to, "renaming a file to it", () => disk.rename(from, to));
    await onDisk(folder, "syncing it", () => disk.syncFolder(folder));
  } finally {
    for (const path of [from, to]) await disk.remove(path).catch(() => {});
  }
}
