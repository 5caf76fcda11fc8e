import {
  civilTime,
  datetimeEnd,
  ticksOf,
  ticksPerDay,
  ticksPerHour,
  ticksPerMinute,
  ticksPerSecond,
  unixEpoch,
} from "../../values/ticks.ts";
import type { CalledFunction } from "./called-function.ts";
import { longIn, realIn, textIn } from "./json-values.ts";

const long = (act: CalledFunction["act"]): CalledFunction => ({ gives: "long", takesTicks: true, act });

const floorDivide = (a: bigint, b: bigint): bigint => {
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
};

const inRange = (ticks: bigint | undefined): bigint | null =>
  ticks !== undefined && ticks >= 0n && ticks < datetimeEnd ? ticks : null;

function ofDate(year: number, month: number, day: number): bigint | undefined {
  return ticksOf({ year, month, day, hour: 0, minute: 0, second: 0, fraction: 0, offsetMinutes: 0 });
}

const fixedUnits: Readonly<Record<string, bigint>> = {
  day: ticksPerDay,
  hour: ticksPerHour,
  minute: ticksPerMinute,
  second: ticksPerSecond,
  millisecond: 10_000n,
  microsecond: 10n,
  nanosecond: 0n,
};

/** The months that a calendar unit has. */
const monthsIn: Readonly<Record<string, number>> = { year: 12, quarter: 3, month: 1 };

/** The first moment of a unit that lies `offset` units from the one that holds `ticks`. */
function startOf(unit: string, ticks: bigint, offset: bigint): bigint | undefined {
  const months = monthsIn[unit];
  if (months !== undefined) {
    const { year, month } = civilTime(ticks);
    const index = Math.floor((year * 12 + month - 1) / months) + Number(offset);
    const first = index * months;
    return ofDate(Math.floor(first / 12), (((first % 12) + 12) % 12) + 1, 1);
  }
  if (unit === "week") return (weekOf(ticks) + offset) * 7n * ticksPerDay - ticksPerDay;
  const size = fixedUnits[unit]!;
  return (floorDivide(ticks, size) + offset) * size;
}

/** Weeks begin on Sunday; 0001-01-01 was a Monday. */
const weekOf = (ticks: bigint) => (ticks + ticksPerDay) / (7n * ticksPerDay);

const starts = (unit: string): CalledFunction =>
  long((datetime, offset = "0") => {
    const ticks = longIn(datetime);
    return ticks === null ? null : inRange(startOf(unit, ticks, longIn(offset) ?? 0n));
  });

const ends = (unit: string): CalledFunction =>
  long((datetime, offset = "0") => {
    const ticks = longIn(datetime);
    if (ticks === null) return null;
    const next = startOf(unit, ticks, (longIn(offset) ?? 0n) + 1n);
    return inRange(next === undefined ? undefined : next - 1n);
  });

const unitOf = (json: string) => textIn(json).toLowerCase().replace(/s$/, "");

function added(part: string, count: string, datetime: string): bigint | null {
  const [unit, amount, ticks] = [unitOf(part), longIn(count), longIn(datetime)];
  if (amount === null || ticks === null) return null;
  const months = monthsIn[unit];
  if (months === undefined) {
    const size = unit === "week" ? 7n * ticksPerDay : fixedUnits[unit];
    if (size === undefined) return null;
    return inRange(ticks + (unit === "nanosecond" ? amount / 100n : amount * size));
  }
  const { year, month, day } = civilTime(ticks);
  const index = year * 12 + month - 1 + months * Number(amount);
  const [newYear, newMonth] = [Math.floor(index / 12), (index % 12) + 1];
  // A day that the month does not have becomes its last one.
  for (let last = day; last >= 28; last--) {
    const date = ofDate(newYear, newMonth, last);
    if (date !== undefined) return inRange(date + (ticks % ticksPerDay));
  }
  const date = ofDate(newYear, newMonth, day);
  return inRange(date === undefined ? undefined : date + (ticks % ticksPerDay));
}

/** How many borders of a unit lie between two moments. */
function difference(part: string, a: string, b: string): bigint | null {
  const [unit, x, y] = [unitOf(part), longIn(a), longIn(b)];
  if (x === null || y === null) return null;
  const months = monthsIn[unit];
  if (months !== undefined) {
    const index = (ticks: bigint) => {
      const { year, month } = civilTime(ticks);
      return Math.floor((year * 12 + month - 1) / months);
    };
    return BigInt(index(x) - index(y));
  }
  if (unit === "week") return weekOf(x) - weekOf(y);
  if (unit === "nanosecond") return (x - y) * 100n;
  const size = fixedUnits[unit];
  return size === undefined ? null : floorDivide(x, size) - floorDivide(y, size);
}

