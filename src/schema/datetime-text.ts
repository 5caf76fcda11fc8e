import { msTo1970, type Ticks } from "./ticks.ts";

const zero = 48;

/** Days from 0001-01-01 to the first day of each month of a common year. */
const daysBeforeMonth = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/**
 * Reads ISO 8601: `2024-05-06`, `2024-05-06T07:08`, `2024-05-06T07:08:09.1234567Z`, `... +02:00`. No zone means UTC, as
 * it does in Kusto. `T` may be a space, the date may have slashes (`2024/05/06`), the point may be a comma, and the zone may be
 * `+0200`, `+02`, `UTC`, `GMT` or `+0000 UTC` (as Go writes it), with a space before it. More than 7 fraction digits are taken only
 * where the rest is zeros, because a tick is all that Kusto keeps. Returns what is wrong with the text, or undefined.
 *
 * Written by hand because `Date.parse` knows milliseconds only, takes text without a zone as local time, and is slower.
 */
export function parseDatetime(text: string, into: Ticks): string | undefined {
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  if (year < 0 || month < 0 || day < 0 || !isBetweenDateParts(text[4]) || text[7] !== text[4]) return notIso;
  if (year < 1) return "its year is before 0001";
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return "there is no such day";
  const days = daysBefore(year, month) + day - 1;
  into.ms = days * 86_400_000;
  into.rest = 0;
  return text.length === 10 ? undefined : parseTimeOfDay(text, into);
}

const notIso = "it is not ISO 8601 text such as 2024-05-06T07:08:09.1234567Z";

function parseTimeOfDay(text: string, into: Ticks): string | undefined {
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  if (hour < 0 || minute < 0 || text[13] !== ":" || !isBetweenDateAndTime(text[10])) return notIso;
  let at = 16;
  let second = 0;
  if (text[at] === ":") {
    second = digits(text, 17, 2);
    if (second < 0) return notIso;
    at = 19;
  }
  if (hour > 23 || minute > 59 || second > 59) return "there is no such time of day";
  let ticks = 0;
  if (at === 19 && (text[at] === "." || text[at] === ",")) {
    const end = endOfDigits(text, at + 1);
    if (end === at + 1) return notIso;
    for (let i = 0; i < 7; i++) ticks = ticks * 10 + (at + 1 + i < end ? text.charCodeAt(at + 1 + i) - zero : 0);
    for (let i = at + 8; i < end; i++) if (text[i] !== "0") return "it has more than 7 fraction digits";
    at = end;
  }
  const zoneMinutes = parseZone(text, at);
  if (Number.isNaN(zoneMinutes)) return notIso;
  const ms = Math.floor(ticks / 10_000);
  into.ms += ((hour * 60 + minute - zoneMinutes) * 60 + second) * 1000 + ms;
  into.rest = ticks - ms * 10_000;
  return undefined;
}

function isBetweenDateParts(character: string | undefined): boolean {
  return character === "-" || character === "/";
}

function isBetweenDateAndTime(character: string | undefined): boolean {
  return character === "T" || character === " " || character === "t";
}

/** Minutes east of UTC; NaN for what is no zone. */
function parseZone(text: string, at: number): number {
  if (at === text.length) return 0;
  const first = text[at];
  if (first === "Z" || first === "z") return at + 1 === text.length ? 0 : Number.NaN;
  const match = /^ ?(?:(?:UTC|GMT|Z)|([+-])(\d\d)(?::?(\d\d))?(?: UTC)?)$/i.exec(text.slice(at));
  if (!match) return Number.NaN;
  if (match[1] === undefined) return 0;
  const [, sign, hours, minutes = "0"] = match;
  if (Number(hours) > 23 || Number(minutes) > 59) return Number.NaN;
  // A name behind the offset can only repeat it.
  if (text.endsWith("UTC") && Number(hours) + Number(minutes) > 0) return Number.NaN;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

/** The number that `count` decimal digits spell, or -1. */
function digits(text: string, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const digit = text.charCodeAt(i) - zero;
    // Beyond the end charCodeAt is NaN, for which neither comparison would hold.
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function endOfDigits(text: string, from: number): number {
  let end = from;
  while (digits(text, end, 1) >= 0) end++;
  return end;
}

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function daysBefore(year: number, month: number): number {
  const y = year - 1;
  const leapDays = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  return y * 365 + leapDays + daysBeforeMonth[month]! + (month > 2 && isLeap(year) ? 1 : 0);
}

const ticksPerSecond = 10_000_000n;

/** Ticks since 0001 as ISO 8601 text, with as many fraction digits as are needed: `2024-05-06T07:08:09.5Z`. */
export function datetimeText(ticks: bigint): string {
  const seconds = Number(ticks / ticksPerSecond);
  const iso = new Date(seconds * 1000 - msTo1970).toISOString();
  return `${iso.slice(0, 19)}${fraction(ticks % ticksPerSecond)}Z`;
}

/** Nothing for a whole second, else a point and up to 7 digits. */
function fraction(ticks: bigint): string {
  return ticks === 0n ? "" : `.${ticks.toString().padStart(7, "0").replace(/0+$/, "")}`;
}

/** Reads `[-][d.]hh:mm:ss[.fffffff]`, of any size that the text has; the caller checks the range. */
export function parseTimespan(text: string, into: Ticks): boolean {
  const match = /^(-?)(?:(\d{1,8})\.)?(\d\d):(\d\d):(\d\d)(?:\.(\d{1,7}))?$/.exec(text);
  if (!match) return false;
  const [, sign, days = "0", hours, minutes, seconds, part = ""] = match;
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return false;
  const ticks = Number(part.padEnd(7, "0"));
  const whole = Math.floor(ticks / 10_000);
  const ms = (((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000 + whole;
  const rest = ticks - whole * 10_000;
  const isNegative = sign === "-";
  into.ms = isNegative ? (rest === 0 ? -ms : -ms - 1) : ms;
  into.rest = isNegative && rest !== 0 ? 10_000 - rest : rest;
  return true;
}

/** Ticks as Kusto writes a timespan: `[-][d.]hh:mm:ss[.fffffff]`. */
export function timespanText(ticks: bigint): string {
  const size = ticks < 0n ? -ticks : ticks;
  const seconds = size / ticksPerSecond;
  const two = (n: bigint): string => n.toString().padStart(2, "0");
  const days = seconds / 86_400n;
  const time = [two((seconds / 3600n) % 24n), two((seconds / 60n) % 60n), two(seconds % 60n)].join(":");
  return `${ticks < 0n ? "-" : ""}${days > 0n ? `${days}.` : ""}${time}${fraction(size % ticksPerSecond)}`;
}

/** The text without the fraction digits behind the seventh, which Kusto's ticks do not keep. */
export function cutToTicks(text: string): string {
  // The shortest text that has eight of them: 00:00:00.12345678
  return text.length < 17 ? text : text.replace(/(:\d\d[.,]\d{7})\d+/, "$1");
}
