// Text of datetimes and timespans from ticks of 100 ns. Nothing is allocated; whole words are stored, so up to
// MAX_TIME_TEXT bytes from `out` on may be touched.
//
// Day number to year, month, day: C. Neri, L. Schneider, "Euclidean affine functions and their application to calendar
// algorithms" (Software: Practice and Experience, 2022): four multiplications and no table.
import { ASCII_ZEROS, eightDigits, mulHigh, sixteenDigits } from "./digits";
import { writeU32 } from "./int";

/** Room that must be writable at `out`: 28 characters at most, and what the last store may spill. */
export const MAX_TIME_TEXT: i32 = 48;

const TICKS_PER_SECOND: u64 = 10000000;

/**
 * ISO 8601 with Z: `2020-01-02T03:04:05Z`, and as many of seven fraction digits as are needed.
 * `ticks` count from 0001-01-01T00:00:00Z and must lie within the years 0001 to 9999.
 */
export function writeDatetime(out: usize, ticks: i64): usize {
  const seconds = secondsOf(ticks);
  const days = daysOf(ticks);
  const digits = sixteenDigits(dateNumber(days), 100 * clockNumber(<u32>(seconds - <u64>days * 86400), 100));
  v128.store(out, v128.or(v128.swizzle(digits, v128.load(DATETIME_DIGITS)), v128.load(DATETIME_DIGITS, 16)));
  // The seconds are the vector's digits 12 and 13.
  store<u32>(out + 16, (<u32>i16x8.extract_lane_u(digits, 6) << 8) | 0x30303a);
  const end = writeFraction(out + 19, <u32>(ticks - seconds * TICKS_PER_SECOND));
  store<u8>(end, 0x5a);
  return end + 1;
}

/** Kusto's own form, `[-][d.]hh:mm:ss[.fffffff]`, for every i64. */
export function writeTimespan(out: usize, ticks: i64): usize {
  let magnitude = <u64>ticks;
  if (ticks < 0) {
    store<u8>(out++, 0x2d);
    magnitude = 0 - magnitude; // right for the minimum too
  }
  const seconds = secondsOf(magnitude);
  const days = daysOf(magnitude);
  if (days != 0) {
    out = writeU32(out, days);
    store<u8>(out++, 0x2e);
  }
  writeClock(out, <u32>(seconds - <u64>days * 86400));
  return writeFraction(out + 8, <u32>(magnitude - seconds * TICKS_PER_SECOND));
}

/** ticks / 10^7, by a reciprocal exact for every u64. */
function secondsOf(ticks: u64): u64 {
  return mulHigh(ticks, 0xd6bf94d5e57a42bd) >> 23;
}

/** ticks / (86400 * 10^7): the power of two in the divisor first, then a reciprocal exact for what is left. */
function daysOf(ticks: u64): u32 {
  return <u32>(mulHigh(ticks >> 14, 0x5171ff8ef102d) >> 12);
}

/** Which digit of yyyymmddhhmmss00 each of the first 16 characters is (0xff: none), and what is to be added for ASCII. */
const DATETIME_DIGITS: usize = memory.data<u8>([
  0, 1, 2, 3, 0xff, 4, 5, 0xff, 6, 7, 0xff, 8, 9, 0xff, 10, 11,
  0x30, 0x30, 0x30, 0x30, 0x2d, 0x30, 0x30, 0x2d, 0x30, 0x30, 0x54, 0x30, 0x30, 0x3a, 0x30, 0x30,
], 16);

/** The number whose digits are yyyymmdd. */
function dateNumber(days: u32): u32 {
  const fromMarch = days + 306; // days since 0000-03-01: a year that begins in March has its leap day at its end
  const quarters = 4 * fromMarch + 3;
  const century = quarters / 146097;
  const dayQuarters = (quarters - century * 146097) | 3;
  const product = <u64>dayQuarters * 2939745;
  const yearOfCentury = <u32>(product >> 32);
  const dayOfYear = <u32>product / 2939745 / 4;
  const monthDay = 2141 * dayOfYear + 197913;
  const wraps = <u32>(dayOfYear >= 306); // January and February belong to the next civil year
  const year = 100 * century + yearOfCentury + wraps;
  const month = (monthDay >> 16) - 12 * wraps;
  const day = (monthDay & 0xffff) / 2141 + 1;
  return year * 10000 + month * 100 + day;
}

/** The number whose digits are hhmmss, each two `place` apart: 100, or 1 000 for hh0mm0ss. */
function clockNumber(seconds: u32, place: u32): u32 {
  const minutes = seconds / 60;
  const hours = minutes / 60;
  return (hours * place + (minutes - hours * 60)) * place + (seconds - minutes * 60);
}

/** `hh:mm:ss`, eight bytes. */
function writeClock(out: usize, seconds: u32): void {
  // The two zeros between become colons: ASCII ':' is '0' + 10.
  store<u64>(out, (eightDigits(clockNumber(seconds, 1000)) | ASCII_ZEROS) + 0x00000a00000a0000);
}

/** Nothing, or a point and the fraction's digits without trailing zeros; spills up to seven bytes. */
function writeFraction(out: usize, ticks: u32): usize {
  if (ticks == 0) return out;
  const digits = eightDigits(<u64>ticks * 10);
  store<u8>(out, 0x2e);
  store<u64>(out + 1, digits | ASCII_ZEROS);
  return out + 9 - <usize>(clz(digits) >> 3);
}
