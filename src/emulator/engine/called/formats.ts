import { civilTime, ticksPerDay } from "../ticks.ts";
import type { CalledFunction } from "./called.ts";
import { longIn, textIn } from "./json-values.ts";

const text = (act: CalledFunction["act"]): CalledFunction => ({ gives: "text", takesTicks: true, act });

const padded = (value: number | bigint, width: number) => String(value).padStart(width, "0");

/** The leading digits of a second's fraction; capital letters leave out what is zero. */
const fraction = (ticks: number, format: string) => {
  const digits = padded(ticks, 7).slice(0, format.length);
  return format.startsWith("F") ? digits.replace(/0+$/, "") : digits;
};

function formattedDatetime(datetime: string, format: string): string | null {
  const ticks = longIn(datetime);
  if (ticks === null) return null;
  const { year, month, day, hour, minute, second, fraction: rest } = civilTime(ticks);
  const parts: Readonly<Record<string, () => string>> = {
    yyyy: () => padded(year, 4),
    yy: () => padded(year % 100, 2),
    y: () => String(year % 100),
    MM: () => padded(month, 2),
    M: () => String(month),
    dd: () => padded(day, 2),
    d: () => String(day),
    HH: () => padded(hour, 2),
    H: () => String(hour),
    hh: () => padded(hour % 12 || 12, 2),
    h: () => String(hour % 12 || 12),
    mm: () => padded(minute, 2),
    m: () => String(minute),
    ss: () => padded(second, 2),
    s: () => String(second),
    tt: () => (hour < 12 ? "AM" : "PM"),
  };
  return textIn(format).replaceAll(
    /y{4}|y{1,2}|M{1,2}|d{1,2}|H{1,2}|h{1,2}|m{1,2}|s{1,2}|tt|f{1,7}|F{1,7}/g,
    (found) => (parts[found] ? parts[found]() : fraction(rest, found)),
  );
}

function formattedTimespan(timespan: string, format: string): string | null {
  const ticks = longIn(timespan);
  if (ticks === null) return null;
  const size = ticks < 0n ? -ticks : ticks;
  const inDay = Number(size % ticksPerDay);
  const seconds = Math.floor(inDay / 1e7);
  const [hour, minute, second] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const parts: Readonly<Record<string, number>> = { H: hour, h: hour, m: minute, s: second };
  const out = textIn(format).replaceAll(/d{1,8}|H{1,2}|h{1,2}|m{1,2}|s{1,2}|f{1,7}|F{1,7}/g, (found) => {
    if (found.startsWith("d")) return padded(size / ticksPerDay, found.length);
    const value = parts[found[0]!];
    return value === undefined ? fraction(inDay % 1e7, found) : padded(value, found.length);
  });
  return ticks < 0n ? `-${out}` : out;
}

export const formatFunctions: Readonly<Record<string, CalledFunction>> = {
  format_datetime: text(formattedDatetime),
  format_timespan: text(formattedTimespan),
};
