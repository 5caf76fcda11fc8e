import { heightsOf, layersOf } from "./chart-layers.js";
import { drawn, element } from "./elements.js";
import { logTicks, numberText, numberTicks, timeText, timeTicks } from "./scales.js";

/**
 * @typedef {import("./chart-plan.js").Plan} Plan
 * @typedef {import("./chart-layers.js").Layer} Layer
 * @typedef {import("./scales.js").Tick} Tick
 * @typedef {{ readonly title: string, readonly x: number, readonly y: number, readonly lines: readonly { index: number, name: string, text: string, height: number, y: number | undefined }[] }} Stop
 * @typedef {{ readonly place: (value: number) => number, readonly ticks: readonly Tick[], readonly band: number }} Scale
 * @typedef {{ readonly left: number, readonly right: number, readonly top: number, readonly bottom: number, readonly width: number, readonly height: number }} Frame
 * @typedef {{ readonly svg: SVGSVGElement, readonly frame: Frame, readonly stops: readonly Stop[] }} Drawing
 */

const chartHeight = 340;
/** The width of a letter of the axes, on average. */
const letter = 6.2;
const mostLines = 12;

/**
 * Draws a plan, as wide as there is room; the legend hides and shows series, pointer and arrow keys tell values.
 *
 * @param {Plan} plan
 * @returns {HTMLElement}
 */
export function chart(plan) {
  /** @type {Set<number>} */
  const hidden = new Set();
  const stage = element("div", { class: "stage", tabindex: "0", role: "img", "aria-label": labelOf(plan) });
  const tip = element("div", { class: "tip", hidden: true, role: "status" });
  const legend = element("div", { class: "legend" });
  /** @type {Drawing | undefined} */
  let drawing;
  let stopped = -1;
  let drawnWidth = 0;

  function draw() {
    const width = Math.floor(stage.clientWidth);
    if (width < 50) return;
    drawnWidth = width;
    drawing = plan.shape === "pie" ? drawPie(plan, width, hidden) : drawAxes(plan, width, hidden);
    stage.replaceChildren(drawing.svg, tip);
    leave();
  }

  /** @param {number} index */
  function stopAt(index) {
    const stop = drawing?.stops[index];
    if (!drawing || !stop) return leave();
    stopped = index;
    drawing.svg.querySelector(".cursor")?.replaceWith(cursorAt(plan, drawing.frame, stop));
    const most = stop.lines.toSorted((a, b) => b.height - a.height);
    tip.replaceChildren(
      element("strong", {}, stop.title),
      ...most
        .slice(0, mostLines)
        .map(({ index: series, name, text }) =>
          element("div", {}, swatch(series), `${name}: `, element("b", {}, text)),
        ),
      most.length > mostLines ? element("div", {}, `and ${most.length - mostLines} more`) : "",
    );
    tip.hidden = false;
    const left = stop.x + 14 + tip.offsetWidth > drawing.frame.width ? stop.x - 14 - tip.offsetWidth : stop.x + 14;
    tip.style.left = `${Math.max(0, left)}px`;
    tip.style.top = `${Math.max(0, Math.min(stop.y, drawing.frame.height - tip.offsetHeight))}px`;
  }

  function leave() {
    stopped = -1;
    tip.hidden = true;
    drawing?.svg.querySelector(".cursor")?.replaceChildren();
  }

  stage.addEventListener("pointermove", (event) => {
    if (!drawing) return;
    const box = stage.getBoundingClientRect();
    stopAt(nearest(plan, drawing, event.target, event.clientX - box.left, event.clientY - box.top));
  });
  stage.addEventListener("pointerleave", leave);
  stage.addEventListener("blur", leave);
  stage.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") leave();
    if (step === undefined || !drawing) return;
    event.preventDefault();
    const count = drawing.stops.length;
    stopAt(stopped === -1 ? (step === 1 ? 0 : count - 1) : Math.max(0, Math.min(count - 1, stopped + step)));
  });
  if (plan.hasLegend && (plan.series.length > 1 || plan.shape === "pie")) {
    legend.append(
      ...plan.series.map(({ name }, index) => {
        const button = element("button", { "aria-pressed": "true", title: "Hide or show" }, swatch(index), name);
        button.addEventListener("click", () => {
          if (!hidden.delete(index)) hidden.add(index);
          button.setAttribute("aria-pressed", String(!hidden.has(index)));
          draw();
        });
        return button;
      }),
    );
  }
  // Its height is the drawing's own, and drawing anew would take what is told at the pointer.
  new ResizeObserver(() => {
    if (Math.floor(stage.clientWidth) !== drawnWidth) draw();
  }).observe(stage);
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

