// UTF-8 counted in UTF-16 units, which is how the tape gives the length of a text.

/**
 * The number of bytes that `units` UTF-16 units take from `at` on. The text is well-formed and the count does not end
 * within a surrogate pair: the packer saw to both.
 *
 * A character is as many units as it has lead bytes, and one more where it has four bytes; so a block of 16 bytes holds
 * 16 - continuations + four-byte leads. A block is taken whole while it cannot hold more units than are left.
 */
export function bytesOfUnits(at: usize, units: usize): usize {
  const start = at;
  while (units >= 16) {
    const block = v128.load(at);
    const high = i8x16.bitmask(block);
    if (high == 0) {
      at += 16;
      units -= 16;
      continue;
    }
    // As signed bytes continuations (0x80-0xbf) are those below -64; leads of four bytes are 0xf0 and above.
    const continuations = i8x16.bitmask(i8x16.lt_s(block, i8x16.splat(-64)));
    const fours = i8x16.bitmask(i8x16.ge_u(block, i8x16.splat(<i8>0xf0)));
    at += 16;
    units -= 16 - popcnt(continuations) + popcnt(fours);
  }
  while (units > 0) {
    const byte = load<u8>(at++);
    units -= <usize>((byte & 0xc0) != 0x80) + <usize>(byte >= 0xf0);
  }
  // The last character's continuations, of which the loops may have left some behind.
  while ((load<u8>(at) & 0xc0) == 0x80) at++;
  return at - start;
}

/** Is the character at `at` one that readers may trim: white space as JavaScript's \s has it, U+0085, or a control? */
export function startsWithSpace(at: usize, bytes: usize): bool {
  const first = load<u8>(at);
  if (first <= 0x20) return true;
  if (first < 0xc2) return false;
  return (first == 0xc2 && isWideSpace2(load<u8>(at, 1))) || (bytes >= 3 && isWideSpace3(first, load<u8>(at, 1), load<u8>(at, 2)));
}

/** The same for the character that ends before `end`. */
export function endsWithSpace(end: usize, bytes: usize): bool {
  const last = load<u8>(end - 1);
  if (last <= 0x20) return true;
  if (last < 0x80 || bytes < 2) return false;
  const second = load<u8>(end - 2);
  return (second == 0xc2 && isWideSpace2(last)) || (bytes >= 3 && isWideSpace3(load<u8>(end - 3), second, last));
}

/** U+0085 and U+00A0. */
function isWideSpace2(second: u8): bool {
  return second == 0x85 || second == 0xa0;
}

/** U+1680, U+2000-200A, U+2028, U+2029, U+202F, U+205F, U+3000, U+FEFF. */
function isWideSpace3(first: u8, second: u8, third: u8): bool {
  if (first == 0xe2 && second == 0x80) return third <= 0x8a || third == 0xa8 || third == 0xa9 || third == 0xaf;
  return (
    (first == 0xe1 && second == 0x9a && third == 0x80) ||
    (first == 0xe2 && second == 0x81 && third == 0x9f) ||
    (first == 0xe3 && second == 0x80 && third == 0x80) ||
    (first == 0xef && second == 0xbb && third == 0xbf)
  );
}
