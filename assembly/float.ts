// Shortest text of a double that reads back to the same double, laid out as JavaScript's String(x) lays it out.
//
// Method: Schubfach (R. Giulietti, "The Schubfach way to render doubles", 2020): scale x by one power of ten 10^-k so that the numbers
// that round to x span at least 1 and less than 10; then the answer is the multiple of 10 in that span if there is one, or else
// the nearest whole number. Chosen over Ryu (larger tables, a loop per digit) and Dragonbox (as many wide multiplications,
// more cases) because WebAssembly has no 64x64->128 multiplication: it is the count of those that costs. The paper multiplies three
// times (x and both bounds). Here the common case multiplies once and decides by distances on the fraction, with the error
// of that product bounded; where the bound leaves doubt, for powers of two and for subnormals, the paper's exact procedure decides.
import { ASCII_ZEROS, divideBy1e8, eightDigits, mulHigh } from "./digits";
import { entryOf, keep, recall } from "./float-cache";
import { writeU64 } from "./int";
import { floorLog2Pow10, powerHigh, powerLow } from "./pow10";

/** Room that must be writable at `out`: 25 characters at most ("-0.0000012345678901234567"), and what whole-word stores may spill. */
export const MAX_F64_TEXT: i32 = 48;

const FRACTION_BITS: i32 = 52;
const SIGN: u64 = 1 << 63;
const HIDDEN_BIT: u64 = 1 << 52;
/** One, as a number with 60 fraction bits: leaves four bits for the whole part, which stays below 16. */
const ONE: u64 = 1 << 60;
/** More than the errors of both sides of a comparison can amount to, in units of 2^-60. */
const DOUBT: u64 = 4;

/** Writes a finite double at `out`; returns the position behind it. -0 is written `-0`, all else as String(x) writes it. */
export function writeF64(out: usize, v: f64): usize {
  const bits = reinterpret<u64>(v);
  if (<i64>bits < 0) store<u8>(out++, 0x2d);
  const magnitude = abs(v);
  // Whole numbers below 2^53 print as integers. The conversion saturates, so a larger one fails the comparison.
  const whole = <u64>magnitude;
  if (whole < <u64>1 << 53 && <f64>whole == magnitude) return writeU64(out, whole);

  const positive = bits & ~SIGN;
  const entry = entryOf(positive);
  if (entry != 0) {
    const known = recall(out, entry, positive);
    if (known != 0) return known;
  }
  const end = writeFraction(out, positive);
  if (entry != 0) keep(entry, positive, out, end);
  return end;
}

/** A positive double that is no whole number below 2^53. */
function writeFraction(out: usize, bits: u64): usize {
  const biased = <i32>(bits >> FRACTION_BITS);
  const fraction = bits & (HIDDEN_BIT - 1);
  if (biased == 0) return writeExact(out, fraction, -1074, false);
  if (fraction == 0) return writeExact(out, HIDDEN_BIT, biased - 1075, biased > 1);
  return writeRegular(out, fraction | HIDDEN_BIT, biased - 1075);
}

/** c * 2^q with 2^52 < c < 2^53: both neighbours are 2^q away. */
function writeRegular(out: usize, c: u64, q: i32): usize {
  const k = floorLog10Pow2(q);
  // y = c * 2^q / 10^k as `whole` + `part` / 2^64. 2^q / 10^k lies in [1, 10), hence shift in [1, 4].
  const shift = q + floorLog2Pow10(-k) + 1;
  const scaled = c << shift;
  const high = powerHigh(-k);
  const productLow = scaled * high;
  const part = productLow + mulHigh(scaled, powerLow(-k));
  const whole = mulHigh(scaled, high) + <u64>(part < productLow);

  // What rounds to x lies within `reach` = 2^(q-1) / 10^k, in [0.5, 5), of y. In units of 2^-60 the distance to the multiple of ten
  // below y is too small by less than 1 and too large by less than 1, `reach` too small by less than 2.
  const reach = high >> (5 - shift);
  const upper = divideBy1e8(whole);
  const lower = whole - upper * 100000000;
  const unit = lower - ((lower * 3435973837) >> 35) * 10;
  const below = (unit << 60) | (part >> 4);
  const above = 10 * ONE - below;
  const doubts = isDoubtful(below, reach) | isDoubtful(above, reach) | isDoubtful(part >> 4, ONE >> 1);
  if (doubts) return writeExact(out, c, q, false);
  // Selected, not branched to: which of the three it is is chance, and a third of the branches would be mispredicted.
  const nearest = part >> 63;
  const addend = select(0 - unit, select(10 - unit, nearest, above < reach), below < reach);
  return writeSum(out, upper, lower + addend, k);
}

function isDoubtful(a: u64, b: u64): i32 {
  return <i32>(a - b + DOUBT <= 2 * DOUBT);
}

/**
 * Schubfach as in the paper, with its names, for c * 2^q. `isNarrow`: c is a power of two with a lower exponent below it, so the
 * lower neighbour is only half as far away as the upper one.
 */