/** Eight colours, then the same with another dash. @param {number} index */
const seriesClass = (index) => `series-${(index % 8) + 1}${index >= 8 ? " again" : ""}`;

/** @param {number} index */
const swatch = (index) => element("span", { class: `swatch ${seriesClass(index)}` });

/** @param {Plan} plan @param {number} width @param {ReadonlySet<number>} hidden @returns {Drawing} */
function drawAxes(plan, width, hidden) {
  const isBar = plan.shape === "bar";
  const layers = layersOf(plan, hidden);
  const [min, max] = heightsOf(plan, layers);
  const height = isBar ? Math.max(160, plan.categories.length * barHeight(plan, layers) + 60) : chartHeight;
  const valueTicks = plan.isLog ? logTicks(min, max, 6) : numberTicks(min, max, isBar ? Math.max(2, width / 90) : 6);
  const labels = isBar ? plan.categories : valueTicks.map(({ label }) => label);
  const widest = Math.min(isBar ? width * 0.35 : 90, Math.max(...labels.map((label) => label.length), 1) * letter);
  const left = Math.ceil(widest) + 12 + (plan.yTitle !== "" && !isBar ? 18 : 0);
  const across = width - left - 14;
  const turned =
    !isBar &&
    plan.xKind === "category" &&
    Math.max(...plan.categories.map(({ length }) => length)) * letter > across / plan.categories.length;
  const longest = Math.min(16, Math.max(...plan.categories.map(({ length }) => length), 1));
  const below = 24 + (turned ? longest * letter * 0.62 : 0) + (plan.xTitle !== "" ? 18 : 0);
  /** @type {Frame} */
  const frame = { left, right: width - 14, top: 10, bottom: height - below, width, height };
  const values = valueScale(
    plan,
    [min, max],
    valueTicks,
    isBar ? [frame.left, frame.right] : [frame.bottom, frame.top],
  );
  const places = placeScale(plan, isBar ? [frame.top, frame.bottom] : [frame.left, frame.right]);
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" });
  svg.append(axes(plan, frame, values, places, turned));
  const marks = drawn("g", { class: "marks" });
  for (const layer of layers) marks.append(...marksOf(plan, layer, layers, values, places, frame));
  const stops = stopsOf(plan, layers, values, places, frame);
  svg.append(marks, drawn("g", { class: "cursor" }));
  return { svg, frame, stops };
}

/** @param {Plan} plan @param {readonly Layer[]} layers */
const barHeight = ({ stacking }, layers) =>
  stacking === "none" ? Math.max(22, Math.min(8, layers.length) * 9 + 6) : 24;

/** @param {Plan} plan @param {[number, number]} domain @param {Tick[]} ticks @param {[number, number]} range @returns {Scale} */
function valueScale({ isLog }, [min, max], ticks, [from, to]) {
  const scaled = isLog
    ? (/** @type {number} */ value) => Math.log10(Math.max(value, min))
    : (/** @type {number} */ value) => value;
  const [low, high] = [scaled(min), scaled(max)];
  return { place: (value) => from + ((scaled(value) - low) / (high - low || 1)) * (to - from), ticks, band: 0 };
}

/** @param {Plan} plan @param {[number, number]} range @returns {Scale} */
function placeScale({ xKind, categories, series, xMin, xMax }, [from, to]) {
  if (xKind === "category") {
    const band = (to - from) / Math.max(1, categories.length);
    return {
      place: (value) => from + (value + 0.5) * band,
      band,
      ticks: categories.map((label, at) => ({ at, label })),
    };
  }
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { points } of series)
    for (const { x } of points) {
      min = Math.min(min, x);
      max = Math.max(max, x);
    }
  [min, max] = [xMin ?? min, xMax ?? max];
  if (!(min < max)) [min, max] = xKind === "time" ? [min - 30_000, min + 30_000] : [min - 1, min + 1];
  const count = Math.max(2, (to - from) / 95);
  return {
    place: (value) => from + ((value - min) / (max - min)) * (to - from),
    ticks: xKind === "time" ? timeTicks(min, max, count) : numberTicks(min, max, count),
    band: 0,
  };
}

