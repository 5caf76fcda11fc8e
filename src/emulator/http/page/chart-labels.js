// Formats the values of a chart's axes and tip, and places the ticks of times and timespans.
import { utcTicks } from "./chart-library.js";

/** @typedef {"number" | "time" | "timespan" | "category"} Kind */

const [minute, day] = [60_000, 86_400_000];
const number = (/** @type {Intl.NumberFormatOptions} */ options) =>
  new Intl.NumberFormat("en", { maximumSignificantDigits: 12, useGrouping: "min2", ...options });
const [plain, compact, scientific] = [number({}), number({ notation: "compact" }), number({ notation: "scientific" })];

/** A number on an axis whose largest absolute value is `most`. @param {number} at @param {number} most */
export function numberLabel(at, most) {
  if (most > 0 && (most < 1e-4 || most >= 1e15)) return scientific.format(at);
  return (most < 100_000 ? plain : compact).format(at);
}

/** A value in full, without the noise of binary fractions. @param {Kind} kind @param {number} value */
export function valueLabel(kind, value) {
  if (kind === "time") return isoText(value).replace(/(:00)?\.000Z$|Z$/, "");
  if (kind === "timespan") return timespanText(value);
  return numberLabel(value, Math.abs(value) < 1e15 ? Math.min(1, Math.abs(value)) : Math.abs(value));
}

/**
 * The ticks of a time axis, in milliseconds since 1970.
 *
 * @param {number} min
 * @param {number} max
 * @param {number} most How many labels fit on the axis.
 */
export function timeTicks(min, max, most) {
  for (let count = 12; count > 0; count--) {
    const [first = 0, second = 0, ...others] = utcTicks(new Date(min), new Date(max), count).map(Number);
    if ((second - first) * most >= max - min) return [first, second, ...others];
  }
  return [min, max];
}

/**
 * Labels of time ticks: the part of the date that differs between neighbours, with the rest on a second line where it changes.
 *
 * @param {readonly number[]} ticks
 * @returns {(string | string[])[]}
 */
export function timeLabels([first = 0, second = first, ...others]) {
  const [fine, coarse] = partsOfTime(second - first);
  let before = "";
  return [first, second, ...others].map((at) => {
    const below = coarse(at);
    const label = below === before ? fine(at) : [fine(at), below];
    before = below;
    return label;
  });
}

/** @param {number} step @returns {[fine: (at: number) => string, coarse: (at: number) => string]} */
function partsOfTime(step) {
  const date = (/** @type {Intl.DateTimeFormatOptions} */ options) => {
    const format = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options });
    return (/** @type {number} */ at) => format.format(at);
  };
  const year = (/** @type {number} */ at) => String(new Date(at).getUTCFullYear());
  if (step >= 360 * day) return [year, () => ""];
  if (step >= 28 * day) return [date({ month: "short" }), year];
  if (step >= day) return [date({ day: "numeric", month: "short" }), year];
  const digits = step >= minute ? 16 : step >= 1000 ? 19 : 23;
  return [(at) => isoText(at).slice(11, digits), date({ day: "numeric", month: "short", year: "numeric" })];
}

/** @param {number} at */
const isoText = (at) => new Date(at).toISOString().replace("T", " ");

const timespanSteps = [
  ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200],
  ...Array.from({ length: 24 }, (_, at) => 86_400 * ([1, 2, 5][at % 3] ?? 1) * 10 ** Math.floor(at / 3)),
];

/**
 * The ticks of a timespan axis, in seconds. Undefined for steps below a second: the library's decimal ticks fit those.
 *
 * @param {number} min
 * @param {number} max
 * @param {number} most
 */
export function timespanTicks(min, max, most) {
  const step = timespanSteps.find((each) => each * most >= max - min) ?? Number.POSITIVE_INFINITY;
  const first = Math.ceil(min / step);
  if (max - min < most / 2) return undefined;
  return Array.from({ length: Math.floor(max / step) - first + 1 }, (_, at) => (first + at) * step);
}

/** `1.02:03:04.5`, as Kusto writes it. @param {number} seconds */
export function timespanText(seconds) {
  const size = Math.abs(seconds);
  // A double has 15 exact decimal digits, and a timespan has seven after the point.
  const decimals = Math.max(0, Math.min(7, 14 - Math.floor(Math.log10(size || 1))));
  const [total = "", fraction = ""] = size.toFixed(decimals).split(".");
  const days = Math.floor(Number(total) / 86_400);
  const clock = new Date((Number(total) % 86_400) * 1000).toISOString().slice(11, 19);
  const rest = fraction.replace(/0+$/, "");
  return `${seconds < 0 ? "-" : ""}${days > 0 ? `${days}.` : ""}${clock}${rest === "" ? "" : `.${rest}`}`;
}
