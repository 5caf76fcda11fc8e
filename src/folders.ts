import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/**
 * Makes a folder and those above it, and returns what it made. Not by `mkdir({ recursive: true })`, which turns for ever where a
 * folder is there and the system says ENOENT for one to be made in it, as /proc does (Node 20 to 26).
 */
export async function makeFolders(folder: string, mode = 0o700): Promise<readonly string[]> {
  const missing: string[] = [];
  for (let at = resolve(folder); !(await isFolder(at)); at = dirname(at)) {
    missing.push(at);
    if (at === dirname(at)) break;
  }
  missing.reverse();
  for (const each of missing)
    try {
      await mkdir(each, { mode });
    } catch (error) {
      // Another process may have made it just now.
      if (codeOf(error) !== "EEXIST" || !(await isFolder(each))) throw error;
    }
  return missing;
}

/** False where nothing is there. @throws ENOTDIR where something else is. */
async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  });
  if (found === undefined || found.isDirectory()) return found !== undefined;
  throw Object.assign(new Error(`${path} is no folder`), { code: "ENOTDIR" });
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}
