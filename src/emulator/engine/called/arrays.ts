import { longDatetimeText, ticksPerHour, timespanText } from "../../values/ticks.ts";
import type { CalledFunction } from "./called-function.ts";
import { arrayText, canonical, itemsIn, longIn, realIn, textIn } from "./json-values.ts";

const json = (act: CalledFunction["act"]): CalledFunction => ({ gives: "json", act });

/** The items of every argument that is an array; null if none is. */
function allItems(args: readonly string[]): string[][] | null {
  const lists = args.map(itemsIn);
  return lists.some((list) => list === null) ? null : (lists as string[][]);
}

function distinct(items: readonly string[]): string[] {
  const seen = new Set<string>();
  return items.filter((item) => {
    const key = canonical(item);
    return !seen.has(key) && seen.add(key);
  });
}

/** Kusto's index into an array: from the end if it is negative, never outside. */
function place(index: bigint | null, length: number, otherwise: number): number {
  if (index === null) return otherwise;
  const at = index < 0n ? BigInt(length) + index : index;
  if (at < 0n) return 0;
  return at > BigInt(length) ? length : Number(at);
}

function sliced(array: string, from: string, to: string): string | null {
  const items = itemsIn(array);
  if (!items) return null;
  const start = place(longIn(from), items.length, 0);
  // The end is part of the slice.
  const end = longIn(to);
  const past = end === null ? items.length : end < 0n ? items.length + Number(end) + 1 : Number(end) + 1;
  return arrayText(items.slice(start, Math.max(start, past)));
}

function splitAt(array: string, at: string): string | null {
  const items = itemsIn(array);
  if (!items) return null;
  const places = (itemsIn(at) ?? [at]).map((each) => place(longIn(each), items.length, 0));
  const bounds = [0, ...places, items.length];
  return arrayText(bounds.slice(1).map((end, index) => arrayText(items.slice(bounds[index]!, end))));
}

function shifted(array: string, by: string, fill: string | undefined): string | null {
  const items = itemsIn(array);
  const count = longIn(by);
  if (!items || count === null) return null;
  return arrayText(
    items.map((_, index) => items[index + Number(count)] ?? (fill === undefined || fill === "null" ? "null" : fill)),
  );
}

function rotated(array: string, by: string): string | null {
  const items = itemsIn(array);
  const count = longIn(by);
  if (!items || count === null) return null;
  const size = items.length;
  return arrayText(items.map((_, index) => items[(((index + Number(count)) % size) + size) % size]!));
}

/** Which of two values comes first: numbers by size, the rest by text; null is for the caller. */
function order(a: string, b: string): number {
  const [x, y]: [unknown, unknown] = [JSON.parse(a), JSON.parse(b)];
  if (typeof x === "number" && typeof y === "number") {
    if (x !== y) return x - y;
    const [m, n] = [longIn(a), longIn(b)];
    return m !== null && n !== null ? (m < n ? -1 : m > n ? 1 : 0) : 0;
  }
  const [s, t] = [textIn(a), textIn(b)];
  return s < t ? -1 : s > t ? 1 : 0;
}

/**
 * `array_sort_asc(array1, ..., [nullsLast])`: the first array sorted, the others in the same order; one array for each.
 * Arrays of another length than the first become null.
 */
export function sortedArrays(direction: 1 | -1, args: readonly string[]): string[] {
  const last = args.at(-1)!;
  const hasFlag = last === "true" || last === "false";
  const lists = (hasFlag ? args.slice(0, -1) : args).map(itemsIn);
  const first = lists[0];
  if (!first) return lists.map(() => "null");
  const areNullsLast = !hasFlag || last === "true";
  const indexes = first
    .map((_, index) => index)
    .sort((i, j) => {
      const [a, b] = [first[i]!, first[j]!];
      if (a === "null" || b === "null") {
        if (a === b) return i - j;
        return (a === "null") === areNullsLast ? 1 : -1;
      }
      return direction * order(a, b) || i - j;
    });
  return lists.map((list) => (list?.length === first.length ? arrayText(indexes.map((i) => list[i]!)) : "null"));
}

function positionOf(array: string, value: string, from = "null", length = "null", occurrence = "null"): bigint | null {
  const items = itemsIn(array);
  if (!items) return null;
  const start = place(longIn(from), items.length, 0);
  const count = longIn(length);
  const end = count === null || count < 0n ? items.length : Math.min(items.length, start + Number(count));
  let left = Number(longIn(occurrence) ?? 1n);
  const wanted = canonical(value);
  for (let index = start; index < end; index++)
    if (canonical(items[index]!) === wanted && --left === 0) return BigInt(index);
  return -1n;
}

function sum(array: string): number | null {
  const items = itemsIn(array);
  if (!items) return null;
  let total = 0;
  for (const item of items) {
    const value: unknown = JSON.parse(item);
    if (typeof value === "number") total += value;
    else if (value !== null) return null;
  }
  return total;
}

