// The match finder of level 1 for rows: eight bytes, 13 bits of hash, the last place with it.
//
// What was tried for the speed of matches that touch each other (flights NDJSON, birdstrikes: 19 to 50 bytes, some 60 cycles each), and lost:
// whole positions in the entries, which shortens the wait from entry to candidate (flights NDJSON +5 %, flights CSV -7 %, earthquakes -5 %); the
// first 32 bytes compared in four 64-bit words without a branch (-2 to -5 %); a loop of its own for literals (-7 % on average); a table of
// 12 bits, fewer entries per match, and skipping the literal step between adjacent matches (nothing). And for size: 15 bits (-0.4 % of size,
// -8 % of speed); all places of a match entered (-1.9 %, -29 %); a second table of four bytes where the eight miss (birdstrikes 2 % larger).
import { growBackwards } from "./backwards";
import { countLiteral, literalStart, matchesEnd, nextMatch, setMatches, storeMatch } from "./block";
import { checkOf, entryOf, HASH_FACTOR, slotOf } from "./entries";
import { HASHES } from "./hashes";
import { HISTORY, MAX_MATCH, matchLength } from "./match";

/** What a match must have, and what is hashed. */
export const ROWS_MATCH: u32 = 8;
const ROWS_MASK: usize = (4 << 13) - 4;

/** As parseGreedy. */
export function parseSingles(at: usize, stop: usize, end: usize, oldest: usize): usize {
  const full = matchesEnd();
  let match = nextMatch();
  let literals = literalStart;
  while (at < stop) {
    const word = load<u64>(at);
    const product = word * HASH_FACTOR;
    const slot = slotOf(product, ROWS_MASK);
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
        if (length >= ROWS_MATCH) {
          const start = growBackwards(at, distance, max(literals, oldest + distance), length);
          const next = at + length;
          storeMatch(match, <u32>(start - literals), <u32>(next - start), distance);
          match += 8;
          literals = next;
          // The first two and the last two places; one at each end loses 1.2 % and is no faster.
          enterSingle(at + 1);
          enterSingle(at + 2);
          enterSingle(next - 2);
          enterSingle(next - 1);
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

export function enterSingle(at: usize): void {
  const product = load<u64>(at) * HASH_FACTOR;
  store<u32>(slotOf(product, ROWS_MASK), entryOf(at, checkOf(product)), HASHES);
}
