// The parser of level 1: greedy, in one of three modes. Each block chooses its mode by the cost of the literals before it.
//
// Deflate allows matches from three bytes, and zlib takes them. In rows a short match far back costs more bits (length 7, distance 5 + 13)
// than the digits that it replaces (3.5 each), breaks up the longer match after it, and adds two mispredicted branches.
//
//   rows       eight bytes, one place per hash: rows made by machines, mostly numbers or whole repetitions
//   text rows  eight bytes, two places: rows that repeat texts, so that their literals cost much
//   words      six bytes, two places: free text, names, random words
//
// docs/performance.md ("Gzip, level 1") has the measurements.
import { literalCount, literalExcess } from "./block";
import { HASHES, HASHES_BYTES } from "./hashes";
import { HISTORY } from "./match";
import { enterPair, pairFactor, parsePairs } from "./pairs";
import { enterSingle, parseSingles, ROWS_MATCH } from "./singles";

/**
 * Bits of literals above four each, per 1000 raw bytes. Parsed as words, rows have -290 to 160 and words 250 to 580; parsed as rows, -600
 * to 180 and 310 to 610. There is room between, so that nothing changes to and fro.
 */
const ROWS_BELOW: i32 = 180;
const WORDS_FROM: i32 = 220;

/**
 * In rows: bits above four of one literal, and of all per 1000 raw bytes, from which on literals are few and dear, and so is each match
 * that could have been longer. Birdstrikes has 2.4 to 2.9 and 38 to 123; flights NDJSON to 3.0 but 29; movies NDJSON 1.7 to 2.1; the others to 1.3.
 */
const DEAR_FROM: i32 = 2;
const DEAR_LITERALS_FROM: i32 = 33;

/** What a match must have in words. */
const WORDS_MATCH: u32 = 6;

let leastMatch: u32 = WORDS_MATCH;
let keepsPairs: bool = true;

export function resetGreedy(): void {
  // Cleared, so that a stream does not depend on the one before it: the same rows give the same bytes.
  memory.fill(HASHES, 0, HASHES_BYTES);
  // Short inputs, which may be one block, have little to match: words find more.
  choose(WORDS_MATCH, true);
}

/**
 * Chooses for what follows `at` by the literals of the last block, `rawBytes` long, or by the beginning of this one. A manner does not know the places of
 * another, so the history is entered anew: else the literals of a block behind a change count against it, and some text rows changed to
 * and fro at every third block, 20 % larger.
 */
export function adaptGreedy(rawBytes: i32, at: usize, oldest: usize): void {
  const excess = <i32>(<i64>literalExcess() * 1000 / max(rawBytes, 1));
  let least = leastMatch;
  if (excess < ROWS_BELOW) least = ROWS_MATCH;
  if (excess >= WORDS_FROM) least = WORDS_MATCH;
  const pairs = least == WORDS_MATCH || (excess >= DEAR_LITERALS_FROM && literalExcess() >= DEAR_FROM * literalCount());
  if (least == leastMatch && pairs == keepsPairs) return;
  choose(least, pairs);
  for (let place = max(oldest, at - HISTORY); place < at; place++) {
    if (pairs) enterPair(place, pairFactor(least));
    else enterSingle(place);
  }
}

function choose(least: u32, pairs: bool): void {
  leastMatch = least;
  keepsPairs = pairs;
}

/**
 * Parses from `at` up to `stop`, or further when the last match reaches over it, but no match reaches over `end` or back
 * behind `oldest`. Ends early when the block is full. Returns where it is.
 */
export function parseGreedy(at: usize, stop: usize, end: usize, oldest: usize): usize {
  return keepsPairs ? parsePairs(at, stop, end, oldest, leastMatch) : parseSingles(at, stop, end, oldest);
}
