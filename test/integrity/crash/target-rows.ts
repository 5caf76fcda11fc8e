import { readFile } from "node:fs/promises";

/** The ids in the originals of a dead letter, which are CSV rows as they were sent. */
async function lettersIn(path: string): Promise<number[]> {
  try {
    const lines = (await readFile(path, "utf8")).split("\n").filter((line) => line !== "");
    return lines.map((line) => Number.parseInt((JSON.parse(line) as { original: string }).original, 10));
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return [];
    throw error;
  }
}

/** @param paths of the dead letters, one of each machine */
export async function lettersOf(paths: Iterable<string>): Promise<Set<number>> {
  const letters = new Set<number>();
  for (const path of paths) for (const id of await lettersIn(path)) letters.add(id);
  return letters;
}

/** Of a source whose ids are 0 to `total - 1`: the ids that are nowhere, and those that are there more than once. */
export function compared(counts: ReadonlyMap<number, number>, letters: ReadonlySet<number>, total: number) {
  const ids = Array.from({ length: total }, (_, id) => id);
  return {
    lost: ids.filter((id) => !counts.has(id) && !letters.has(id)),
    duplicated: ids.filter((id) => (counts.get(id) ?? 0) > 1 || (counts.has(id) && letters.has(id))),
  };
}

/** Ids in ascending order as ranges: `0-4, 9`. */
export function rangesOf(ids: readonly number[]): string {
  const ranges: { from: number; to: number }[] = [];
  for (const id of [...ids].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && id === last.to + 1) last.to = id;
    else ranges.push({ from: id, to: id });
  }
  return ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(", ");
}
