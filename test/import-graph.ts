import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";

/** An import of a file by a file; both paths are relative to the folder that was read. */
export interface Import {
  readonly from: string;
  readonly to: string;
  readonly isType: boolean;
}

/** Every TypeScript file under a folder. */
export function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map((name) => normalize(String(name)))
    .filter((name) => name.endsWith(".ts"));
}

const importPattern =
  /(?:^|\n)\s*(import|export)\s+(type\s+)?([^;'"]*?from\s+)?["'](\.[^"']+)["']|import\(\s*["'](\.[^"']+)["']\s*\)/g;

/** The imports of one file of the folder, of values and of types. */
export function importsOf(folder: string, file: string): Import[] {
  const text = readFileSync(join(folder, file), "utf8");
  return [...text.matchAll(importPattern)].map((match) => {
    const names = match[3] ?? "";
    const braced = /^\{([^}]*)\}\s*from\s+$/s.exec(names.trimStart());
    const everyNameIsType = braced?.[1]
      ?.split(",")
      .filter((name) => name.trim() !== "")
      .every((name) => name.trim().startsWith("type "));
    return {
      from: file,
      to: relative(folder, join(folder, dirname(file), match[4] ?? match[5]!)),
      isType: match[2] !== undefined || everyNameIsType === true,
    };
  });
}

/** The first folder of a path: the room; empty for a file that is directly in the folder that was read. */
export function roomOf(file: string): string {
  return file.includes("/") ? file.slice(0, file.indexOf("/")) : "";
}

type Edge = Pick<Import, "from" | "to">;

/** The circles: groups of files each of which reaches the others by imports, by Tarjan's algorithm. Sorted by name. */
export function circlesOf(imports: readonly Edge[]): string[][] {
  const targets = new Map<string, string[]>();
  for (const { from, to } of imports) {
    if (!targets.has(to)) targets.set(to, []);
    targets.set(from, [...(targets.get(from) ?? []), to]);
  }
  const index = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const circles: string[][] = [];
  const visit = (file: string) => {
    index.set(file, index.size);
    lowest.set(file, index.get(file)!);
    open.push(file);
    for (const target of targets.get(file)!) {
      if (!index.has(target)) visit(target);
      if (open.includes(target)) lowest.set(file, Math.min(lowest.get(file)!, lowest.get(target)!));
    }
    if (lowest.get(file) !== index.get(file)) return;
    const circle = open.splice(open.indexOf(file));
    if (circle.length > 1 || targets.get(file)!.includes(file)) circles.push(circle.sort());
  };
  for (const file of targets.keys()) if (!index.has(file)) visit(file);
  return circles;
}

/** Pairs of rooms that import each other, as `a <> b`. */
export function mutualRooms(imports: readonly Edge[]): string[] {
  const edges = new Set(imports.map(({ from, to }) => `${roomOf(from)} ${roomOf(to)}`));
  return [...edges]
    .map((edge) => edge.split(" ") as [string, string])
    .filter(([a, b]) => a !== "" && a < b && edges.has(`${b} ${a}`))
    .map(([a, b]) => `${a} <> ${b}`)
    .sort();
}
