import { numberLabel, timeLabels, timespanText, timespanTicks, timeTicks } from "./chart-labels.js";
import { layersOf } from "./chart-layers.js";
import { color } from "./chart-library.js";

/**
 * @typedef {import("./chart-plan.js").Plan} Plan
 * @typedef {{ readonly x: number, readonly y: number | null, readonly value: number | undefined }} Datum
 * @typedef {import("./chart-layers.js").Layer} Layer
 * @typedef {{ readonly faint: string, readonly line: string, readonly card: string, readonly onSeries: string, readonly series: readonly string[], readonly family: string }} Theme
 * @typedef {import("chart.js").ChartConfiguration<any, any, any>} Config
 */

/** The average width of an axis letter, in pixels. */
const letter = 6.2;
const fontSize = 11;
/** The width of the longest time label and the gap after it, in pixels. */
const labelRoom = 86;
/** In CSS pixels. Browsers limit a canvas to about 16,000 device pixels, and a screen may have four of those per CSS pixel. */
const tallest = 4000;

/** The height of the canvas, in pixels. @param {Plan} plan @param {ReadonlySet<number>} hidden */
export function heightOf({ shape, stacking, categories, series }, hidden) {
  if (shape !== "bar") return 340;
  const each = stacking === "none" ? Math.max(22, Math.min(8, series.length - hidden.size) * 9 + 6) : 24;
  return Math.min(tallest, Math.max(160, categories.length * each + 60));
}

/** Eight colours. Series beyond the eighth repeat them with other dashes and paler fills. @param {number} index */
export const styleOf = (index) => ({
  colour: index % 8,
  dash: [[], [6, 3], [2, 3], [9, 3, 2, 3], [14, 4]][Math.floor(index / 8) % 5] ?? [],
  opacity: [1, 0.55, 0.35, 0.75, 0.45][Math.floor(index / 8) % 5] ?? 1,
});

/**
 * Makes the library's configuration from a plan.
 *
 * @param {Plan} plan
 * @param {ReadonlySet<number>} hidden Indexes of the series that the legend hides.
 * @param {Theme} theme
 * @returns {Config}
 */
export function chartConfig(plan, hidden, theme) {
  const layers = layersOf(plan, hidden);
  const isPie = plan.shape === "pie";
  return {
    type: plan.shape === "area" ? "line" : plan.shape === "column" ? "bar" : plan.shape,
    data: {
      labels: isPie ? layers.map(({ name }) => name) : [...plan.categories],
      datasets: isPie ? [slicesOf(layers, theme)] : layers.map((_, at) => datasetOf(plan, layers, at, theme)),
    },
    options: {
      animation: false,
      maintainAspectRatio: false,
      indexAxis: plan.shape === "bar" ? "y" : "x",
      interaction: interactionOf(plan),
      font: { family: theme.family, size: fontSize },
      color: theme.faint,
      layout: { padding: { top: 8, right: 12, bottom: isPie ? 8 : 0, left: 0 } },
      scales: isPie ? {} : scalesOf(plan, theme),
      plugins: { shares: { color: theme.onSeries }, legend: { display: false } },
    },
  };
}

/** Which marks the tip describes: all series at one x, or the mark under the pointer. @param {Plan} plan */
function interactionOf({ shape }) {
  if (shape === "line" || shape === "area") return { mode: "nearest", axis: "x", intersect: false };
  if (shape === "pie" || shape === "scatter") return { mode: "nearest", axis: "xy", intersect: true };
  return { mode: "index", axis: shape === "bar" ? "y" : "x", intersect: false };
}

/** @param {readonly Layer[]} layers @param {Theme} theme */
const slicesOf = (layers, theme) => ({
  data: layers.map(({ index, points }) => ({ value: points[0]?.value ?? 0, series: index })),
  backgroundColor: layers.map(({ index }) => filled(index, theme, 1)),
  hoverBackgroundColor: layers.map(({ index }) => filled(index, theme, 0.85)),
  borderColor: theme.card,
  hoverBorderColor: theme.card,
  borderWidth: 1.5,
});

/** @param {number} index @param {Theme} theme @param {number} opacity */
function filled(index, { series, faint }, opacity) {
  const style = styleOf(index);
  return color(series[style.colour] ?? faint)
    .alpha(style.opacity * opacity)
    .rgbString();
}

/** @param {Plan} plan @param {readonly Layer[]} layers @param {number} at @param {Theme} theme */
function datasetOf({ shape, stacking }, layers, at, theme) {
  const { index, name, points } = layers[at] ?? { index: 0, name: "", points: [] };
  const { colour, dash } = styleOf(index);
  const own = theme.series[colour];
  const data = shape === "bar" ? points.map(({ x, y, value }) => ({ x: y, y: x, value })) : points;
  const dataset = {
    label: name,
    series: index,
    data,
    parsing: false,
    clip: 5,
    backgroundColor: filled(index, theme, 1),
  };
  if (shape === "bar" || shape === "column")
    return {
      ...dataset,
      hoverBackgroundColor: filled(index, theme, 0.85),
      categoryPercentage: 0.82,
      barPercentage: stacking === "none" ? 0.95 : 1,
    };
  if (shape === "scatter") return { ...dataset, borderWidth: 0, radius: 3.5, hoverRadius: 6, hitRadius: 10 };
  return {
    ...dataset,
    borderColor: own,
    borderWidth: 1.8,
    borderDash: dash,
    borderJoinStyle: "round",
    pointBackgroundColor: own,
    pointBorderWidth: 0,
    pointHoverBorderWidth: 1.5,
    pointHoverBorderColor: theme.card,
    pointRadius: radiusOf(points, layers.length <= 8),
    pointHoverRadius: 4.5,
    backgroundColor: filled(index, theme, 0.28),
    fill: shape === "area" && (stacking === "none" || at === 0 ? "origin" : "-1"),
  };
}

