import { chartConfig, heightOf, styleOf } from "./chart-config.js";
import { valueLabel } from "./chart-labels.js";
import { Chart } from "./chart-library.js";
import { cursor, shares } from "./chart-marks.js";
import { drawn, element } from "./elements.js";

/**
 * @typedef {import("./chart-plan.js").Plan} Plan
 * @typedef {import("chart.js").Chart<any, any, any>} Drawing
 * @typedef {import("chart.js").ActiveElement} Mark
 */

const mostLines = 12;

/**
 * Draws a plan at the width of its container. The legend hides and shows series. Pointer and arrow keys show values in a tip.
 *
 * @param {Plan} plan
 * @param {AbortSignal} signal Aborted when the chart is no longer shown.
 * @returns {HTMLElement}
 */
export function chart(plan, signal) {
  /** @type {Set<number>} */
  const hidden = new Set();
  const canvas = element("canvas", { tabindex: "0", role: "img", "aria-label": labelOf(plan) });
  const tip = element("div", { class: "tip", hidden: true, role: "status" });
  const stage = element("div", { class: "stage" }, canvas, tip);
  const drawing = new Chart(canvas, { ...configured(), plugins: [cursor, shares] });
  stage.style.height = `${heightOf(plan, hidden)}px`;

  function configured() {
    const config = chartConfig(plan, hidden, themeOf());
    config.options.plugins.tooltip = {
      enabled: false,
      filter: (/** @type {any} */ { raw }) => raw.value !== undefined,
      itemSort: (/** @type {any} */ a, /** @type {any} */ b) => b.raw.value - a.raw.value,
      external: (/** @type {any} */ { tooltip }) => tell(plan, tip, tooltip),
    };
    return config;
  }

  function drawAgain() {
    const config = configured();
    leave();
    stage.style.height = `${heightOf(plan, hidden)}px`;
    [drawing.data, drawing.options] = [config.data, config.options];
    drawing.update();
  }

  /** @param {Mark[]} marks */
  function show(marks) {
    drawing.setActiveElements(marks);
    drawing.tooltip?.setActiveElements(marks, { x: 0, y: 0 });
    drawing.draw();
  }

  function leave() {
    show([]);
    tip.hidden = true;
  }

  canvas.addEventListener("blur", leave);
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") leave();
    if (step === undefined) return;
    event.preventDefault();
    const stops = stopsOf(plan, drawing);
    const [active] = drawing.getActiveElements();
    const before = stops.findIndex((marks) =>
      marks.some(({ datasetIndex, index }) => datasetIndex === active?.datasetIndex && index === active.index),
    );
    const next = before === -1 ? (step === 1 ? 0 : stops.length - 1) : before + step;
    show(stops[Math.max(0, Math.min(stops.length - 1, next))] ?? []);
  });
  const legend = element("div", { class: "legend" });
  if (plan.hasLegend && (plan.series.length > 1 || plan.shape === "pie"))
    legend.append(
      ...plan.series.map(({ name }, index) => {
        const button = element("button", { "aria-pressed": "true", title: "Hide or show" }, swatch(plan, index), name);
        button.addEventListener("click", () => {
          if (!hidden.delete(index)) hidden.add(index);
          button.setAttribute("aria-pressed", String(!hidden.has(index)));
          drawAgain();
        });
        return button;
      }),
    );
  // A canvas keeps the colours that it was drawn with.
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAgain, { signal });
  signal.addEventListener("abort", () => drawing.destroy(), { once: true });
  return element(
    "figure",
    { class: "chart" },
    plan.title !== "" && element("figcaption", {}, plan.title),
    stage,
    legend,
    ...plan.notes.map((note) => element("p", { class: "note" }, note)),
  );
}

/** @param {Plan} plan */
const labelOf = ({ shape, title, xTitle, series }) =>
  `${title || `${shape} chart over ${xTitle}`}: ${series
    .slice(0, 10)
    .map(({ name }) => name)
    .join(", ")}. The arrow keys tell its values.`;

/** The page's current colours and font. @returns {import("./chart-config.js").Theme} */
function themeOf() {
  const style = getComputedStyle(document.documentElement);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  return {
    faint: colour("faint"),
    line: colour("line"),
    card: colour("card"),
    onSeries: colour("on-accent"),
    series: [1, 2, 3, 4, 5, 6, 7, 8].map((each) => colour(`s${each}`)),
    family: getComputedStyle(document.body).fontFamily,
  };
}

