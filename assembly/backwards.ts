// A match may begin before the place at which it was found: its first bytes need not have been entered into the hash. 1.2 % of size
// on rows, and fewer matches.
import { uncountLiteral } from "./block";
import { MAX_MATCH } from "./match";

/** Where a match of `length` at `at` can begin, not before `least`; the literals taken in are no longer counted. */
export function growBackwards(at: usize, distance: u32, least: usize, length: u32): usize {
  while (at > least && length < MAX_MATCH) {
    const byte = <u32>load<u8>(at - 1);
    if (byte != load<u8>(at - 1 - distance)) break;
    uncountLiteral(byte);
    at--;
    length++;
  }
  return at;
}
