// The match finder of level 2: chains of all earlier places with the same five or six bytes, walked to a bounded depth, and lazy
// evaluation: a match waits for the one that begins a byte later, and gives way to it when that is better.
//
// A match must save bits by an estimate from the bits that a literal took in the block before. Hashed are as many bytes as a match must have for
// that: six among digits, five else. Four gains 0.4 % on movies CSV and 0.1 % on prose, and loses 0.8 % on random words; six on text loses 5 %.
//
// Against node:zlib level 6: size 1.7 % less on average (prose 0.9 % more, movies CSV 0.7, flights NDJSON 0.7, logs 0.5; all else less, telemetry CSV by 6 %),
// speed 1.15 times on average, 0.8 to 2.2. The time is in walking: a dependent load a step. Shallow searches are fast and lose what
// level 6 is for: 12 deep, twice as fast as zlib and 2.4 % larger, logs 17 %. Ending the search at a match of 24 or 40: 5 % faster, 0.5 % larger.
import { addMatch, countLiteral, isFull, literalCount, literalExcess } from "./block";
import { HASHES, HASHES_BYTES } from "./hashes";
import { MAX_MATCH, matchLength } from "./match";

const HISTORY: u32 = 32768;
/** 16 bits are a tenth faster on random words and numbers, equal on rows that repeat, and 64 KiB more for every instance. */
const HASH_BITS: i32 = 15;
const HASH_FACTOR: u64 = 0x9e3779b185ebca87;
/** Lower 16 bits of the last place with a hash; as in the greedy finder, a stale one is told by its bytes or its distance. */
const HEADS: usize = HASHES;
/** The same of the place before, for each place of the last 32 KiB. */
const BEFORE: usize = HASHES + 65536;

/**
 * Candidates looked at. Deep pays on rows that repeat much (logs: 12 -> ratio 5.59, 24 -> 5.98, 64 -> 6.49; zlib level 6 has 6.52); among digits it
 * does not (telemetry CSV: 12 -> 2.98 at 49 MB/s, 48 -> 3.07 at 32; zlib 2.83), since what is found is hardly longer and hardly nearer.
 */
const DEEP: i32 = 64;
const SHALLOW: i32 = 12;
/** A better match than one as long as this is looked for an eighth as deep, than a shorter one a quarter. */
const DEEP_GOOD: u32 = 32;
const SHALLOW_GOOD: u32 = 8;
/** A match as long as this is taken at once. */
const DEEP_NICE: u32 = 128;
const SHALLOW_NICE: u32 = 32;
/** How often a match may give way in a row: what keeps the parser within its lookahead. */
export const MAX_DEFERRALS: i32 = 16;
/** Bits of a match's codes and of rounding, without its distance's extra bits. */
const MATCH_COST: u32 = 8;
/** Bits of a distance like most. */
const FAR: u32 = 12;

/** Bytes that are hashed, and the shortest match. */
let leastMatch: u32 = 5;
/** Multiplies away the bytes that are not hashed. */
let factor: u64 = HASH_FACTOR << 24;
let depth: i32 = DEEP;
let good: u32 = DEEP_GOOD;
let nice: u32 = DEEP_NICE;
/** What a literal costs, in sixteenths of a bit. */
let literalCost: u32 = 80;
let bestLength: u32 = 0;
let bestDistance: u32 = 0;

export function resetChains(): void {
  memory.fill(HASHES, 0, HASHES_BYTES);
  literalCost = 80;
  chooseLeast(5);
}

/** Takes the cost of a literal from the block last written or measured, and chooses by it which matches are looked for behind `at`. */
export function adaptChains(at: usize, oldest: usize): void {
  const count = literalCount();
  if (count == 0) return;
  literalCost = <u32>(64 + <i32>(<i64>literalExcess() * 16 / count));
  let least: u32 = 5;
  while (least < 6 && least * literalCost <= 16 * (MATCH_COST + FAR)) least++;
  if (least == leastMatch) return;
  chooseLeast(least);
  for (let place = max(oldest, at - HISTORY); place < at; place++) enter(place);
}

