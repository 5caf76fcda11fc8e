import { withoutLastZeros } from "../../schema/texts.ts";

/**
 * Decimals, exact: Kusto's are 128 bits wide with 34 significant digits, at any scale. A decimal is held as canonical
 * text, one text per value, so that equality and grouping of texts are equality and grouping of values.
 */
export interface Decimal {
  /** value = digits * 10^exponent; no trailing zeros, zero is 0 * 10^0. */
  readonly digits: bigint;
  readonly exponent: number;
}

const shape = /^\s*([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?\s*$/;
const mostDigits = 34;
/** The exponent range of IEEE decimal128. */
const largestExponent = 6_144;
const smallestExponent = -6_176;

export function parseDecimal(text: string): Decimal | null {
  const found = shape.exec(text);
  if (!found) return null;
  const [, sign, whole, fraction, power] = found as unknown as [string, string, string, string, string | undefined];
  if (whole === "" && fraction === "") return null;
  const significant = (whole + fraction).replace(/^0+/, "");
  const kept = withoutLastZeros(significant);
  if (kept === "") return { digits: 0n, exponent: 0 };
  if (kept.length > mostDigits) return null;
  const exponent = Number(power ?? 0) - fraction.length + (significant.length - kept.length);
  if (exponent < smallestExponent || exponent + kept.length - 1 > largestExponent) return null;
  return { digits: BigInt(sign + kept), exponent };
}

/**
 * Plain digits while that needs no more than a few zeros, else `1.5E+40`: the texts of one value are the same, and a
 * large exponent does not become thousands of zeros.
 */
export function decimalText({ digits, exponent }: Decimal): string {
  const sign = digits < 0n ? "-" : "";
  const text = String(digits < 0n ? -digits : digits);
  const leading = text.length - 1 + exponent;
  if (leading > 40 || leading < -40) {
    const fraction = text.length > 1 ? `.${text.slice(1)}` : "";
    return `${sign}${text[0]}${fraction}E${leading < 0 ? "-" : "+"}${Math.abs(leading)}`;
  }
  if (exponent >= 0) return sign + text + "0".repeat(exponent);
  if (leading < 0) return `${sign}0.${"0".repeat(-leading - 1)}${text}`;
  return `${sign}${text.slice(0, leading + 1)}.${text.slice(leading + 1)}`;
}

export function canonicalDecimal(text: string): string | null {
  const parsed = parseDecimal(text);
  return parsed && decimalText(parsed);
}

const powerOfTen = (exponent: number) => 10n ** BigInt(exponent);

/** The value without trailing zeros, rounded to 34 digits, half to even. */
function normalized(digits: bigint, exponent: number): Decimal {
  let size = digits < 0n ? -digits : digits;
  let power = exponent;
  const excess = String(size).length - mostDigits;
  if (excess > 0) {
    const unit = powerOfTen(excess);
    const rest = size % unit;
    size /= unit;
    const half = unit / 2n;
    if (rest > half || (rest === half && size % 2n === 1n)) size += 1n;
    power += excess;
  }
  if (size === 0n) return { digits: 0n, exponent: 0 };
  while (size % 10n === 0n) {
    size /= 10n;
    power++;
  }
  return { digits: digits < 0n ? -size : size, exponent: power };
}

/** How far apart two exponents may be before one side is nothing beside the other at 34 digits. */
const farApart = 2 * mostDigits + 2;

export function addDecimals(a: Decimal, b: Decimal): Decimal {
  if (a.digits === 0n) return b;
  if (b.digits === 0n) return a;
  const [high, low] = a.exponent >= b.exponent ? [a, b] : [b, a];
  if (high.exponent - low.exponent > farApart) return high;
  return normalized(high.digits * powerOfTen(high.exponent - low.exponent) + low.digits, low.exponent);
}

export function negatedDecimal({ digits, exponent }: Decimal): Decimal {
  return { digits: -digits, exponent };
}

export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  return normalized(a.digits * b.digits, a.exponent + b.exponent);
}

/** The quotient, or null for a divisor of zero. */
export function divideDecimals(a: Decimal, b: Decimal): Decimal | null {
  if (b.digits === 0n) return null;
  const scale = farApart;
  return normalized((a.digits * powerOfTen(scale)) / b.digits, a.exponent - b.exponent - scale);
}

/** Text whose byte order is the order of the values. */
export function decimalKey({ digits, exponent }: Decimal): string {
  if (digits === 0n) return "1";
  const text = String(digits < 0n ? -digits : digits);
  const key = `${String(text.length + exponent + 10_000).padStart(5, "0")}${text.padEnd(mostDigits, "0")}`;
  if (digits > 0n) return `2${key}`;
  return `0${key.replaceAll(/\d/g, (digit) => String(9 - Number(digit)))}`;
}
