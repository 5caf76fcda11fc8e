/**
 * Kusto's clock: ticks of 100 ns, datetimes counted from 0001-01-01T00:00:00Z. Text in, text out, exact over all of
 * years 0001 to 9999 and all 64 bits of a timespan.
 */
export const ticksPerMillisecond = 10_000n;
export const ticksPerSecond = 10_000_000n;
export const ticksPerMinute = 600_000_000n;
export const ticksPerHour = 36_000_000_000n;
export const ticksPerDay = 864_000_000_000n;
/** Ticks at 1970-01-01T00:00:00Z. */
export const unixEpoch = 621_355_968_000_000_000n;
/** One past the last tick of 9999-12-31. */
export const datetimeEnd = 3_155_378_976_000_000_000n;

export function nowTicks(): bigint {
  return unixEpoch + BigInt(Date.now()) * ticksPerMillisecond;
}

/** Days from 0001-01-01 of the proleptic Gregorian calendar; no check of the day. */
function daysBefore(year: number, month: number, day: number): number {
  // March-based year, after Howard Hinnant's "chrono-compatible low-level date algorithms".
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 306;
}

function civil(days: number): [year: number, month: number, day: number] {
  const z = days + 306;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  const month = marchMonth + (marchMonth < 10 ? 3 : -9);
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day];
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

export interface CivilTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** 100 ns, 0 to 9 999 999. */
  readonly fraction: number;
  readonly offsetMinutes: number;
}

/** Ticks of a civil time, or undefined if there is no such moment in years 0001 to 9999. */
export function ticksOf(t: CivilTime): bigint | undefined {
  if (t.year < 1 || t.year > 9999 || t.month < 1 || t.month > 12 || t.day < 1 || t.day > daysIn(t.year, t.month))
    return undefined;
  if (t.hour > 23 || t.minute > 59 || t.second > 59) return undefined;
  const seconds = t.hour * 3600 + (t.minute - t.offsetMinutes) * 60 + t.second;
  const ticks = BigInt(daysBefore(t.year, t.month, t.day)) * ticksPerDay + BigInt(seconds * 1e7 + t.fraction);
  return ticks >= 0n && ticks < datetimeEnd ? ticks : undefined;
}

/** The civil time of a moment. */
export function civilTime(ticks: bigint): CivilTime {
  const days = ticks / ticksPerDay;
  const [year, month, day] = civil(Number(days));
  const inDay = Number(ticks - days * ticksPerDay);
  const seconds = Math.floor(inDay / 1e7);
  return {
    year,
    month,
    day,
    hour: Math.floor(seconds / 3600),
    minute: Math.floor(seconds / 60) % 60,
    second: seconds % 60,
    fraction: inDay % 1e7,
    offsetMinutes: 0,
  };
}

const two = (n: number | bigint) => (n < 10 ? `0${n}` : String(n));

/** `2014-05-25T08:20:03.123Z`: the fraction as long as it needs to be, as Kusto writes it in JSON. */
export function datetimeText(ticks: bigint): string {
  const day = ticks / ticksPerDay;
  const [year, month, dayOfMonth] = civil(Number(day));
  const date = `${String(year).padStart(4, "0")}-${two(month)}-${two(dayOfMonth)}`;
  return `${date}T${clock(ticks - day * ticksPerDay).replace(/(\.\d*?)0+$/, "$1")}Z`;
}

/** `[-][d.]hh:mm:ss[.fffffff]` */
export function timespanText(ticks: bigint): string {
  const size = ticks < 0n ? -ticks : ticks;
  const days = size / ticksPerDay;
  const text = `${days === 0n ? "" : `${days}.`}${clock(size - days * ticksPerDay)}`;
  return ticks < 0n ? `-${text}` : text;
}

/** A time within a day: 864e9 ticks are exact in a double. */
function clock(ticksInDay: bigint): string {
  const n = Number(ticksInDay);
  const fraction = n % 1e7;
  const seconds = (n - fraction) / 1e7;
  const text = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return fraction === 0 ? text : `${text}.${String(fraction).padStart(7, "0")}`;
}

/** `tostring()` of a datetime has all seven digits. */
export function longDatetimeText(ticks: bigint): string {
  return datetimeText(ticks).replace(
    /(?:\.(\d+))?Z$/,
    (_, digits: string | undefined) => `.${(digits ?? "").padEnd(7, "0")}Z`,
  );
}
