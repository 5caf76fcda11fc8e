import { checkObject } from "./arguments.ts";
import { MillraceError } from "./errors.ts";

/**
 * Refuses options that are not known, naming the nearest that is: a misspelt option that is silently ignored is a
 * guarantee silently not given. So is what is no object.
 *
 * @param elsewhere options of `open()`
 * @throws MillraceError BAD_OPTION
 */
export function refuseUnknownOptions(
  what: string,
  given: object,
  known: readonly string[],
  elsewhere: readonly string[] = [],
): void {
  checkObject(what, "options", given);
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const nearest = nearestName(name, known);
    const hint = elsewhere.includes(name)
      ? ` It is an option of open().`
      : nearest
        ? ` Did you mean ${nearest}?`
        : ` It takes: ${[...known].sort().join(", ")}.`;
    throw new MillraceError("BAD_OPTION", `${what} has no option ${name}.${hint}`, { context: { option: name } });
  }
}

/** The known name at the least edit distance, if that is close enough to be a slip of the keyboard. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Letters to insert, delete or replace. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
