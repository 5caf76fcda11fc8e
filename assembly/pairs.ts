// The match finder of level 1 for text: six or eight bytes, 14 bits of hash, the last two places with it, and the longer match of theirs.
//
// The second place makes what libdeflate -1 makes, or less: beside one place of 15 bits 1.3 to 2 % less in words, 6 % in birdstrikes, for
// 10 to 14 % of speed. Entering both ends of a match without keeping the older place: no faster, 0.4 % larger. Not looking at the older where the
// newer gives 32 bytes: birdstrikes NDJSON 5 % faster, 3 % larger. One comparison tells that neither fits: 3 % faster than two.
import { growBackwards } from "./backwards";
import { countLiteral, literalStart, matchesEnd, nextMatch, setMatches, storeMatch } from "./block";
import { checkOf, entryOf, HASH_FACTOR, slotOf } from "./entries";
import { HASHES } from "./hashes";
import { HISTORY, MAX_MATCH, matchLength } from "./match";

/** 14 bits of hash; two entries, the newer first. */
const PAIRS_MASK: usize = (8 << 14) - 8;

/** As parseGreedy; `least` bytes, six or eight, are hashed, and each match has them. */
export function parsePairs(at: usize, stop: usize, end: usize, oldest: usize, least: u32): usize {
  const factor = pairFactor(least);
  const full = matchesEnd();
  let match = nextMatch();
  let literals = literalStart;
  while (at < stop) {
    const word = load<u64>(at);
    const product = word * factor;
    const slot = slotOf(product, PAIRS_MASK);
    const check = checkOf(product);
    const newer = load<u32>(slot, HASHES);
    const older = load<u32>(slot, HASHES + 4);
    store<u64>(slot, <u64>entryOf(at, check) | (<u64>newer << 32), HASHES);
    if (min(newer ^ check, older ^ check) <= 0xffff) {
      let distance = (<u32>at - newer) & 0xffff;
      const other = (<u32>at - older) & 0xffff;
      if ((newer ^ check) > 0xffff) distance = other;
      if (distance - 1 < HISTORY && at - distance >= oldest) {
        let length = matchLength(at, at - distance);
        if (other != distance && (older ^ check) <= 0xffff && other - 1 < HISTORY && at - other >= oldest) {
          const otherLength = matchLength(at, at - other);
          // Not for one byte more when it is more than two bits of distance away.
          if (otherLength > length + <u32>(other > 4 * distance)) {
            length = otherLength;
            distance = other;
          }
        }
        if (<u32>(end - at) < MAX_MATCH) length = min(length, <u32>(end - at));
        if (length >= least) {
          const start = growBackwards(at, distance, max(literals, oldest + distance), length);
          const next = at + length;
          storeMatch(match, <u32>(start - literals), <u32>(next - start), distance);
          match += 8;
          literals = next;
          enterPair(at + 1, factor);
          enterPair(at + 2, factor);
          enterPair(next - 2, factor);
          enterPair(next - 1, factor);
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

/** Multiplies away the bytes that are not hashed. */
export function pairFactor(least: u32): u64 {
  return HASH_FACTOR << (64 - 8 * least);
}

export function enterPair(at: usize, factor: u64): void {
  const product = load<u64>(at) * factor;
  const slot = slotOf(product, PAIRS_MASK);
  store<u64>(slot, <u64>entryOf(at, checkOf(product)) | (<u64>load<u32>(slot, HASHES) << 32), HASHES);
}