/** A sample of a series for the legend. @param {Plan} plan @param {number} index */
function swatch({ shape }, index) {
  const { colour, dash, opacity } = styleOf(index);
  const isLine = shape === "line" || shape === "area";
  return drawn(
    "svg",
    { class: `swatch series-${colour + 1}`, width: isLine ? 22 : 10, height: 10, "aria-hidden": "true" },
    isLine
      ? drawn("line", { x1: 0, x2: 22, y1: 5, y2: 5, "stroke-width": 2.5, "stroke-dasharray": dash.join(" ") })
      : drawn("rect", { width: 10, height: 10, rx: 2, "fill-opacity": opacity }),
  );
}

/**
 * The stops of the arrow keys: each x with all its marks, or each dot or slice by itself.
 *
 * @param {Plan} plan
 * @param {Drawing} drawing
 * @returns {Mark[][]}
 */
function stopsOf({ shape }, drawing) {
  /** @type {Map<string | number, { place: number, marks: Mark[] }>} */
  const stops = new Map();
  for (const { index: datasetIndex, data } of drawing.getSortedVisibleDatasetMetas())
    for (const [index, mark] of data.entries()) {
      const { x, y, value } = drawing.data.datasets[datasetIndex].data[index];
      if (value === undefined || x === null || y === null) continue;
      const place = shape === "pie" || shape === "bar" ? index : x;
      const key = shape === "scatter" ? `${datasetIndex} ${index}` : place;
      /** @type {{ place: number, marks: Mark[] }} */
      const stop = stops.get(key) ?? { place, marks: [] };
      stop.marks.push({ datasetIndex, index, element: mark });
      stops.set(key, stop);
    }
  const inOrder = [...stops.values()].sort((a, b) => a.place - b.place);
  return inOrder.map(({ marks }) => marks);
}

/**
 * Writes the values at the pointer into the tip, and places the tip beside them.
 *
 * @param {Plan} plan
 * @param {HTMLElement} tip
 * @param {import("chart.js").TooltipModel<any>} tooltip
 */
function tell(plan, tip, { opacity, dataPoints, caretX, caretY, chart: { width, height, chartArea } }) {
  const [first] = dataPoints ?? [];
  tip.hidden = opacity === 0 || !first;
  if (!first || tip.hidden) return;
  tip.replaceChildren(
    element("strong", {}, titleOf(plan, first)),
    ...dataPoints.slice(0, mostLines).map((point) => {
      const { value, series } = pointOf(plan, point);
      const name = plan.shape === "pie" ? shareOf(point) : plan.series[series]?.name;
      return element("div", {}, swatch(plan, series), `${name}: `, element("b", {}, valueLabel(plan.yKind, value)));
    }),
    dataPoints.length > mostLines ? element("div", {}, `and ${dataPoints.length - mostLines} more`) : "",
  );
  const isOver = plan.shape === "line" || plan.shape === "area";
  const left = caretX + 14 + tip.offsetWidth > width ? caretX - 14 - tip.offsetWidth : caretX + 14;
  tip.style.left = `${Math.max(0, left)}px`;
  tip.style.top = `${Math.max(0, Math.min(isOver ? chartArea.top : caretY, height - tip.offsetHeight))}px`;
}

/** @param {Plan} plan @param {any} point */
const pointOf = ({ shape }, { raw, dataset }) => ({
  value: raw.value,
  series: shape === "pie" ? raw.series : dataset.series,
  place: shape === "bar" ? raw.y : raw.x,
});

/** @param {Plan} plan @param {import("chart.js").TooltipItem<any>} point */
function titleOf(plan, point) {
  const { series, place } = pointOf(plan, point);
  const { shape, xKind, xTitle, categories } = plan;
  if (shape === "pie") return plan.series[series]?.name ?? "";
  if (xKind === "category") return categories[place] ?? "";
  return `${xKind === "time" ? "" : `${xTitle} `}${valueLabel(xKind, place)}`;
}

/** `31.3%` @param {any} point */
function shareOf({ raw, dataset: { data } }) {
  const whole = data.reduce((/** @type {number} */ sum, /** @type {{ value: number }} */ { value }) => sum + value, 0);
  return `${((100 * raw.value) / (whole || 1)).toFixed(1)}%`;
}