/** @param {Plan} plan @param {Frame} frame @param {Scale} values @param {Scale} places @param {boolean} turned */
function axes(plan, { left, right, top, bottom, height }, values, places, turned) {
  const isBar = plan.shape === "bar";
  const [x, y] = isBar ? [values, places] : [places, values];
  const group = drawn("g", { class: "axes" });
  for (const { at, label } of values.ticks) {
    const place = values.place(at);
    group.append(
      isBar
        ? drawn("line", { x1: place, x2: place, y1: top, y2: bottom, class: "grid" })
        : drawn("line", { x1: left, x2: right, y1: place, y2: place, class: "grid" }),
    );
    if (!isBar) group.append(drawn("text", { x: left - 8, y: place + 4, "text-anchor": "end" }, label));
  }
  if (isBar)
    for (const { at, label } of y.ticks)
      group.append(
        drawn(
          "text",
          { x: left - 8, y: y.place(at) + 4, "text-anchor": "end" },
          shortened(label, (left - 12) / letter),
          drawn("title", {}, label),
        ),
      );
  // Labels that would lie on each other are left out.
  const wanted = turned ? 15 : plan.xKind === "category" && !isBar ? 0 : 1;
  let free = Number.NEGATIVE_INFINITY;
  for (const { at, label } of x.ticks) {
    const place = x.place(at);
    const half = turned ? wanted / 2 : (label.length * letter) / 2 + 4;
    if (wanted > 0 && place - half < free) continue;
    free = place + half;
    const inside = turned ? place : Math.min(Math.max(place, half), right + 14 - half);
    const turn = turned
      ? { transform: `rotate(-38 ${place} ${bottom + 14})`, "text-anchor": "end" }
      : { "text-anchor": "middle" };
    group.append(
      drawn(
        "text",
        { x: inside, y: bottom + (turned ? 14 : 18), ...turn },
        turned ? shortened(label, 16) : label,
        drawn("title", {}, label),
      ),
    );
    if (plan.xKind !== "category")
      group.append(drawn("line", { x1: place, x2: place, y1: bottom, y2: bottom + 4, class: "axis" }));
  }
  const base = values.place(Math.max(values.ticks[0]?.at ?? 0, Math.min(0, values.ticks.at(-1)?.at ?? 0)));
  group.append(
    isBar
      ? drawn("line", { x1: base, x2: base, y1: top, y2: bottom, class: "axis" })
      : drawn("line", { x1: left, x2: right, y1: bottom, y2: bottom, class: "axis" }),
  );
  const [across, upward] = isBar
    ? [plan.yTitle, ""]
    : [plan.xKind === "time" ? `${plan.xTitle} (UTC)` : plan.xTitle, plan.yTitle];
  if (across !== "")
    group.append(
      drawn("text", { x: (left + right) / 2, y: height - 4, "text-anchor": "middle", class: "title" }, across),
    );
  if (upward !== "")
    group.append(
      drawn(
        "text",
        {
          x: 12,
          y: (top + bottom) / 2,
          "text-anchor": "middle",
          class: "title",
          transform: `rotate(-90 12 ${(top + bottom) / 2})`,
        },
        upward,
      ),
    );
  return group;
}

/** @param {string} label @param {number} letters */
const shortened = (label, letters) =>
  label.length <= letters ? label : `${label.slice(0, Math.max(1, Math.floor(letters) - 1))}…`;

/**
 * @param {Plan} plan
 * @param {Layer} layer
 * @param {readonly Layer[]} layers
 * @param {Scale} values
 * @param {Scale} places
 * @param {Frame} frame
 */
function marksOf(plan, layer, layers, values, places, frame) {
  const name = drawn("title", {}, layer.name);
  switch (plan.shape) {
    case "column":
    case "bar":
      return rectangles(plan, layer, layers, values, places);
    case "scatter":
      return layer.pieces.flatMap(({ x, to }) =>
        to === undefined
          ? []
          : [
              drawn("circle", {
                cx: places.place(x),
                cy: values.place(to),
                r: 3.5,
                class: `mark dot ${seriesClass(layer.index)}`,
              }),
            ],
      );
    case "area":
      return [
        drawn(
          "path",
          { d: areaPath(layer, values, places, frame), class: `mark area ${seriesClass(layer.index)}` },
          name,
        ),
        ...linesOf(layer, values, places),
      ];
    default:
      return linesOf(layer, values, places);
  }
}

