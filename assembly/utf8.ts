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

// What a pair of neighbouring bytes can be wrong in, a bit each. A pair is wrong in what all three look-ups (high and low half
// of the first byte, high half of the second) have in common. After Keiser and Lemire, "Validating UTF-8 In Less Than One
// Instruction Per Byte", 2021.
const TOO_SHORT: u8 = 1; // a lead or continuation is followed by no continuation
const TOO_LONG: u8 = 2; // an ASCII byte is followed by a continuation
const OVERLONG_3: u8 = 4;
const TOO_LARGE: u8 = 8; // above U+10FFFF
const SURROGATE: u8 = 16;
const OVERLONG_2: u8 = 32;
const OVERLONG_4: u8 = 64; // and leads above 0xf4, with a second byte of 0x80-0x8f
const TWO_CONTINUATIONS: u8 = 128; // allowed where a lead stands two or three bytes before: see below
const ANY: u8 = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS; // what the low half of the first byte does not decide

/** Are the bytes well-formed UTF-8 (RFC 3629)? Up to 16 bytes behind them are read and left out of account. */
export function isUtf8(at: usize, end: usize): bool {
  let before = i8x16.splat(0);
  let wrong = i8x16.splat(0);
  for (; at < end; at += 16) {
    let block = v128.load(at);
    const left = end - at;
    // Behind the end all is ASCII, which also shows a last character that lacks bytes.
    if (left < 16) block = v128.and(block, firstBytes(left));
    if (v128.any_true(v128.and(v128.or(block, before), i8x16.splat(<i8>0x80)))) {
      wrong = v128.or(wrong, wrongPairs(block, before));
      if (v128.any_true(wrong)) return false;
    }
    before = block;
  }
  // A character that begins in the last whole block and lacks bytes.
  wrong = wrongPairs(i8x16.splat(0), before);
  return !v128.any_true(wrong);
}

/** Bytes that are all ones, so many, and behind them zeros. */
function firstBytes(count: usize): v128 {
  const numbers = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return i8x16.lt_u(numbers, i8x16.splat(<i8>count));
}

function wrongPairs(block: v128, before: v128): v128 {
  const first = i8x16.shuffle(before, block, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
  const byFirstHigh = v128.swizzle(
    i8x16(
      TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
      TWO_CONTINUATIONS, TWO_CONTINUATIONS, TWO_CONTINUATIONS, TWO_CONTINUATIONS,
      TOO_SHORT | OVERLONG_2, TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE, TOO_SHORT | TOO_LARGE | OVERLONG_4,
    ),
    i8x16.shr_u(first, 4),
  );
  const byFirstLow = v128.swizzle(
    i8x16(
      ANY | OVERLONG_2 | OVERLONG_3 | OVERLONG_4, ANY | OVERLONG_2, ANY, ANY,
      ANY | TOO_LARGE, ANY | TOO_LARGE | OVERLONG_4, ANY | TOO_LARGE | OVERLONG_4, ANY | TOO_LARGE | OVERLONG_4,
      ANY | TOO_LARGE | OVERLONG_4, ANY | TOO_LARGE | OVERLONG_4, ANY | TOO_LARGE | OVERLONG_4, ANY | TOO_LARGE | OVERLONG_4,
      ANY | TOO_LARGE | OVERLONG_4, ANY | TOO_LARGE | OVERLONG_4 | SURROGATE, ANY | TOO_LARGE | OVERLONG_4, ANY | TOO_LARGE | OVERLONG_4,
    ),
    v128.and(first, i8x16.splat(0x0f)),
  );
  const bySecondHigh = v128.swizzle(
    i8x16(
      TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
      TOO_LONG | TWO_CONTINUATIONS | OVERLONG_2 | OVERLONG_3 | OVERLONG_4,
      TOO_LONG | TWO_CONTINUATIONS | OVERLONG_2 | OVERLONG_3 | TOO_LARGE,
      TOO_LONG | TWO_CONTINUATIONS | OVERLONG_2 | SURROGATE | TOO_LARGE,
      TOO_LONG | TWO_CONTINUATIONS | OVERLONG_2 | SURROGATE | TOO_LARGE,
      TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
    ),
    i8x16.shr_u(block, 4),
  );
  const wrong = v128.and(v128.and(byFirstHigh, byFirstLow), bySecondHigh);
  // A second continuation is right two bytes behind a lead of three or four, or three behind a lead of four, and must be there.
  const second = i8x16.shuffle(before, block, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29);
  const third = i8x16.shuffle(before, block, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28);
  const due = v128.or(i8x16.ge_u(second, i8x16.splat(<i8>0xe0)), i8x16.ge_u(third, i8x16.splat(<i8>0xf0)));
  return v128.xor(wrong, v128.and(due, i8x16.splat(<i8>0x80)));
}
