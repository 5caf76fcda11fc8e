import { withoutLastZeros } from "../schema/texts.ts";

/** What Kusto's decimal keeps exactly (IEEE 754 decimal128). */
const mostDigits = 34;
const largestExponent = 6144;

/** Plain texts without a leading plus or zero: most of them, and nothing about them needs a change. */
const simple = /^-?(?:0|[1-9]\d{0,16})(?:\.\d{1,17})?$/;

const grammar = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,6}))?$/;

/** A decimal as it is sent, or why it cannot be. */
export type DecimalText = { readonly text: string } | { readonly reason: string };

/**
 * Checks a decimal and puts it in plain form: no plus, no leading zeros, no exponent unless the digits written out would
 * be more than 34. Zeros at the end of a fraction are kept, for in a decimal they say how exact it is.
 */
export function decimalText(source: string): DecimalText {
  if (simple.test(source)) return { text: source };
  const match = grammar.exec(source);
  if (!match) return { reason: "it is not a decimal such as -12.50 or 1e-7" };
  const [, sign, whole = "", fraction = "", exponentText = "0"] = match;
  let digits = (whole + fraction).replace(/^0+/, "");
  let exponent = Number(exponentText) - fraction.length;
  const drop = zerosToDrop(digits, fraction !== "");
  digits = digits.slice(0, digits.length - drop);
  exponent += drop;
  if (digits.length > mostDigits) return { reason: `it has more than ${mostDigits} significant digits` };
  if (digits !== "" && Math.abs(exponent + digits.length - 1) > largestExponent)
    return { reason: `its exponent is beyond ${largestExponent}` };
  return { text: (sign === "-" ? "-" : "") + plain(digits, exponent) };
}

/** Digits are dropped only where they are zeros and too many: of a fraction as many as needed, of a whole number all. */
function zerosToDrop(digits: string, hasFraction: boolean): number {
  const surplus = digits.length - mostDigits;
  if (surplus <= 0) return 0;
  const zeros = digits.length - withoutLastZeros(digits).length;
  return hasFraction ? Math.min(zeros, surplus) : zeros;
}

/** digits * 10^exponent, written out if that takes at most 34 digits. */
function plain(digits: string, exponent: number): string {
  if (digits === "") return exponent < 0 && exponent >= -mostDigits ? `0.${"0".repeat(-exponent)}` : "0";
  if (exponent >= 0 && digits.length + exponent <= mostDigits) return digits + "0".repeat(exponent);
  if (exponent < 0 && -exponent < digits.length) return `${digits.slice(0, exponent)}.${digits.slice(exponent)}`;
  if (exponent < 0 && -exponent <= mostDigits) return `0.${digits.padStart(-exponent, "0")}`;
  const fraction = digits.slice(1);
  return `${digits[0]}${fraction === "" ? "" : `.${fraction}`}e${exponent + digits.length - 1}`;
}
