import type { Kind } from "../../schema/kinds.ts";
import { canonicalDecimal } from "./decimal.ts";
import type { Stored } from "./stored.ts";
import { ticksOf, ticksPerDay, ticksPerHour, ticksPerMinute, ticksPerSecond } from "./ticks.ts";

/**
 * Reads a text as a value of one type, by Kusto's rule: what does not fit its column becomes null and the row is kept;
 * a string has no null, so missing is empty. (Documentation, "Ingestion behavior of invalid data".)
 */
export type TextReader = (text: string) => Stored;

export const textReaders: Readonly<Record<Kind, TextReader>> = {
  bool: boolOf,
  datetime: datetimeOf,
  decimal: canonicalDecimal,
  dynamic: dynamicOf,
  guid: guidOf,
  int: intOf,
  long: longOf,
  real: realOf,
  string: stringOf,
  timespan: timespanOf,
};

const largestValue = 1_048_576;

/** A string of more than 1 MiB is cut there, at a whole character. */
export function stringOf(text: string): string {
  if (text.length * 3 <= largestValue) return text;
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length <= largestValue) return text;
  let end = largestValue;
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}

export function boolOf(text: string): boolean | null {
  switch (text.trim().toLowerCase()) {
    case "true":
      return true;
    case "false":
      return false;
  }
  const number = longOf(text);
  return number === null ? null : number !== 0n;
}

function intOf(text: string): number | null {
  if (!/^\s*[+-]?\d+\s*$/.test(text)) return null;
  const value = Number(text);
  return value >= -2_147_483_648 && value <= 2_147_483_647 ? value : null;
}

function longOf(text: string): bigint | null {
  if (!/^\s*[+-]?\d+\s*$/.test(text)) return null;
  const trimmed = text.trim();
  const value = BigInt(trimmed.startsWith("+") ? trimmed.slice(1) : trimmed);
  return BigInt.asIntN(64, value) === value ? value : null;
}

const realWords: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  "+inf": Number.POSITIVE_INFINITY,
  "-inf": Number.NEGATIVE_INFINITY,
  infinity: Number.POSITIVE_INFINITY,
  "+infinity": Number.POSITIVE_INFINITY,
  "-infinity": Number.NEGATIVE_INFINITY,
};

export function realOf(text: string): number | null {
  if (/^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/.test(text)) return Number(text);
  return realWords[text.trim().toLowerCase()] ?? null;
}

export function guidOf(text: string): string | null {
  const found = /^\s*[{(]?([\da-f]{8})-?([\da-f]{4})-?([\da-f]{4})-?([\da-f]{4})-?([\da-f]{12})[)}]?\s*$/i.exec(text);
  return found ? found.slice(1, 6).join("-").toLowerCase() : null;
}

const isoShape =
  /^\s*(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?)?\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?\s*$/i;

/** ISO 8601, and the mail date of RFC 822; more than seven digits of a fraction are cut. */
export function datetimeOf(text: string): bigint | null {
  const found = isoShape.exec(text);
  if (!found) return mailDateOf(text);
  const [, year, month, day, hour, minute, second, fraction, zone] = found;
  return (
    ticksOf({
      year: Number(year),
      month: Number(month),
      day: Number(day),
      hour: Number(hour ?? 0),
      minute: Number(minute ?? 0),
      second: Number(second ?? 0),
      fraction: fraction === undefined ? 0 : Number(fraction.padEnd(7, "0").slice(0, 7)),
      offsetMinutes: offsetOf(zone),
    }) ?? null
  );
}

function offsetOf(zone: string | undefined): number {
  const found = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone ?? "");
  if (!found) return 0;
  const minutes = Number(found[2]) * 60 + Number(found[3] ?? 0);
  return found[1] === "-" ? -minutes : minutes;
}

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const mailShape =
  /^\s*(?:[a-z]{3,9},?\s+)?(\d{1,2})[ -]([a-z]{3})[ -](\d{4}|\d{2})(?:\s+(\d{1,2}):(\d{2})(?::(\d{2}))?)?\s*(?:GMT|UTC|Z)?\s*$/i;

function mailDateOf(text: string): bigint | null {
  const found = mailShape.exec(text);
  if (!found) return null;
  const [, day, monthName, yearText, hour, minute, second] = found;
  const short = Number(yearText);
  const year = yearText!.length === 4 ? short : short < 50 ? 2000 + short : 1900 + short;
  return (
    ticksOf({
      year,
      month: months.indexOf(monthName!.toLowerCase()) + 1,
      day: Number(day),
      hour: Number(hour ?? 0),
      minute: Number(minute ?? 0),
      second: Number(second ?? 0),
      fraction: 0,
      offsetMinutes: 0,
    }) ?? null
  );
}

const timespanShape = /^\s*([+-]?)(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d+))?)?\s*$/;
const unitShape = /^\s*([+-]?)(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/i;

/** Ticks in each unit of a literal such as `1.5h`. */
const units: Readonly<Record<string, bigint>> = {
  d: ticksPerDay,
  day: ticksPerDay,
  days: ticksPerDay,
  h: ticksPerHour,
  hr: ticksPerHour,
  hrs: ticksPerHour,
  hour: ticksPerHour,
  hours: ticksPerHour,
  m: ticksPerMinute,
  min: ticksPerMinute,
  minute: ticksPerMinute,
  minutes: ticksPerMinute,
  s: ticksPerSecond,
  sec: ticksPerSecond,
  second: ticksPerSecond,
  seconds: ticksPerSecond,
  ms: 10_000n,
  milli: 10_000n,
  millis: 10_000n,
  millisec: 10_000n,
  millisecond: 10_000n,
  milliseconds: 10_000n,
  micro: 10n,
  micros: 10n,
  microsec: 10n,
  microsecond: 10n,
  microseconds: 10n,
  nano: 0n,
  tick: 1n,
  ticks: 1n,
};

/** `[-][d.]hh:mm[:ss[.fffffff]]`, a bare number of days, or a number with a unit. */
export function timespanOf(text: string): bigint | null {
  const found = timespanShape.exec(text);
  if (!found) return unitTimespanOf(text);
  const [, sign, days, hours, minutes, seconds, fraction] = found;
  const [h, m, s] = [Number(hours), Number(minutes), Number(seconds ?? 0)];
  if (h > 23 || m > 59 || s > 59) return null;
  const size =
    BigInt(days ?? 0) * ticksPerDay +
    BigInt(h * 3600 + m * 60 + s) * ticksPerSecond +
    BigInt((fraction ?? "").padEnd(7, "0").slice(0, 7));
  return in64(sign === "-" ? -size : size);
}

function unitTimespanOf(text: string): bigint | null {
  if (/^\s*[+-]?\d+\s*$/.test(text)) return in64(BigInt(text.trim().replace("+", "")) * ticksPerDay);
  const found = unitShape.exec(text);
  const unit = found && units[found[3]!.toLowerCase()];
  if (!unit) return null;
  const [whole, fraction = ""] = found[2]!.split(".");
  const size = (BigInt(whole + fraction) * unit) / 10n ** BigInt(fraction.length);
  return in64(found[1] === "-" ? -size : size);
}

function in64(value: bigint): bigint | null {
  return BigInt.asIntN(64, value) === value ? value : null;
}

/** JSON is kept word for word; other text becomes a dynamic string; more than 1 MiB becomes null. */
export function dynamicOf(text: string): string | null {
  if (text === "" || text.trim() === "") return null;
  if (text.length * 3 > largestValue && Buffer.byteLength(text) > largestValue) return null;
  if (text.trim() === "null") return null;
  return isJson(text) ? text : JSON.stringify(text);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
