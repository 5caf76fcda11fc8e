/**
 * The few things that durability asks of a file system. A port, because what a power failure leaves behind cannot be
 * seen on a real disk by killing a process: the memory twin can forget all that was not synced.
 *
 * Every call may throw the file system's own error, with its `code`.
 */
export interface Disk {
  /** Names of the files and folders in a folder; none where there is no such folder. */
  list(folder: string): Promise<string[]>;
  /** Makes a folder and those above it, and syncs their entries; one that is there is no error. */
  makeFolder(folder: string): Promise<void>;
  /** The whole of a file; undefined where there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Opens for reading and appending, and makes the file where there is none. */
  open(path: string): Promise<DiskFile>;
  /** Makes a file with this content, for the owner's eyes only. False where there is one already. Atomic. */
  createNew(path: string, content: Uint8Array): Promise<boolean>;
  rename(from: string, to: string): Promise<void>;
  /** A file that is not there is no error. */
  remove(path: string): Promise<void>;
  /** Removes an empty folder. One that is not there is no error. */
  removeFolder(folder: string): Promise<void>;
  /** Makes the entries of a folder durable: files made, renamed and removed in it. */
  syncFolder(folder: string): Promise<void>;
}

/** An open file of a {@link Disk}. */
export interface DiskFile {
  readonly size: number;
  /** Behind what is there. When it throws, part of it may have been written. */
  append(pieces: readonly Uint8Array[]): Promise<void>;
  /** Fewer bytes where the file ends before. */
  readAt(offset: number, length: number): Promise<Uint8Array>;
  truncate(size: number): Promise<void>;
  /** Makes the content durable. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
