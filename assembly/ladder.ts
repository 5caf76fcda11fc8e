// The match finder of level 2: four hash tables over 5 (or 6), 8, 14 and 32 bytes, and lazy evaluation: a match waits for the one that
// begins a byte later, and gives way to it when that one is better.
//
// Each table keeps the last four places of a hash. The search begins with the longest hash and stops at the first table that knows a longer
// match than the current one. A bucket is one vector, the newest place first, each with a 16-bit check from the same multiplication: one
// load, one comparison and one store for each table, none of which waits for another, and a miss reads no byte of the window.
//
// docs/performance.md ("Gzip, level 2") has the measurements, and what was tried.
import { addMatch, countLiteral, isFull, literalCount, literalExcess, literalStart, uncountLiteral } from "./block";
import { HASHES } from "./hashes";
import { MAX_MATCH, matchLength } from "./match";

const HISTORY: u32 = 32768;
const FACTOR: u64 = 0x9e3779b185ebca87;
const OTHER_FACTOR: u64 = 0xc2b2ae3d27d4eb4f;
const THIRD_FACTOR: u64 = 0xd6e8feb86659fd93;

/** Bytes that the rungs above the lowest hash. */
const LOW: u32 = 8;
const HIGH: u32 = 14;
const TOP: u32 = 32;
/** Buckets of 16 bytes: four times `place << 16 | check`, lower 16 bits of each. A stale one is told by its bytes or its distance. */
const GROUND_BITS: i32 = 13;
const BITS: i32 = 12;
const GROUND_RUNG: usize = HASHES;
const LOW_RUNG: usize = memory.data(16 << 12, 64);
const HIGH_RUNG: usize = memory.data(16 << 12, 64);
const TOP_RUNG: usize = memory.data(16 << 12, 64);
/** The bucket that is looked through. */
const BUCKET: usize = memory.data(16, 16);

/** A match as long as this is taken at once. */
const NICE: u32 = 128;
/** How often a match may give way in a row: what keeps the parser within its lookahead. */
export const MAX_DEFERRALS: i32 = 16;
/** Within a match every second place is entered: 1.15 times as fast, and no larger, since matches grow backwards. Every fourth: 1.1 % larger. */
const ENTRY_STEP: usize = 2;
/** Bits of a match's codes and of rounding, without its distance's extra bits. */
const MATCH_COST: u32 = 8;
/** Bits of a distance like most. */
const FAR: u32 = 12;

/** Bytes that the lowest rung hashes, and the shortest match: as many as must agree to save bits. Six among digits, five else. */
let leastMatch: u32 = 5;
/** Multiplies away the bytes that it does not hash. */
let groundFactor: u64 = FACTOR << 24;
/** What a literal costs, in sixteenths of a bit. */
let literalCost: u32 = 80;
let bestLength: u32 = 0;
let bestDistance: u32 = 0;

/** Products of the place last hashed: index and check of each rung. */
let ground: u64 = 0;
let low: u64 = 0;
let high: u64 = 0;
let top: u64 = 0;

export function resetLadder(): void {
  // Cleared, so that a stream does not depend on the one before it: the same rows give the same bytes.
  memory.fill(GROUND_RUNG, 0, 16 << GROUND_BITS);
  memory.fill(LOW_RUNG, 0, 16 << BITS);
  memory.fill(HIGH_RUNG, 0, 16 << BITS);
  memory.fill(TOP_RUNG, 0, 16 << BITS);
  literalCost = 80;
  chooseLeast(5);
}

/** Takes the cost of a literal from the block last written or measured, and chooses by it which matches are looked for. */
export function adaptLadder(): void {
  const count = literalCount();
  if (count == 0) return;
  literalCost = <u32>(64 + <i32>(<i64>literalExcess() * 16 / count));
  chooseLeast(5 * literalCost <= 16 * (MATCH_COST + FAR) ? 6 : 5);
}

function chooseLeast(least: u32): void {
  leastMatch = least;
  groundFactor = FACTOR << (64 - 8 * least);
}

