import { MillraceError, reasonOf } from "../errors.ts";

/** What a shell user expects to read. */
export function unreadable(name: string, error: unknown): MillraceError {
  if (error instanceof MillraceError) return error;
  const { code } = error as { code?: unknown };
  const reason = (typeof code === "string" && reasons[code]) || reasonOf(error);
  return new MillraceError("BAD_SOURCE", `Cannot read ${name}: ${reason}.`, { cause: error, context: { file: name } });
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  ELOOP: "its symbolic links go round in a circle",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a directory; name the files in it, such as dir/*.ndjson",
  EMFILE: "too many files are open",
};
