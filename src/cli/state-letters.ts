import { existsSync } from "node:fs";
import { join } from "node:path";
import { letterLines } from "./letter-source.ts";
import { replayedLetters } from "./replay-ledger.ts";

/**
 * Where a run with a state keeps its rejected records unless `--dead-letter` names a file. The state remembers that they were read, so
 * without it the next run would find nothing wrong.
 */
export function stateLetters(state: string): string {
  return join(state, "rejected.ndjson");
}

/**
 * How many records of a dead letter were not replayed. A run that was killed may have written a letter twice: it counts once.
 *
 * @throws MillraceError BAD_SOURCE or DEAD_LETTER_FAILED when a file cannot be read
 */
export async function countUnreplayed(deadLetter: string, signal: AbortSignal): Promise<number> {
  if (!existsSync(deadLetter)) return 0;
  const isReplayed = await replayedLetters(deadLetter);
  const left = new Set<string>();
  let unreadable = 0;
  for await (const { records, refused = [] } of letterLines(deadLetter, signal)) {
    unreadable += refused.length;
    for (const { text } of records) if (!isReplayed(text)) left.add(withoutTime(text));
  }
  return left.size + unreadable;
}

/** Of one letter that was written twice all but the time is the same. */
function withoutTime(line: string): string {
  return line.replace(/^\{"time":"[^"]*",/, "{");
}