function dayOfYear(ticks: bigint): bigint {
  const { year } = civilTime(ticks);
  return (ticks - ofDate(year, 1, 1)!) / ticksPerDay + 1n;
}

/** The week of ISO 8601: it begins on Monday, and the first one holds the year's first Thursday. */
function isoWeek(ticks: bigint): bigint {
  const day = ticks / ticksPerDay;
  const thursday = (day - (day % 7n) + 3n) * ticksPerDay;
  return (dayOfYear(thursday) - 1n) / 7n + 1n;
}

function partOf(part: string, datetime: string): bigint | null {
  const ticks = longIn(datetime);
  if (ticks === null) return null;
  const { year, month, day } = civilTime(ticks);
  const inDay = ticks % ticksPerDay;
  switch (unitOf(part).replaceAll("_", "")) {
    case "year":
      return BigInt(year);
    case "quarter":
      return BigInt(Math.ceil(month / 3));
    case "month":
    case "monthofyear":
      return BigInt(month);
    case "weekofyear":
      return isoWeek(ticks);
    case "day":
    case "dayofmonth":
      return BigInt(day);
    case "dayofyear":
      return dayOfYear(ticks);
    case "hour":
    case "hourofday":
      return inDay / ticksPerHour;
    case "minute":
      return (inDay % ticksPerHour) / ticksPerMinute;
    case "second":
      return (inDay % ticksPerMinute) / ticksPerSecond;
    case "millisecond":
      return (inDay % ticksPerSecond) / 10_000n;
    case "microsecond":
      return (inDay % ticksPerSecond) / 10n;
    case "nanosecond":
      return (inDay % ticksPerSecond) * 100n;
    default:
      return null;
  }
}

function made(...args: string[]): bigint | null {
  const [year, month, day, hour = 0, minute = 0, second = 0] = args.map((each) => realIn(each) ?? Number.NaN);
  const whole = Math.floor(second);
  const ticks = ticksOf({
    year: year!,
    month: month!,
    day: day!,
    hour,
    minute,
    second: whole,
    fraction: Math.round((second - whole) * 1e7),
    offsetMinutes: 0,
  });
  return args.some((each) => realIn(each) === null) ? null : (ticks ?? null);
}

/** `make_timespan([d,] h, m [, s])` */
function madeSpan(...args: string[]): bigint | null {
  const values = args.map(realIn);
  if (values.includes(null)) return null;
  const numbers = values as number[];
  const [days, hours, minutes, seconds] =
    numbers.length === 4
      ? (numbers as [number, number, number, number])
      : [0, numbers[0]!, numbers[1]!, numbers[2] ?? 0];
  return (
    BigInt(days) * ticksPerDay +
    BigInt(hours) * ticksPerHour +
    BigInt(minutes) * ticksPerMinute +
    BigInt(Math.round(seconds * 1e7))
  );
}

/** The offset of a time zone at a moment, in ticks; undefined for a zone that nobody knows. */
function zoneOffset(zone: string, utc: bigint): bigint | undefined {
  try {
    const format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    const milliseconds = Number((utc - unixEpoch) / 10_000n);
    const parts = Object.fromEntries(
      format.formatToParts(milliseconds).map(({ type, value }) => [type, Number(value)]),
    );
    const local = Date.UTC(parts.year!, parts.month! - 1, parts.day!, parts.hour!, parts.minute!, parts.second!);
    return BigInt(local - Math.floor(milliseconds / 1000) * 1000) * 10_000n;
  } catch {
    return undefined;
  }
}

function toLocal(utc: string, zone: string): bigint | null {
  const ticks = longIn(utc);
  if (ticks === null) return null;
  const offset = zoneOffset(textIn(zone), ticks);
  return inRange(offset === undefined ? undefined : ticks + offset);
}

function toUtc(local: string, zone: string): bigint | null {
  const ticks = longIn(local);
  if (ticks === null) return null;
  const guess = zoneOffset(textIn(zone), ticks);
  if (guess === undefined) return null;
  // The offset is that of the moment itself, which the first guess only comes near to.
  return inRange(ticks - (zoneOffset(textIn(zone), ticks - guess) ?? guess));
}

export const datetimeFunctions: Readonly<Record<string, CalledFunction>> = {
  datetime_add: long(added),
  datetime_diff: long(difference),
  datetime_part: long(partOf),
  datetime_local_to_utc: long(toUtc),
  datetime_utc_to_local: long(toLocal),
  make_datetime: long(made),
  make_timespan: long(madeSpan),
  startofday: starts("day"),
  startofweek: starts("week"),
  startofmonth: starts("month"),
  startofyear: starts("year"),
  endofday: ends("day"),
  endofweek: ends("week"),
  endofmonth: ends("month"),
  endofyear: ends("year"),
};
