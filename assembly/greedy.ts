// The match finder of level 1: greedy, one candidate per hash, in one of two manners, chosen anew at each block.
//
// Deflate allows matches from three bytes, and zlib takes them; but in rows a short match far back costs more bits (length 7, distance 5 + 13)
// than the digits it stands for (3.5 each), breaks up the longer match behind it, and is two mispredicted branches.
//
//   rows   eight bytes, 13 bits of hash: machine-made rows, most of it numbers or repeated wholly.
//   words  six bytes, 15 bits of hash: free text, names, random words.
//
// Measured as ratio / MB/s (node:zlib level 1 in the same run), always rows, always words, chosen:
//   telemetry CSV   2.90 / 416   2.89 / 320   2.90 / 444   (zlib 2.64 / 71-108)
//   small ints      2.41 / 397   2.49 / 166   2.41 / 402   (2.27 / 102)
//   flights CSV     4.74 / 397   4.68 / 328   4.74 / 391   (4.33 / 191)
//   logs            5.17 / 453   4.86 / 375   5.17 / 461   (4.82 / 207)
//   movies CSV      2.77 / 370   2.91 / 288   2.91 / 289   (2.86 / 107)
//   random words    1.95 / 331   2.35 / 194   2.35 / 195   (2.27 / 89)
// Five bytes gain 0.8 % on random words and 0.2 % on movies CSV, and lose up to 5 % on everything else; seven lie between six and eight.
// What was tried for the speed of matches that touch each other (flights NDJSON, birdstrikes: 19 to 50 bytes, some 60 cycles each), and lost:
// whole positions in the entries, which shortens the wait from entry to candidate (flights NDJSON +5 %, flights CSV -7 %, earthquakes -5 %); the first
// 32 bytes compared in four 64-bit words without a branch (-2 to -5 %); a loop of its own for literals (-7 % on average); a table of 12 bits,
// fewer entries per match, and skipping the literal step between adjacent matches (nothing).
//
// A hash entry is 16 bits of check above 16 bits of position, the check taken from the same multiplication as the index, so that nearly every miss
// is decided without touching the window, a load that often leaves the first-level cache. 16 bits of position suffice: a
// stale entry names some wrong place, and the bytes there are compared before anything is made of it.
//
// A match grows backwards over the literals before it, since its first bytes may not have been entered: 1.2 % of size
// on rows, and fewer matches.
import { countLiteral, literalExcess, literalStart, matchesEnd, nextMatch, setMatches, storeMatch, uncountLiteral } from "./block";
import { HASHES, HASHES_BYTES } from "./hashes";
import { MAX_MATCH, matchLength } from "./match";

const HISTORY: u32 = 32768;
const HASH_FACTOR: u64 = 0x9e3779b185ebca87;

/**
 * Bits of literals above four each, per 1000 raw bytes. Parsed as words, rows have -290 to 160 and words 250 to 580; parsed as rows, -600
 * to 180 and 310 to 610. To change costs what the hash knows, so there is room between.
 */
const ROWS_BELOW: i32 = 180;
const WORDS_FROM: i32 = 220;

/** What a match must have, and what is hashed. */
let leastMatch: u32 = 6;
/** Multiplies away the bytes that are not hashed: shifted left by what a shift of the word would be. */
let factor: u64 = HASH_FACTOR << 16;
/** Keeps of the index, an offset into HASHES, as many bits as are in use. */
let indexMask: usize = (4 << 15) - 4;

export function resetGreedy(): void {
  // Cleared, so that a stream does not depend on the one before it: the same rows give the same bytes.
  memory.fill(HASHES, 0, HASHES_BYTES);
  // Short inputs, which may be one block, have little to match: words find more.
  chooseWords();
}

/**
 * Chooses for the next block by the literals of the last, `rawBytes` long, or for the rest of a block by its beginning. Entries of the other manner stay in the table: their check does
 * not fit, or their bytes do not.
 */
export function adaptGreedy(rawBytes: i32): void {
  const excess = <i32>(<i64>literalExcess() * 1000 / max(rawBytes, 1));
  if (excess < ROWS_BELOW) chooseRows();
  if (excess >= WORDS_FROM) chooseWords();
}

function chooseWords(): void {
  leastMatch = 6;
  factor = HASH_FACTOR << 16;
  indexMask = (4 << 15) - 4;
}

function chooseRows(): void {
  leastMatch = 8;
  factor = HASH_FACTOR;
  indexMask = (4 << 13) - 4;
}

/**
 * Parses from `at` up to `stop`, or further when the last match reaches over it, but no match reaches over `end` or back
 * behind `oldest`. Ends early when the block is full. Returns where it is.
 */
export function parseGreedy(at: usize, stop: usize, end: usize, oldest: usize): usize {
  const least = leastMatch;
  const by = factor;
  const mask = indexMask;
  const full = matchesEnd();
  let match = nextMatch();
  let literals = literalStart;
  while (at < stop) {
    const word = load<u64>(at);
    const product = word * by;
    const slot = slotOf(product, mask);
    const check = checkOf(product);
    const entry = load<u32>(slot, HASHES);
    store<u32>(slot, entryOf(at, check), HASHES);
    if ((entry ^ check) <= 0xffff) {
      const distance = (<u32>at - entry) & 0xffff;
      const candidate = at - distance;
      if (distance - 1 < HISTORY && candidate >= oldest) {
        let length = matchLength(at, candidate);
        // A branch, not a minimum: the next step waits for the length.
        if (<u32>(end - at) < MAX_MATCH) length = min(length, <u32>(end - at));
        if (length >= least) {
          const start = growBackwards(at, distance, max(literals, oldest + distance), length);
          const next = at + length;
          storeMatch(match, <u32>(start - literals), <u32>(next - start), distance);
          match += 8;
          literals = next;
          enterSome(at + 1, next, by, mask);
          at = next;
          if (match == full) break;
          continue;
        }
      }
    }
    countLiteral(<u32>word & 0xff);
    at++;
  }
  setMatches(match, literals);
  return at;
}

/** Where a match of `length` at `at` can begin, not before `least`; the literals taken in are no longer counted. */
function growBackwards(at: usize, distance: u32, least: usize, length: u32): usize {
  while (at > least && length < MAX_MATCH) {
    const byte = <u32>load<u8>(at - 1);
    if (byte != load<u8>(at - 1 - distance)) break;
    uncountLiteral(byte);
    at--;
    length++;
  }
  return at;
}

/** The entry's offset in HASHES. */
function slotOf(product: u64, mask: usize): usize {
  return <usize>(product >> 47) & mask;
}

/**
 * Enters the first two and the last two positions of a match, [at, end), into the hash. All of them would gain 1 % of size, 5 %
 * on flights CSV, where it is a quarter slower; one at each end loses 1.2 % and is no faster.
 */
function enterSome(at: usize, end: usize, by: u64, mask: usize): void {
  enter(at, by, mask);
  enter(at + 1, by, mask);
  enter(end - 2, by, mask);
  enter(end - 1, by, mask);
}

function enter(at: usize, by: u64, mask: usize): void {
  const product = load<u64>(at) * by;
  store<u32>(slotOf(product, mask), entryOf(at, checkOf(product)), HASHES);
}

/** In its upper half, 16 bits of the product that the index does not hold. */
function checkOf(product: u64): u32 {
  return <u32>(product >> 17) & 0xffff0000;
}

function entryOf(at: usize, check: u32): u32 {
  return check | (<u32>at & 0xffff);
}
