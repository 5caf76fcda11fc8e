import { addDecimals, decimalText, multiplyDecimals, parseDecimal } from "../../values/decimal.ts";
import type { CalledFunction } from "./called-function.ts";
import { longIn, realIn, textIn } from "./json-values.ts";

const real = (act: CalledFunction["act"]): CalledFunction => ({ gives: "real", act });

/** Lanczos' approximation, g = 7, n = 9. */
const lanczos: readonly [number, ...number[]] = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - logGamma(1 - x);
  const z = x - 1;
  const series = lanczos.slice(1).reduce((sum, term, index) => sum + term / (z + index + 1), lanczos[0]);
  const t = z + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(series);
}

function gamma(x: number): number {
  if (Number.isInteger(x)) {
    if (x <= 0) return Number.NaN;
    if (x <= 170) {
      let product = 1;
      for (let factor = 2; factor < x; factor++) product *= factor;
      return product;
    }
  }
  const sign = x < 0 && Math.floor(x) % 2 !== 0 ? -1 : 1;
  return sign * Math.exp(logGamma(x));
}

const ofReal = (act: (value: number) => number): CalledFunction =>
  real((json) => {
    const value = realIn(json);
    return value === null ? null : act(value);
  });

/** Half away from zero, on the digits as they are written: 2.675 is nearer to 2.68 for who wrote it. */
function rounded(json: string, precision = "0"): number | null {
  const value = realIn(json);
  const digits = Number(longIn(precision) ?? 0n);
  if (value === null || !Number.isFinite(value)) return value;
  if (digits > 15) return value;
  const [mantissa, exponent = "0"] = String(value).split("e");
  const scaled = Number(`${mantissa}e${Number(exponent) + digits}`);
  const whole = Math.sign(scaled) * Math.round(Math.abs(scaled));
  const [m, e = "0"] = String(whole).split("e");
  return Number(`${m}e${Number(e) - digits}`);
}

/** A long, rounded by its own digits: as a double it would lose those beyond 2^53. */
function roundedLong(json: string, precision = "0"): bigint | null {
  const value = longIn(json);
  const digits = Number(longIn(precision) ?? 0n);
  if (value === null || digits >= 0) return value;
  if (digits < -19) return 0n;
  const unit = 10n ** BigInt(-digits);
  const size = value < 0n ? -value : value;
  const whole = ((size + unit / 2n) / unit) * unit;
  return value < 0n ? -whole : whole;
}

/** `-d` of a dynamic number; null of anything else. */
function negated(json: string): string | null {
  const value = longIn(json);
  if (value !== null) return String(-value);
  if (!/^-?\d/.test(json)) return null;
  return json.startsWith("-") ? json.slice(1) : `-${json}`;
}

/** The multiple of a decimal step at or below a value. */
function binned(value: string, step: string): string | null {
  const [a, b] = [parseDecimal(textIn(value)), parseDecimal(textIn(step))];
  if (!a || !b || b.digits === 0n) return null;
  const scale = Math.min(a.exponent, b.exponent);
  const x = a.digits * 10n ** BigInt(a.exponent - scale);
  const y = b.digits * 10n ** BigInt(b.exponent - scale);
  const rest = ((x % y) + y) % y;
  return decimalText(addDecimals(a, multiplyDecimals({ digits: -rest, exponent: scale }, { digits: 1n, exponent: 0 })));
}

const hexOf = (bits: number): CalledFunction => ({
  gives: "text",
  act: (value, width) => {
    const number = longIn(value);
    if (number === null) return null;
    const hex = BigInt.asUintN(bits, number).toString(16);
    return hex.padStart(Number(longIn(width) ?? 0n), "0");
  },
});

/** The places modulo 64; bits that leave are lost. */
function shifted(value: string, by: string, direction: "left" | "right"): bigint | null {
  const [number, places] = [longIn(value), longIn(by)];
  if (number === null || places === null) return null;
  const count = ((places % 64n) + 64n) % 64n;
  return BigInt.asIntN(64, direction === "left" ? number << count : number >> count);
}

export const numberFunctions: Readonly<Record<string, CalledFunction>> = {
  binary_shift_left: { gives: "long", act: (value, by) => shifted(value!, by!, "left") },
  binary_shift_right: { gives: "long", act: (value, by) => shifted(value!, by!, "right") },
  bin_decimal: { gives: "text", act: binned },
  erf: ofReal(erf),
  erfc: ofReal((x) => 1 - erf(x)),
  exp10: ofReal((x) => 10 ** x),
  exp2: ofReal((x) => 2 ** x),
  gamma: ofReal(gamma),
  // Of a whole number the logarithm of a product is nearer than the series.
  loggamma: ofReal((x) => (Number.isInteger(x) && x > 0 && x <= 170 ? Math.log(gamma(x)) : logGamma(x))),
  negate_dynamic: { gives: "json", act: (json) => negated(json!) },
  round: real(rounded),
  round_long: { gives: "long", act: roundedLong as CalledFunction["act"] },
  tohex: hexOf(64),
  tohex_int: hexOf(32),
};

/** The error function, by its series near zero and its continued fraction far from it: 15 digits. */
function erf(x: number): number {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  if (size < 2.5) {
    let [term, sum] = [size, size];
    for (let n = 1; n < 200 && Math.abs(term) > 1e-18; n++) {
      term *= (-size * size) / n;
      sum += term / (2 * n + 1);
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 120; n > 0; n--) fraction = n / 2 / (size + fraction);
  return Math.sign(x) * (1 - Math.exp(-size * size) / (Math.sqrt(Math.PI) * (size + fraction)));
}