/** @param {Layer} layer @param {Scale} values @param {Scale} places */
function linesOf({ index, name, pieces }, values, places) {
  let path = "";
  let isBroken = true;
  for (const { x, to } of pieces) {
    if (to !== undefined) path += `${isBroken ? "M" : "L"}${round(places.place(x))} ${round(values.place(to))}`;
    isBroken = to === undefined;
  }
  const line = drawn("path", { d: path, class: `mark line ${seriesClass(index)}` }, drawn("title", {}, name));
  if (pieces.length > 40) return [line];
  const dots = pieces.flatMap(({ x, to }) =>
    to === undefined
      ? []
      : [
          drawn("circle", {
            cx: places.place(x),
            cy: values.place(to),
            r: 2.6,
            class: `mark dot ${seriesClass(index)}`,
          }),
        ],
  );
  return [line, ...dots];
}

/** @param {number} value */
const round = (value) => Math.round(value * 10) / 10;

/** @param {Layer} layer @param {Scale} values @param {Scale} places @param {Frame} frame */
function areaPath({ pieces }, values, places, { bottom, top }) {
  const within = (/** @type {number} */ y) => round(Math.max(top, Math.min(bottom, y)));
  /** @type {(typeof pieces)[number][][]} */
  const runs = [[]];
  for (const piece of pieces) {
    if (piece.to === undefined) runs.push([]);
    else runs.at(-1)?.push(piece);
  }
  return runs
    .filter((run) => run.length > 0)
    .map((run) => {
      const upper = run.map(({ x, to = 0 }) => `${round(places.place(x))} ${within(values.place(to))}`);
      const lower = run.toReversed().map(({ x, from }) => `${round(places.place(x))} ${within(values.place(from))}`);
      return `M${[...upper, ...lower].join("L")}Z`;
    })
    .join("");
}

/** @param {Plan} plan @param {Layer} layer @param {readonly Layer[]} layers @param {Scale} values @param {Scale} places */
function rectangles({ shape, stacking, isLog }, layer, layers, values, places) {
  const room = places.band * (places.band > 6 ? 0.8 : 0.94);
  const side = stacking === "none" ? layers.indexOf(layer) : 0;
  const each = stacking === "none" ? room / layers.length : room;
  const width = Math.max(0.5, each - (each > 6 && stacking === "none" ? 1 : 0));
  return layer.pieces.flatMap(({ x, from, to }) => {
    if (to === undefined) return [];
    const start = places.place(x) - room / 2 + side * each;
    const lowest = values.ticks[0]?.at ?? 1;
    const [a, b] = [values.place(isLog ? Math.max(from, Math.min(lowest, to)) : from), values.place(to)];
    const [low, length] = [Math.min(a, b), Math.abs(b - a)];
    const box =
      shape === "bar"
        ? { x: low, y: start, width: length, height: width }
        : { x: start, y: low, width, height: length };
    return [drawn("rect", { ...box, class: `mark box ${seriesClass(layer.index)}` })];
  });
}

/**
 * The places where values are told.
 *
 * @param {Plan} plan
 * @param {readonly Layer[]} layers
 * @param {Scale} values
 * @param {Scale} places
 * @param {Frame} frame
 * @returns {Stop[]}
 */
