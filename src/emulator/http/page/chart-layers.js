import { roundStep } from "./scales.js";

/**
 * @typedef {import("./chart-plan.js").Plan} Plan
 * @typedef {{ readonly x: number, readonly y: number | undefined, readonly from: number, readonly to: number | undefined }} Piece
 * @typedef {{ readonly index: number, readonly name: string, readonly pieces: readonly Piece[] }} Layer
 */

/**
 * The visible series as they are drawn, each piece from one height to another: from nothing, or from the top of the
 * series below it.
 *
 * @param {Plan} plan
 * @param {ReadonlySet<number>} hidden
 * @returns {Layer[]}
 */
export function layersOf({ series, stacking }, hidden) {
  const visible = series
    .map(({ name, points }, index) => ({ index, name, points }))
    .filter(({ index }) => !hidden.has(index));
  if (stacking === "none")
    return visible.map(({ index, name, points }) => ({
      index,
      name,
      pieces: points.map(({ x, y }) => ({ x, y, from: 0, to: y })),
    }));
  const places = [...new Set(visible.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b);
  const heights = visible.map(({ points }) => {
    /** @type {Map<number, number>} */
    const sums = new Map();
    for (const { x, y = 0 } of points) sums.set(x, (sums.get(x) ?? 0) + y);
    return sums;
  });
  const totals = new Map(places.map((x) => [x, heights.reduce((sum, each) => sum + Math.abs(each.get(x) ?? 0), 0)]));
  // What is below nothing is stacked downwards.
  const tops = { up: new Map(), down: new Map() };
  return visible.map(({ index, name }, at) => ({
    index,
    name,
    pieces: places.map((x) => {
      const y = heights[at]?.get(x);
      const whole = stacking === "stacked100" ? (totals.get(x) ?? 0) / 100 || 1 : 1;
      const side = (y ?? 0) < 0 ? tops.down : tops.up;
      const from = side.get(x) ?? 0;
      const to = from + (y ?? 0) / whole;
      side.set(x, to);
      return { x, y, from, to };
    }),
  }));
}

/**
 * The heights to show.
 *
 * @param {Plan} plan
 * @param {readonly Layer[]} layers
 * @returns {[min: number, max: number]}
 */
export function heightsOf({ shape, isLog, yMin, yMax }, layers) {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { pieces } of layers)
    for (const { from, to } of pieces) {
      if (to === undefined || (isLog && to <= 0)) continue;
      min = Math.min(min, to, isLog || shape === "line" || shape === "scatter" ? to : from);
      max = Math.max(max, to, isLog || shape === "line" || shape === "scatter" ? to : from);
    }
  if (min > max) [min, max] = isLog ? [1, 10] : [0, 1];
  // A scale that begins a little above nothing makes small differences look large.
  if (!isLog && min > 0 && min < max * 0.6) min = 0;
  if (min === max) [min, max] = isLog ? [min / 2, max * 2] : [Math.min(min - 1, 0), Math.max(max + 1, 0)];
  if (!isLog) {
    const step = roundStep((max - min) / 6);
    [min, max] = [Math.floor(min / step + 1e-9) * step, Math.ceil(max / step - 1e-9) * step];
  }
  const [low, high] = [yMin ?? min, yMax ?? max];
  if (low < high && (!isLog || low > 0)) return [low, high];
  return [min, max];
}
