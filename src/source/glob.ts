import { opendir, stat } from "node:fs/promises";
import { join, sep } from "node:path";

/**
 * The files that match a pattern, sorted: `*` and `?` within a name, `**` over any number of folders, `[a-c]` and
 * `{csv,json}`. Names that begin with a dot are matched by patterns that do. Written by hand: `fs.glob` came with Node 22.
 */
export async function expandGlob(pattern: string): Promise<string[]> {
  const found = new Set<string>();
  for (const plain of expandBraces(pattern)) {
    const isAbsolute = /^[/\\]/.test(plain);
    const parts = plain.split(/[/\\]+/).filter((part) => part !== "" && part !== ".");
    await walk(isAbsolute ? sep : "", parts, found);
  }
  return [...found].sort();
}

export function isGlob(pattern: string): boolean {
  return /[*?[{]/.test(pattern);
}

async function walk(folder: string, parts: readonly string[], found: Set<string>): Promise<void> {
  const [part, ...rest] = parts;
  if (part === undefined) return;
  if (part === "**") {
    await walk(folder, rest, found);
    for (const entry of await entriesOf(folder))
      if (entry.isDirectory() && !entry.name.startsWith(".")) await walk(join(folder, entry.name), parts, found);
    return;
  }
  if (!isGlob(part)) return step(join(folder, part), rest, found);
  const expression = nameExpression(part);
  for (const entry of await entriesOf(folder)) {
    if (!expression.test(entry.name) || (entry.name.startsWith(".") && !part.startsWith("."))) continue;
    await step(join(folder, entry.name), rest, found);
  }
}

async function step(path: string, rest: readonly string[], found: Set<string>): Promise<void> {
  if (rest.length > 0) return walk(path, rest, found);
  if ((await stat(path).catch(() => undefined))?.isFile()) found.add(path);
}

async function entriesOf(folder: string) {
  try {
    const entries = [];
    for await (const entry of await opendir(folder || ".")) entries.push(entry);
    return entries;
  } catch {
    return []; // no folder, or one that may not be read, holds no match
  }
}

function nameExpression(part: string): RegExp {
  const source = part.replace(/\[(!?)([^\]]+)\]|[\s\S]/g, (one, not: string | undefined, set: string | undefined) => {
    if (set !== undefined) return `[${not ? "^" : ""}${set.replace(/[\\\]^]/g, "\\$&")}]`;
    if (one === "*") return ".*";
    return one === "?" ? "." : one.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&");
  });
  return new RegExp(`^${source}$`, "su");
}

function expandBraces(pattern: string): string[] {
  const match = /^(.*?)\{([^{}]*,[^{}]*)\}(.*)$/s.exec(pattern);
  if (!match) return [pattern];
  const [, head = "", choices = "", tail = ""] = match;
  return choices.split(",").flatMap((choice) => expandBraces(head + choice + tail));
}