/** Dots where there are few points, or where a point between two gaps has no line. @param {readonly Datum[]} points @param {boolean} areFew */
function radiusOf(points, areFew) {
  if (points.length <= 40 && areFew) return 2.6;
  const isAlone = (/** @type {number} */ at) =>
    (points[at - 1]?.y ?? null) === null && (points[at + 1]?.y ?? null) === null;
  return points.some((_, at) => isAlone(at)) ? points.map((_, at) => (isAlone(at) ? 2.6 : 0)) : 0;
}

/** @param {Plan} plan @param {Theme} theme */
function scalesOf(plan, theme) {
  const { shape, xTitle, yTitle, xKind } = plan;
  const [color, font] = [theme.faint, { family: theme.family, size: fontSize }];
  /** @param {{ type: string, ticks: object }} scale @param {string} title @param {object} more */
  const dressed = (scale, title, more) => ({
    ...scale,
    stacked: plan.stacking !== "none",
    ticks: { ...scale.ticks, color, font },
    title: { display: title !== "", text: shortened(title, 80), color, font },
    ...more,
  });
  const title = shape === "bar" ? "" : xKind === "time" ? `${xTitle} (UTC)` : xTitle;
  const places = dressed(placeScale(plan), title, { grid: { display: false }, border: { color } });
  const values = dressed(valueScale(plan), yTitle, {
    grid: {
      drawTicks: false,
      color: (/** @type {{ tick?: { value: number } }} */ { tick }) => (tick?.value === 0 ? color : theme.line),
    },
    border: { display: false },
  });
  return shape === "bar" ? { x: values, y: places } : { x: places, y: values };
}

/** @param {Plan} plan */
function placeScale({ shape, categories, series, xKind, xMin, xMax }) {
  if (xKind !== "category") {
    const places = series.flatMap(({ points }) => points.map(({ x }) => x));
    const [first, last] = [Math.min(...places), Math.max(...places)];
    const [min, max] = [xMin ?? first, xMax ?? last];
    const around = first < last ? 0 : xKind === "time" ? 30_000 : 1;
    const range = min < max ? { min, max } : { min: first - around, max: last + around };
    return { type: "linear", ...range, ...ticked(xKind) };
  }
  /** @this {import("chart.js").Scale} @param {number} at */
  function callback(at) {
    const room = shape === "bar" ? this.chart.width * 0.35 : Math.max(16 * letter, this.width / categories.length);
    return shortened(categories[at] ?? "", room / letter);
  }
  return { type: "category", ticks: { maxRotation: 40, callback } };
}

/** @param {Plan} plan */
function valueScale({ shape, stacking, isLog, yKind, yMin, yMax }) {
  const max = yMax ?? (stacking === "stacked100" ? 100 : undefined);
  const isRange = (yMin === undefined || max === undefined || yMin < max) && !(isLog && (yMin ?? 1) <= 0);
  const range = isRange ? { min: yMin, max } : {};
  if (isLog)
    return { type: "logarithmic", ...range, afterBuildTicks: powersOfTen, ticks: { format: { notation: "compact" } } };
  /** @param {import("chart.js").Scale} scale An axis that starts just above zero makes small differences look large. */
  const afterDataLimits = (scale) => {
    if (yMin === undefined && scale.min > 0 && (shape === "area" || scale.min < scale.max * 0.6)) scale.min = 0;
  };
  return { type: "linear", ...range, afterDataLimits, ...ticked(stacking === "stacked100" ? "number" : yKind) };
}

/** @param {import("chart.js").Scale} scale */
function powersOfTen(scale) {
  if (scale.max / scale.min > 300) scale.ticks = scale.ticks.filter(({ major }) => major);
}

/** Ticks of numbers, times or timespans, with their labels. @param {Plan["xKind"]} kind */
function ticked(kind) {
  /** @typedef {import("chart.js").Scale} Scale */
  const ticks = {
    includeBounds: false,
    maxTicksLimit: 8,
    maxRotation: 0,
    autoSkip: kind !== "time",
    /** @this {Scale} @param {number} at @param {number} index @param {{ value: number }[]} all */
    callback(at, index, all) {
      if (kind === "time") return timeLabels(all.map(({ value }) => value))[index];
      if (kind === "timespan") return timespanText(at);
      return numberLabel(at, Math.max(Math.abs(this.min), Math.abs(this.max)));
    },
  };
  if (kind !== "time" && kind !== "timespan") return { ticks };
  /** @param {Scale} scale */
  const afterBuildTicks = (scale) => {
    const most = scale.isHorizontal() ? scale.width / labelRoom : 7;
    const own = (kind === "time" ? timeTicks : timespanTicks)(scale.min, scale.max, most);
    if (own) scale.ticks = own.map((value) => ({ value }));
  };
  return { ticks, afterBuildTicks };
}

/** @param {string} text @param {number} letters */
const shortened = (text, letters) =>
  text.length <= letters ? text : `${text.slice(0, Math.max(1, Math.floor(letters) - 1))}…`;