function stopsOf(plan, layers, values, places, { top, left }) {
  const isBar = plan.shape === "bar";
  /** @type {Map<number, { x: number, lines: Stop["lines"][number][], last: number }>} */
  const stops = new Map();
  let alone = 0;
  for (const { index, name, pieces } of layers)
    for (const { x, y, to } of pieces) {
      if (y === undefined || to === undefined) continue;
      const key = plan.shape === "scatter" ? alone++ : x;
      const stop = stops.get(key) ?? { x, lines: [], last: to };
      stop.lines.push({
        index,
        name,
        text: numberText(y, 3)
          .replace(/(\.\d*?)0+$/, "$1")
          .replace(/\.$/, ""),
        height: y,
        y: values.place(to),
      });
      stops.set(key, stop);
    }
  const sorted = [...stops.values()].sort((a, b) => a.x - b.x);
  return sorted.map(({ x, lines, last }) => {
    const title =
      plan.xKind === "time"
        ? timeText(x)
        : plan.xKind === "number"
          ? `${plan.xTitle} ${numberText(x, 6).replace(/\.?0+$/, "") || "0"}`
          : (plan.categories[x] ?? "");
    if (isBar) return { title, x: left, y: places.place(x), lines };
    return { title, x: places.place(x), y: plan.shape === "scatter" ? values.place(last) : top, lines };
  });
}

/** @param {Plan} plan @param {Drawing} drawing @param {EventTarget | null} target @param {number} x @param {number} y */
function nearest({ shape }, { stops }, target, x, y) {
  if (shape === "pie") return target instanceof SVGElement ? Number(target.dataset.stop ?? -1) : -1;
  const distance = (/** @type {Stop} */ stop) =>
    shape === "bar"
      ? Math.abs(stop.y - y)
      : shape === "scatter"
        ? Math.hypot(stop.x - x, stop.y - y)
        : Math.abs(stop.x - x);
  let best = -1;
  let least = shape === "scatter" ? 30 : Number.POSITIVE_INFINITY;
  for (let index = 0; index < stops.length; index++) {
    const stop = stops[index];
    const away = stop ? distance(stop) : least;
    if (away < least) [best, least] = [index, away];
  }
  return best;
}

/** @param {Plan} plan @param {Frame} frame @param {Stop} stop */
function cursorAt({ shape }, { top, bottom }, { x, y, lines }) {
  const group = drawn("g", { class: "cursor" });
  if (shape === "scatter") group.append(drawn("circle", { cx: x, cy: y, r: 6 }));
  if (shape !== "line" && shape !== "area") return group;
  group.append(drawn("line", { x1: x, x2: x, y1: top, y2: bottom }));
  for (const { index, y: height } of lines)
    if (height !== undefined) group.append(drawn("circle", { cx: x, cy: height, r: 4, class: seriesClass(index) }));
  return group;
}

/** @param {Plan} plan @param {number} width @param {ReadonlySet<number>} hidden @returns {Drawing} */
function drawPie({ series }, width, hidden) {
  const height = Math.min(chartHeight, width);
  const [middle, across, radius] = [width / 2, height / 2, height / 2 - 12];
  const visible = series
    .map(({ name, points }, index) => ({ name, index, size: points[0]?.y ?? 0 }))
    .filter(({ index }) => !hidden.has(index));
  const whole = visible.reduce((sum, { size }) => sum + size, 0);
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" });
  const at = (/** @type {number} */ turn, /** @type {number} */ far) =>
    [middle + Math.sin(turn * 2 * Math.PI) * far, across - Math.cos(turn * 2 * Math.PI) * far].map(round);
  /** @type {Stop[]} */
  const stops = [];
  let from = 0;
  for (const { name, index, size } of visible) {
    const share = size / (whole || 1);
    const to = from + share;
    // An arc from a point to itself is none: a whole pie is two halves.
    const half = (from + to) / 2;
    const arc = [from, half, to].map((turn) => at(turn, radius).join(" "));
    const path = `M${middle} ${across}L${arc[0]}A${radius} ${radius} 0 0 1 ${arc[1]}A${radius} ${radius} 0 0 1 ${arc[2]}Z`;
    svg.append(drawn("path", { d: path, class: `mark slice ${seriesClass(index)}`, "data-stop": stops.length }));
    const [x = 0, y = 0] = at(half, radius * 0.66);
    if (share > 0.05)
      svg.append(
        drawn("text", { x, y: y + 4, "text-anchor": "middle", class: "share" }, `${Math.round(share * 100)}%`),
      );
    stops.push({
      title: name,
      x,
      y,
      lines: [
        {
          index,
          name: `${(share * 100).toFixed(1)}%`,
          text: numberText(size, 3).replace(/\.?0+$/, ""),
          height: size,
          y: undefined,
        },
      ],
    });
    from = to;
  }
  return { svg, stops, frame: { left: 0, right: width, top: 0, bottom: height, width, height } };
}
