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
  const kept = significant.replace(/0+$/, "");
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
