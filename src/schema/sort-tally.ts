/** Sorts of values that an inference tells apart. Values of two sorts make a column a string. */
export const sorts = { number: 0, bool: 1, datetime: 2, guid: 3, precise: 4, text: 5 } as const;

export type Sort = (typeof sorts)[keyof typeof sorts];

/** A value that a note shows. */
export interface FirstValue {
  readonly sample: number;
  readonly value: string;
  readonly place: string | undefined;
}

/** How many values of each sort a column has had, and the first of each. */
export interface Tally {
  readonly counts: number[];
  readonly firsts: (FirstValue | undefined)[];
}

export function emptyTally(): Tally {
  return { counts: [0, 0, 0, 0, 0, 0], firsts: [] };
}

/** More values than these are no exception. */
const mostRare = 20;
/** The others are at least so many times as many. */
const leastOthers = 19;
const longestShown = 60;

/** So many texts that no other value can change what is said of the column: they need not be looked at. */
export function isSurelyText({ counts }: Tally): boolean {
  return counts[sorts.text]! > mostRare;
}

export function noteFirst(
  { firsts }: Tally,
  sort: Sort,
  sample: number,
  value: unknown,
  place: (() => string) | undefined,
): void {
  const text = String(value);
  // Through JSON, for a part of a string keeps all of it in memory.
  const shown: string = JSON.parse(JSON.stringify(text.slice(0, longestShown)));
  firsts[sort] = { sample, value: text.length > longestShown ? `${shown}...` : shown, place: place?.() };
}

/** The sort of all but a few values, and the first of the few. */
export function rareOthers({
  counts,
  firsts,
}: Tally):
  | { readonly sort: Sort; readonly first: FirstValue; readonly count: number; readonly others: number }
  | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  for (const sort of [sorts.number, sorts.bool, sorts.datetime, sorts.guid]) {
    const others = counts[sort]!;
    const count = total - others;
    if (count === 0 || count > mostRare || others <= count * leastOthers) continue;
    const rare = firsts.filter((first, i) => first !== undefined && i !== sort) as FirstValue[];
    const first = rare.reduce((a, b) => (b.sample < a.sample ? b : a));
    return { sort, first, count, others };
  }
  return undefined;
}
