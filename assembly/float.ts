// Shortest text of a double that reads back to the same double, laid out as JavaScript's String(x) lays it out.
//
// Method: Schubfach (R. Giulietti, "The Schubfach way to render doubles", 2020): scale x by one power of ten 10^-k so that the numbers
// that round to x span at least 1 and less than 10; then the answer is the multiple of 10 in that span if there is one, or else
// the nearest whole number. Chosen over Ryu (larger tables, a loop per digit) and Dragonbox (as many wide multiplications,
// more cases) because WebAssembly has no 64x64->128 multiplication: it is the count of those that costs. The paper multiplies three
// times (x and both bounds). Here the common case multiplies once and decides by distances on the fraction, with the error
// of that product bounded; where the bound leaves doubt, for powers of two and for subnormals, the paper's exact procedure decides.
import { ASCII_ZEROS, divideBy1e8, mulHigh, sixteenDigits } from "./digits";
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
/** More than the errors of both sides of a comparison can amount to, in units of 2^-60: see writeRegular. */
const DOUBT: u64 = 1 << 23;

/** Writes a finite double at `out`; returns the position behind it. -0 is written `-0`, all else as String(x) writes it. */
export function writeF64(out: usize, v: f64): usize {
  const bits = reinterpret<u64>(v);
  if (<i64>bits < 0) store<u8>(out++, 0x2d);
  const magnitude = abs(v);
  // Whole numbers below 2^53 print as integers. To convert all numbers and look whether they come back took 1 ns more, and 5 with numbers of all sizes.
  if (trunc(magnitude) == magnitude && magnitude < <f64>HIDDEN_BIT * 2) return writeU64(out, <u64><i64>magnitude);

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

/**
 * c * 2^q with 2^52 < c < 2^53: both neighbours are 2^q away.
 *
 * Of the product with the power's lower half only its upper bits are taken, by one multiplication instead of four: with the halves cut
 * to 32 bits it is too small by less than 2^26 + 1 units of 2^-64, which is 2^22 + 1 of 2^-60, and leaves no more to the exact
 * procedure than the ties that it had to decide before.
 */
function writeRegular(out: usize, c: u64, q: i32): usize {
  const k = floorLog10Pow2(q);
  // y = c * 2^q / 10^k as `whole` + `part` / 2^64. 2^q / 10^k lies in [1, 10), hence shift in [1, 4].
  const shift = q + floorLog2Pow10(-k) + 1;
  const scaled = c << shift;
  const high = powerHigh(-k);
  const productLow = scaled * high;
  const part = productLow + (((scaled >> 25) * (powerLow(-k) >> 32)) >> 7);
  const whole = mulHigh(scaled, high) + <u64>(part < productLow);

  // What rounds to x lies within `reach` = 2^(q-1) / 10^k, in [0.5, 5), of y. In units of 2^-60 the distance to the multiple of ten
  // below y is too small by less than 2^22 + 2 and too large by less than 1, `reach` too small by less than 2.
  const reach = high >> (5 - shift);
  // whole / 10^8, or one less: 2^33 / 2.98 cut to a whole number, times what is left of `whole` without its last 25 bits, is too
  // small by less than 0.51. `lower` is below 1.51 * 10^8 then, and writeSum carries.
  const upper = ((whole >> 25) * 2882303761) >> 33;
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
  const digits = sixteenDigits(upper - first * 100000000, lower);
  const behindFirst = 32 - clz(i8x16.bitmask(i8x16.ne(digits, i8x16.splat(0))));
  const significant = behindFirst + hasFirst;
  const point = k + 16 + hasFirst; // the value is 0.digits * 10^point
  const ascii = v128.or(digits, i8x16.splat(0x30));

  if (point > 21 || point <= -6) return writeScientific(out, first, ascii, significant, point - 1);
  if (point <= 0) {
    store<u64>(out, 0x3030303030302e30); // 0.000000
    out += 2 - point;
    store<u8>(out, <u8>first + 0x30);
    out += hasFirst;
    v128.store(out, ascii);
    return out + behindFirst;
  }
  store<u8>(out, <u8>first + 0x30);
  out += hasFirst;
  const whole = point - hasFirst; // of the sixteen digits, those before the point
  if (significant <= point) {
    v128.store(out, ascii);
    store<u64>(out, ASCII_ZEROS, 16);
    return out + whole;
  }
  // All digits one place to the right; then the sixteen characters with the point among them, which end before the last digit.
  v128.store(out, ascii, 1);
  v128.store(out, v128.swizzle(i8x16.replace_lane(ascii, 15, 0x2e), v128.load(POINT_AT + (<usize>whole << 4))));
  return out + behindFirst + 1;
}

/** A row for each place of the point among sixteen characters: which byte each of them is, the point byte 15. */
const POINT_AT: usize = memory.data<u8>([
  15, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
  0, 15, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
  0, 1, 15, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
  0, 1, 2, 15, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
  0, 1, 2, 3, 15, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
  0, 1, 2, 3, 4, 15, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
  0, 1, 2, 3, 4, 5, 15, 6, 7, 8, 9, 10, 11, 12, 13, 14,
  0, 1, 2, 3, 4, 5, 6, 15, 7, 8, 9, 10, 11, 12, 13, 14,
  0, 1, 2, 3, 4, 5, 6, 7, 15, 8, 9, 10, 11, 12, 13, 14,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 9, 10, 11, 12, 13, 14,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 10, 11, 12, 13, 14,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 11, 12, 13, 14,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15, 12, 13, 14,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 13, 14,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 14,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
]);

/** `d.ddde+x`, and `de+x` where there is but one digit. */
function writeScientific(out: usize, first: u64, digits: v128, significant: i32, exponent: i32): usize {
  if (first != 0) {
    store<u8>(out, <u8>first + 0x30);
    v128.store(out, digits, 2);
  } else {
    v128.store(out, digits, 1);
    store<u8>(out, i8x16.extract_lane_u(digits, 0));
  }
  store<u8>(out, 0x2e, 1);
  out += significant == 1 ? 1 : significant + 1;
  store<u16>(out, exponent < 0 ? 0x2d65 : 0x2b65); // e- or e+
  return writeU64(out + 2, abs(exponent));
}
