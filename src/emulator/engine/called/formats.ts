import { civilTime, ticksPerDay } from "../../values/ticks.ts";
import type { CalledFunction } from "./called-function.ts";
import { longIn, textIn } from "./json-values.ts";

const text = (act: CalledFunction["act"]): CalledFunction => ({ gives: "text", takesTicks: true, act });

const padded = (value: number | bigint, width: number) => String(value).padStart(width, "0");

/** The leading digits of a second's fraction; capital letters leave out what is zero. */
const fraction = (ticks: number, format: string) => {
  const digits = padded(ticks, 7).slice(0, format.length);
  return format.startsWith("F") ? digits.replace(/0+$/, "") : digits;
};

type Civil = ReturnType<typeof civilTime>;

/** What stands for a part of a format; made once, since an object of functions for each value took ten times as long. */
const datetimeParts: Readonly<Record<string, ((time: Civil) => string) | undefined>> = {
  yyyy: ({ year }) => padded(year, 4),
  yy: ({ year }) => padded(year % 100, 2),
  y: ({ year }) => String(year % 100),
  MM: ({ month }) => padded(month, 2),
  M: ({ month }) => String(month),
  dd: ({ day }) => padded(day, 2),
  d: ({ day }) => String(day),
  HH: ({ hour }) => padded(hour, 2),
  H: ({ hour }) => String(hour),
  hh: ({ hour }) => padded(hour % 12 || 12, 2),
  h: ({ hour }) => String(hour % 12 || 12),
  mm: ({ minute }) => padded(minute, 2),
  m: ({ minute }) => String(minute),
  ss: ({ second }) => padded(second, 2),
  s: ({ second }) => String(second),
  tt: ({ hour }) => (hour < 12 ? "AM" : "PM"),
};

function formattedDatetime(datetime: string, format: string): string | null {
  const ticks = longIn(datetime);
  if (ticks === null) return null;
  const time = civilTime(ticks);
  return textIn(format).replaceAll(
    /y{4}|y{1,2}|M{1,2}|d{1,2}|H{1,2}|h{1,2}|m{1,2}|s{1,2}|tt|f{1,7}|F{1,7}/g,
    (found) => datetimeParts[found]?.(time) ?? fraction(time.fraction, found),
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