function writeExact(out: usize, c: u64, q: i32, isNarrow: bool): usize {
  const isOdd = c & 1;
  const k = isNarrow ? floorLog10ThreeQuartersPow2(q) : floorLog10Pow2(q);
  const h = q + floorLog2Pow10(-k) + 2;
  const center = c << 2;
  const v = roundToOdd(center << h, -k);
  const left = roundToOdd((center - (isNarrow ? 1 : 2)) << h, -k) + isOdd;
  const right = roundToOdd((center + 2) << h, -k) - isOdd;

  const s = v >> 2;
  if (s >= 10) {
    const tenBelow = (s / 10) * 10;
    const isBelowIn = left <= tenBelow << 2;
    const isAboveIn = (tenBelow + 10) << 2 <= right;
    if (isBelowIn != isAboveIn) return writeNormalized(out, isBelowIn ? tenBelow : tenBelow + 10, k);
  }
  const isBelowIn = left <= s << 2;
  const isAboveIn = (s + 1) << 2 <= right;
  if (isBelowIn != isAboveIn) return writeNormalized(out, isBelowIn ? s : s + 1, k);
  const twiceMiddle = (s << 2) + 2;
  const roundsDown = v < twiceMiddle || (v == twiceMiddle && (s & 1) == 0);
  return writeNormalized(out, roundsDown ? s : s + 1, k);
}

/** floor(cp * g / 2^127) with its last bit set if anything was cut off; g has 126 bits, as the paper's proof wants it. */
function roundToOdd(cp: u64, power: i32): u64 {
  // The entry is floor(..)+1 of 128 bits; (entry - 1) / 4 + 1 is floor(..)+1 of 126 bits; then two halves of 63 bits.
  const low128 = powerLow(power) - 1;
  const high128 = powerHigh(power) - <u64>(low128 == ~<u64>0);
  let g0 = ((low128 >> 2) | ((high128 & 1) << 62)) + 1;
  const g1 = (high128 >> 1) + (g0 >> 63);
  g0 &= 0x7fffffffffffffff;
  const z = ((g1 * cp) >> 1) + mulHigh(g0, cp);
  const w = mulHigh(g1, cp) + (z >> 63);
  return w | (((z & 0x7fffffffffffffff) + 0x7fffffffffffffff) >> 63);
}

/** floor(log10(2^q)) for |q| <= 2620. */
function floorLog10Pow2(q: i32): i32 {
  return (q * 315653) >> 20;
}

/** floor(log10(3/4 * 2^q)) for |q| <= 2620. */
function floorLog10ThreeQuartersPow2(q: i32): i32 {
  return (q * 315653 - 131008) >> 20;
}

/** d * 10^k with d < 10^17: brought to the sixteen or seventeen digits that writeDigits wants. */
function writeNormalized(out: usize, d: u64, k: i32): usize {
  while (d < 1000000000000000) {
    d *= 10;
    k--;
  }
  const upper = divideBy1e8(d);
  return writeDigits(out, upper, d - upper * 100000000, k);
}

/** As writeDigits, where `lower` may have come to 10^8. */
function writeSum(out: usize, upper: u64, lower: u64, k: i32): usize {
  const carries = <u64>(lower >= 100000000);
  return writeDigits(out, upper + carries, lower - carries * 100000000, k);
}

/** (upper * 10^8 + lower) * 10^k: sixteen or seventeen digits, of which trailing zeros are not shown. */
function writeDigits(out: usize, upper: u64, lower: u64, k: i32): usize {
  const first = (upper * 1441151881) >> 57; // upper / 10^8, for upper < 10^10
  const hasFirst = <i32>(first != 0);
  const a = eightDigits(upper - first * 100000000);
  const b = eightDigits(lower);
  const behindFirst = b != 0 ? 16 - (<i32>clz(b) >> 3) : 8 - (<i32>clz(a) >> 3);
  const significant = behindFirst + hasFirst;
  const point = k + 16 + hasFirst; // the value is 0.digits * 10^point
  const asciiA = a | ASCII_ZEROS;
  const asciiB = b | ASCII_ZEROS;

  if (point > 21 || point <= -6) return writeScientific(out, first, asciiA, asciiB, significant, point - 1);
  if (point <= 0) {
    store<u64>(out, 0x3030303030302e30); // 0.000000
    out += 2 - point;
    store<u8>(out, <u8>first + 0x30);
    out += hasFirst;
    store<u64>(out, asciiA);
    store<u64>(out, asciiB, 8);
    return out + behindFirst;
  }
  store<u8>(out, <u8>first + 0x30);
  out += hasFirst;
  const whole = point - hasFirst; // of the sixteen digits, those before the point
  if (significant <= point) {
    store<u64>(out, asciiA);
    store<u64>(out, asciiB, 8);
    store<u64>(out, ASCII_ZEROS, 16);
    return out + whole;
  }
  // All digits one place to the right, then the word in which the point falls once more with the point in it.
  store<u64>(out, asciiA, 1);
  store<u64>(out, asciiB, 9);
  if (whole < 8) {
    store<u64>(out, withPoint(asciiA, whole));
  } else {
    store<u64>(out, asciiA);
    store<u64>(out, withPoint(asciiB, whole - 8), 8);
  }
  return out + behindFirst + 1;
}

/** The first `at` < 8 characters of the word, a point, and the characters that follow. */
function withPoint(word: u64, at: i32): u64 {
  const bits = <u64>at << 3;
  const before = (<u64>1 << bits) - 1;
  return (word & before) | (<u64>0x2e << bits) | ((word & ~before) << 8);
}

/** `d.ddde+x`, and `de+x` where there is but one digit. */
function writeScientific(out: usize, first: u64, a: u64, b: u64, significant: i32, exponent: i32): usize {
  if (first != 0) {
    store<u8>(out, <u8>first + 0x30);
    store<u64>(out, a, 2);
    store<u64>(out, b, 10);
  } else {
    store<u64>(out, a, 1);
    store<u64>(out, b, 9);
    store<u8>(out, <u8>a);
  }
  store<u8>(out, 0x2e, 1);
  out += significant == 1 ? 1 : significant + 1;
  store<u16>(out, exponent < 0 ? 0x2d65 : 0x2b65); // e- or e+
  return writeU64(out + 2, abs(exponent));
}
