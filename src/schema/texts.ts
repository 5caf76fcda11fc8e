import { parseDatetime } from "./datetime-text.ts";
import { msTo10000, type Ticks } from "./ticks.ts";

/** What a text spells, for inference and conversion alike. All of it is exact: no rounding, no trimming, no guessing. */

export const longest64 = { least: -(2n ** 63n), greatest: 2n ** 63n - 1n } as const;

/** An integer as programs print it: no plus, no leading zeros (`007` is a name, not a number), no `-0`. */
const plainInteger = /^(?:0|-?[1-9]\d*)$/;

/** A number as JSON spells it. */
const plainNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

export function isPlainInteger(text: string): boolean {
  return plainInteger.test(text);
}

/** A JSON number that a double can hold as a finite value. */
export function isPlainNumber(text: string): boolean {
  return plainNumber.test(text) && Number.isFinite(Number(text));
}

/** A number without digits before or behind the point, as C, Fortran and SQL print it: `.5`, `5.`. */
export function isBarePoint(text: string): boolean {
  return /^-?(?:\.\d+|(?:0|[1-9]\d*)\.)(?:[eE][+-]?\d+)?$/.test(text) && Number.isFinite(Number(text));
}

/** An infinity by its name. */
export function isInfinityWord(text: string): boolean {
  return /^[+-]?inf(?:inity)?$/i.test(text);
}

/** An integer that may have a plus, leading zeros, or a fraction of zeros; a bigint only where a double is not exact. */
export function readInteger(text: string): number | bigint | undefined {
  const match = /^([+-]?\d+)(?:\.0+)?$/.exec(text);
  if (!match) return undefined;
  const value = Number(match[1]);
  if (Number.isSafeInteger(value)) return value + 0;
  const digits = match[1]!.replace(/^\+/, "");
  return digits.length <= longestNumeral ? BigInt(digits) : undefined;
}

/** Nothing that long fits a 64-bit integer, and BigInt's time grows with the square of the length. */
const longestNumeral = 400;

const wordNumbers: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  "+inf": Number.POSITIVE_INFINITY,
  "-inf": Number.NEGATIVE_INFINITY,
  infinity: Number.POSITIVE_INFINITY,
  "+infinity": Number.POSITIVE_INFINITY,
  "-infinity": Number.NEGATIVE_INFINITY,
};

/** A double: digits with or without fraction and exponent, NaN, or an infinity by its name; not one that overflows. */
export function readReal(text: string): number | undefined {
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : undefined;
  }
  return wordNumbers[text.toLowerCase()];
}

export function isBoolWord(text: string): boolean {
  return /^(?:true|false)$/i.test(text);
}

/** `true`, `false` in any case, and `1`, `0`, as Kusto's CSV takes them. */
export function readBool(text: string): boolean | undefined {
  if (isBoolWord(text)) return text.length === 4;
  return text === "1" ? true : text === "0" ? false : undefined;
}

/** A GUID in braces, or without dashes, in the form that Kusto documents. */
export function readGuid(text: string): string | undefined {
  const bare = /^\{(.*)\}$/.exec(text)?.[1] ?? text;
  if (isGuid(bare)) return bare;
  const parts = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/i.exec(bare);
  return parts?.slice(1).join("-");
}

export function isGuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text);
}

/**
 * A datetime as the packer reads it, so that no column is inferred whose values are then refused: ISO 8601 with a full
 * date, between the years 0001 and 9999 when its zone is taken off.
 */
export function isDatetime(text: string): boolean {
  const ticks: Ticks = { ms: 0, rest: 0 };
  return parseDatetime(text, ticks) === undefined && ticks.ms >= 0 && ticks.ms < msTo10000;
}

/** In a loop, for /0+$/ takes the square of the length where zeros stand before another digit. */
export function withoutLastZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits[end - 1] === "0") end--;
  return digits.slice(0, end);
}
