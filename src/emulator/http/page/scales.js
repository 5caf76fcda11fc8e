/** @typedef {{ readonly at: number, readonly label: string }} Tick */

/**
 * Round numbers over a range, at most about `count` of them.
 *
 * @param {number} min
 * @param {number} max
 * @param {number} count
 * @returns {Tick[]}
 */
export function numberTicks(min, max, count) {
  const step = roundStep((max - min) / Math.max(1, count));
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const first = Math.ceil(min / step - 1e-9);
  const last = Math.floor(max / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => {
    const at = (first + index) * step;
    return { at, label: numberText(at, decimals) };
  });
}

/** 1, 2 or 5 times a power of ten. @param {number} rough */
export function roundStep(rough) {
  if (!(rough > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const times = rough / power;
  return power * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

/**
 * Powers of ten over a range of positive numbers.
 *
 * @param {number} min
 * @param {number} max
 * @param {number} count
 * @returns {Tick[]}
 */
export function logTicks(min, max, count) {
  const [low, high] = [Math.ceil(Math.log10(min) - 1e-9), Math.floor(Math.log10(max) + 1e-9)];
  const step = Math.max(1, Math.ceil((high - low + 1) / Math.max(1, count)));
  /** @type {Tick[]} */
  const ticks = [];
  for (let power = low; power <= high; power += step)
    ticks.push({ at: 10 ** power, label: numberText(10 ** power, Math.max(0, -power)) });
  return ticks;
}

const suffixes = /** @type {const} */ ([
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
]);

/** `12.5k` @param {number} value @param {number} decimals */
export function numberText(value, decimals) {
  const size = Math.abs(value);
  if (size >= 1e15 || (size > 0 && size < 1e-6)) return value.toExponential(1);
  if (size >= 10_000)
    for (const [unit, suffix] of suffixes) if (size >= unit) return `${trimmed((value / unit).toFixed(2))}${suffix}`;
  return value.toFixed(Math.min(decimals, 8));
}

/** @param {string} text */
const trimmed = (text) => text.replace(/\.?0+$/, "");

const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000];
const steps = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((count) => count * second),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * minute),
  ...[1, 2, 3, 6, 12].map((count) => count * hour),
  ...[1, 2, 4, 7, 14].map((count) => count * day),
];
const monthSteps = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 2400, 6000];

/**
 * Round times over a range of milliseconds since 1970, in UTC as all of Kusto's are.
 *
 * @param {number} min
 * @param {number} max
 * @param {number} count
 * @returns {Tick[]}
 */
export function timeTicks(min, max, count) {
  const rough = (max - min) / Math.max(1, count);
  const step = steps.find((each) => each >= rough);
  if (step === undefined) return monthTicks(min, max, rough);
  const first = Math.ceil(min / step);
  const ticks = Array.from(
    { length: Math.max(0, Math.floor(max / step) - first + 1) },
    (_, index) => (first + index) * step,
  );
  return ticks.map((at, index) => ({ at, label: timeLabel(at, step, ticks[index - 1]) }));
}

/** @param {number} min @param {number} max @param {number} rough @returns {Tick[]} */
function monthTicks(min, max, rough) {
  const step = monthSteps.find((months) => months * 30 * day >= rough) ?? 12_000;
  const date = new Date(min);
  /** @type {Tick[]} */
  const ticks = [];
  for (let month = Math.ceil((date.getUTCFullYear() * 12 + date.getUTCMonth()) / step) * step; ; month += step) {
    const at = new Date(0).setUTCFullYear(Math.floor(month / 12), month % 12, 1);
    if (!(at <= max)) return ticks;
    const [year = "", name = ""] = [String(Math.floor(month / 12)), monthNames[month % 12]];
    if (at >= min)
      ticks.push({
        at,
        label: step % 12 === 0 ? year : month % 12 === 0 || ticks.length === 0 ? `${name} ${year}` : name,
      });
  }
}

const monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** The day where it is the first tick of it, else what the step lets differ. @param {number} at @param {number} step @param {number | undefined} before */
function timeLabel(at, step, before) {
  const date = new Date(at);
  const iso = date.toISOString();
  const dayText = `${date.getUTCDate()} ${monthNames[date.getUTCMonth()]}`;
  if (step >= day) return before === undefined ? `${dayText} ${date.getUTCFullYear()}` : dayText;
  const time = step >= minute ? iso.slice(11, 16) : step >= second ? iso.slice(11, 19) : iso.slice(14, 23);
  return before === undefined || Math.floor(before / day) !== Math.floor(at / day) ? `${dayText} ${time}` : time;
}

/** A time to the digit that matters. @param {number} at */
export function timeText(at) {
  return new Date(at)
    .toISOString()
    .replace("T", " ")
    .replace(/(:00)?\.000Z$|Z$/, "");
}
