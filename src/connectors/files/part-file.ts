import { join } from "node:path";
import type { Disk, DiskFile } from "../../log/disk.ts";
import { onDisk } from "./on-disk.ts";

/** A file in the making, under its temporary name. */
export interface PartFile {
  /** Its temporary name, in the folder of the draft. */
  readonly name: string;
  /** Below the data folder: the folder of its partition, or empty. */
  readonly folder: string;
  /** As they lie on the disk. */
  readonly bytes: number;
  rows: number;
  rawBytes: number;
  append(pieces: readonly Uint8Array[]): Promise<void>;
  /** Gives the descriptor back; what is written is durable. The next append opens the file again. */
  rest(): Promise<void>;
  /** Closes it, however far it has come. */
  abandon(): Promise<void>;
}

export function partFile(disk: Disk, draft: string, name: string, folder: string): PartFile {
  const path = join(draft, name);
  let file: DiskFile | undefined;
  let bytes = 0;

  async function close(): Promise<void> {
    const open = file;
    file = undefined;
    await open?.close();
  }

  return {
    name,
    folder,
    rows: 0,
    rawBytes: 0,
    get bytes() {
      return bytes;
    },
    append: (pieces) =>
      onDisk(path, "writing it", async () => {
        file ??= await disk.open(path);
        await file.append(pieces);
        bytes = file.size;
      }),
    // By the descriptor that wrote: another one may not be told of an error in between.
    rest: () =>
      onDisk(path, "syncing it", async () => {
        await file?.sync();
        await close();
      }),
    abandon: () => close().catch(() => {}),
  };
}