function chosen(conditions: string, yes: string, no: string): string | null {
  const tests = itemsIn(conditions);
  if (!tests) return null;
  const pick = (from: string, index: number) => (itemsIn(from) ? (itemsIn(from)![index] ?? "null") : from);
  return arrayText(
    tests.map((test, index) => {
      if (test !== "true" && test !== "false" && !/^[-\d]/.test(test)) return "null";
      const holds = test === "true" || (test !== "false" && (realIn(test) ?? 0) !== 0);
      return pick(holds ? yes : no, index);
    }),
  );
}

function zipped(args: readonly string[]): string | null {
  const lists = allItems(args);
  if (!lists) return null;
  const longest = Math.max(...lists.map(({ length }) => length));
  return arrayText(
    Array.from({ length: longest }, (_, index) => arrayText(lists.map((list) => list[index] ?? "null"))),
  );
}

function ranged(from: string, to: string, step = "1"): string | null {
  const [a, b, each] = [longIn(from), longIn(to), longIn(step)];
  if (a !== null && b !== null && each !== null && ![from, to, step].some((text) => text.includes("."))) {
    if (each === 0n) return null;
    const items: string[] = [];
    for (let value = a; each > 0n ? value <= b : value >= b; value += each) {
      if (items.length >= mostRanged) break;
      items.push(String(value));
    }
    return arrayText(items);
  }
  const [x, y, z] = [realIn(from), realIn(to), realIn(step)];
  if (x === null || y === null || z === null || z === 0) return null;
  const count = Math.min(mostRanged, Math.floor((y - x) / z) + 1);
  return arrayText(Array.from({ length: Math.max(0, count) }, (_, index) => String(x + index * z)));
}

/** Moments or spans, by their ticks. */
const rangedTicks =
  (written: (ticks: bigint) => string): CalledFunction["act"] =>
  (from, to, step = String(ticksPerHour)) => {
    const items = itemsIn(ranged(from!, to!, step) ?? "null");
    return items && arrayText(items.map((ticks) => JSON.stringify(written(BigInt(ticks)))));
  };

/** "The maximum number of values is 1,048,576" (documentation, "range()"). */
const mostRanged = 1_048_576;

function united(args: readonly string[]): string | null {
  const lists = allItems(args);
  return lists && arrayText(distinct(lists.flat()));
}

function shared(args: readonly string[]): string | null {
  const lists = allItems(args);
  if (!lists) return null;
  const others = lists.slice(1).map((list) => new Set(list.map(canonical)));
  return arrayText(distinct(lists[0]!).filter((item) => others.every((set) => set.has(canonical(item)))));
}

function without(args: readonly string[]): string | null {
  const lists = allItems(args);
  if (!lists) return null;
  const others = new Set(lists.slice(1).flat().map(canonical));
  return arrayText(distinct(lists[0]!).filter((item) => !others.has(canonical(item))));
}

export const arrayFunctions: Readonly<Record<string, CalledFunction>> = {
  array_concat: json((...args) => {
    const lists = args.map((each) => itemsIn(each) ?? []);
    return arrayText(lists.flat());
  }),
  array_iff: json(chosen),
  array_iif: json(chosen),
  array_index_of: { gives: "long", act: positionOf },
  array_reverse: json((array) => {
    const items = itemsIn(array);
    return items && arrayText(items.reverse());
  }),
  array_rotate_left: json(rotated),
  array_rotate_right: json((array, by) => rotated(array, String(-(longIn(by) ?? 0n)))),
  array_shift_left: json(shifted),
  array_shift_right: json((array, by, fill) => shifted(array, String(-(longIn(by) ?? 0n)), fill)),
  array_slice: json(sliced),
  array_sort_asc: json((...args) => arrayText(sortedArrays(1, args))),
  array_sort_desc: json((...args) => arrayText(sortedArrays(-1, args))),
  array_split: json(splitAt),
  array_sum: { gives: "real", act: sum },
  jaccard_index: {
    gives: "real",
    act: (a, b) => {
      const [both, all] = [itemsIn(shared([a!, b!]) ?? "null"), itemsIn(united([a!, b!]) ?? "null")];
      return both && all ? both.length / all.length : null;
    },
  },
  range: json(ranged),
  range_datetime: { gives: "json", takesTicks: true, act: rangedTicks(longDatetimeText) },
  range_timespan: { gives: "json", takesTicks: true, act: rangedTicks(timespanText) },
  repeat: json((value, count) => {
    const times = longIn(count);
    if (times === null) return null;
    return arrayText(Array.from({ length: Math.min(mostRanged, Math.max(0, Number(times))) }, () => value!));
  }),
  set_difference: json((...args) => without(args)),
  set_equals: {
    gives: "bool",
    act: (a, b) => {
      const [left, right] = [itemsIn(a), itemsIn(b)];
      if (!left || !right) return null;
      const [x, y] = [new Set(left.map(canonical)), new Set(right.map(canonical))];
      return x.size === y.size && [...x].every((item) => y.has(item));
    },
  },
  set_has_element: { gives: "bool", act: (array, value) => (positionOf(array!, value!) ?? -1n) >= 0n },
  set_intersect: json((...args) => shared(args)),
  set_union: json((...args) => united(args)),
  zip: json((...args) => zipped(args)),
};