function chooseLeast(least: u32): void {
  leastMatch = least;
  factor = HASH_FACTOR << (64 - 8 * least);
  const isShallow = least == 6;
  depth = isShallow ? SHALLOW : DEEP;
  good = isShallow ? SHALLOW_GOOD : DEEP_GOOD;
  nice = isShallow ? SHALLOW_NICE : DEEP_NICE;
}

/** As parseGreedy. There is one call of search, so that it is compiled into the loop: two calls were 3 % slower. */
export function parseChains(at: usize, stop: usize, end: usize, oldest: usize): usize {
  // The match that waits, if length is not 0, for what begins at `at`.
  let start: usize = 0;
  let length: u32 = 0;
  let distance: u32 = 0;
  let deferrals = 0;
  while (length != 0 || at < stop) {
    const most = length == 0 ? depth : length < good ? depth >> 2 : depth >> 3;
    search(at, end, oldest, length == 0 ? leastMatch - 1 : length - 1, most);
    at++;
    let waits = false;
    if (length == 0) {
      if (bestLength == 0 || !pays(bestLength, bestDistance)) {
        countLiteral(load<u8>(at - 1));
        continue;
      }
      deferrals = 0;
      waits = true;
    } else if (bestLength != 0 && isBetter(bestLength, bestDistance, length, distance)) {
      countLiteral(load<u8>(start));
      deferrals++;
      waits = true;
    }
    if (waits) {
      start = at - 1;
      length = bestLength;
      distance = bestDistance;
      if (length < nice && deferrals < MAX_DEFERRALS) continue;
    }
    addMatch(start, length, distance);
    const next = start + length;
    for (; at < next; at++) enter(at);
    if (isFull()) break;
    length = 0;
  }
  return at;
}

/** Whether a match is cheaper than its literals. */
function pays(length: u32, distance: u32): bool {
  return length * literalCost > 16 * (MATCH_COST + (31 - clz(distance)));
}

/** Whether a match is worth one literal more: four units a byte, one for each bit of distance. */
function isBetter(length: u32, distance: u32, oldLength: u32, oldDistance: u32): bool {
  return 4 * <i32>(length - oldLength) + <i32>clz(distance) - <i32>clz(oldDistance) > 2;
}

/** Leaves the longest match longer than `longerThan` in bestLength, the nearest of its length, and bestDistance; enters `at`. */
function search(at: usize, end: usize, oldest: usize, longerThan: u32, most: i32): void {
  let entry = enter(at);
  bestLength = 0;
  let length = longerThan;
  const limit = min(<u32>(end - at), MAX_MATCH);
  if (length >= limit) return;
  const enough = min(limit, nice);
  const farthest = min(HISTORY, <u32>(at - oldest));
  let reached: u32 = 0;
  let tail = load<u32>(at + length - 3);
  do {
    const distance = (<u32>at - entry) & 0xffff;
    // Distances grow along a chain; where they do not, it has been overwritten.
    if (distance <= reached || distance > farthest) return;
    reached = distance;
    const candidate = at - distance;
    if (load<u32>(candidate + length - 3) == tail) {
      const found = min(matchLength(at, candidate), limit);
      if (found > length) {
        length = found;
        bestLength = found;
        bestDistance = distance;
        if (found >= enough) return;
        tail = load<u32>(at + length - 3);
      }
    }
    entry = <u32>load<u16>(BEFORE + ((candidate & 0x7fff) << 1));
  } while (--most > 0);
}

/** Makes `at` the last place with its hash, and returns the one that was. */
function enter(at: usize): u32 {
  const head = HEADS + headOf(at);
  const before = <u32>load<u16>(head);
  store<u16>(BEFORE + ((at & 0x7fff) << 1), before);
  store<u16>(head, <u32>at);
  return before;
}

function headOf(at: usize): usize {
  return <usize>((load<u64>(at) * factor) >> (64 - HASH_BITS)) << 1;
}
