import { MillraceError, reasonOf } from "../../errors.ts";

/**
 * Does what may fail for want of room, rights or a sound disk, and says so by name.
 *
 * @param canRepeat false where nobody knows what a failure left behind: a folder's sync that failed may succeed next time and mean nothing
 * @throws MillraceError TARGET_UNWRITABLE, retryable where the cause may go away by itself.
 */
export async function onDisk<T>(path: string, doing: string, act: () => Promise<T>, canRepeat = true): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    const code = codeOf(error);
    throw new MillraceError("TARGET_UNWRITABLE", `${path}: ${doing} failed: ${reasons[code] ?? reasonOf(error)}.`, {
      retryable: canRepeat && passing.has(code),
      cause: error,
      context: { path, code },
    });
  }
}

export function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code ?? "");
}

/** Room, descriptors or a connection to the storage may come back. */
const passing: ReadonlySet<string> = new Set([
  ...["ENOSPC", "EDQUOT", "EIO", "EMFILE", "ENFILE", "ENOMEM", "EAGAIN", "EBUSY", "EINTR"],
  ...["ESTALE", "ETIMEDOUT", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ECONNRESET"],
]);

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EIO: "the disk reports an error (EIO)",
  EMFILE: "this process has too many open files",
  ENFILE: "the system has too many open files",
  EROFS: "the file system is read-only",
  EACCES: "permission denied",
  EPERM: "permission denied",
  ENOTDIR: "it, or a part of its path, is not a folder",
  EEXIST: "a link that leads nowhere stands there",
  ELOOP: "its links lead in a circle",
  ENOENT: "the system makes nothing there",
  ENAMETOOLONG: "its name is too long for the file system",
  EXDEV: "it lies on another file system than the folder's .millrace",
};