/** As parseGreedy. There is one call of search, so that it is compiled into the loop. */
export function parseLadder(at: usize, stop: usize, end: usize, oldest: usize): usize {
  // The match that waits, if length is not 0, for what begins at `at`.
  let start: usize = 0;
  let length: u32 = 0;
  let distance: u32 = 0;
  let deferrals = 0;
  while (length != 0 || at < stop) {
    search(at, end, oldest, length == 0 ? leastMatch - 1 : length - 1);
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
      for (; start + 1 < at; start++) countLiteral(load<u8>(start));
      deferrals++;
      waits = true;
    }
    if (waits) {
      start = at - 1;
      length = bestLength;
      distance = bestDistance;
      const least = max(literalStart, oldest + distance);
      // Where it began may not have been entered, or its hash had only later places.
      while (start > least && length < MAX_MATCH) {
        const byte = <u32>load<u8>(start - 1);
        if (byte != load<u8>(start - 1 - distance)) break;
        uncountLiteral(byte);
        start--;
        length++;
      }
      if (length < NICE && deferrals < MAX_DEFERRALS) continue;
    }
    addMatch(start, length, distance);
    const next = start + length;
    for (; at < next; at += ENTRY_STEP) enter(at);
    at = next;
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

/**
 * Leaves a match longer than `longerThan` in bestLength and bestDistance, the longest and nearest that the highest rung with one knows, or
 * 0; enters `at`. A rung is not asked for what the rungs above have denied, nor where it hashed bytes behind the end.
 */
function search(at: usize, end: usize, oldest: usize, longerThan: u32): void {
  hash(at);
  const here = <u32>at << 16;
  const groundPlaces = renew(groundBucket(), here | checkOf(ground));
  const lowPlaces = renew(bucketOf(LOW_RUNG, low), here | checkOf(low));
  const highPlaces = renew(bucketOf(HIGH_RUNG, high), here | checkOf(high));
  const topPlaces = renew(bucketOf(TOP_RUNG, top), here | checkOf(top));
  bestLength = 0;
  const limit = min(<u32>(end - at), MAX_MATCH);
  if (longerThan >= limit) return;
  const farthest = min(HISTORY, <u32>(at - oldest));
  let hits = hitsOf(topPlaces, top);
  if (hits != 0 && limit >= TOP) look(at, topPlaces, hits, longerThan, limit, farthest);
  if (bestLength != 0 || longerThan >= TOP) return;
  hits = hitsOf(highPlaces, high);
  if (hits != 0 && limit >= HIGH) look(at, highPlaces, hits, longerThan, limit, farthest);
  if (bestLength != 0 || longerThan >= HIGH) return;
  hits = hitsOf(lowPlaces, low);
  if (hits != 0 && limit >= LOW) look(at, lowPlaces, hits, longerThan, limit, farthest);
  if (bestLength != 0 || longerThan >= LOW) return;
  hits = hitsOf(groundPlaces, ground);
  if (hits != 0) look(at, groundPlaces, hits, longerThan, limit, farthest);
}

/** Compares the places of a bucket that a bit is set for, the newest first. */
function look(at: usize, places: v128, hits: i32, longerThan: u32, limit: u32, farthest: u32): void {
  v128.store(BUCKET, places);
  let length = longerThan;
  do {
    const place = <u32>load<u16>(BUCKET + (<usize>ctz(hits) << 2), 2);
    hits &= hits - 1;
    const distance = (<u32>at - place) & 0xffff;
    if (distance - 1 >= farthest) continue;
    const candidate = at - distance;
    // What does not agree at the best length so far cannot be longer.
    if (load<u32>(candidate + length - 3) != load<u32>(at + length - 3)) continue;
    const found = min(matchLength(at, candidate), limit);
    if (found <= length) continue;
    length = found;
    bestLength = found;
    bestDistance = distance;
  } while (hits != 0);
}

function enter(at: usize): void {
  hash(at);
  const here = <u32>at << 16;
  renew(groundBucket(), here | checkOf(ground));
  renew(bucketOf(LOW_RUNG, low), here | checkOf(low));
  renew(bucketOf(HIGH_RUNG, high), here | checkOf(high));
  renew(bucketOf(TOP_RUNG, top), here | checkOf(top));
}

function hash(at: usize): void {
  const a = load<u64>(at);
  const b = load<u64>(at, 8);
  ground = a * groundFactor;
  low = a * FACTOR;
  const mixed = low ^ (low >> 29);
  // Shifted, so that six of the second eight bytes count.
  high = (mixed ^ (b << 16)) * OTHER_FACTOR;
  top = (mixed ^ (b * OTHER_FACTOR) ^ (load<u64>(at, 16) * THIRD_FACTOR) ^ load<u64>(at, 24)) * FACTOR;
}

function groundBucket(): usize {
  return GROUND_RUNG + (<usize>(ground >> (64 - GROUND_BITS)) << 4);
}

function bucketOf(rung: usize, product: u64): usize {
  return rung + (<usize>(product >> (64 - BITS)) << 4);
}

/** 16 bits of the product that the index does not hold. */
function checkOf(product: u64): u32 {
  return <u32>(product >> 32) & 0xffff;
}

/** A bit for each place of a bucket whose check fits. */
function hitsOf(places: v128, product: u64): i32 {
  return i32x4.bitmask(i32x4.eq(i32x4.shl(places, 16), i32x4.splat(checkOf(product) << 16)));
}

/** Puts an entry before the others of a bucket, whose oldest goes, and returns what the bucket was. */
function renew(bucket: usize, entry: u32): v128 {
  const places = v128.load(bucket);
  v128.store(bucket, i32x4.replace_lane(v128.shuffle<i32>(places, places, 0, 0, 1, 2), 0, entry));
  return places;
}
