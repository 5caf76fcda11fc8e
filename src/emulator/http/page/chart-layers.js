/**
 * @typedef {import("./chart-plan.js").Plan} Plan
 * @typedef {import("./chart-config.js").Datum} Datum
 * @typedef {{ readonly index: number, readonly name: string, readonly points: readonly Datum[] }} Layer
 */

/**
 * The visible series, in the library's terms. Stacked series and bars get one point per place of x, because the library
 * stacks by index. `y` is the height of the mark, `value` what the tip shows: they differ for shares.
 *
 * @param {Plan} plan
 * @param {ReadonlySet<number>} hidden
 * @returns {Layer[]}
 */
export function layersOf({ shape, series, categories, stacking, isLog }, hidden) {
  const visible = series
    .map(({ name, points }, index) => ({ index, name, points }))
    .filter(({ index }) => !hidden.has(index));
  const isFlat = shape === "bar" || shape === "column";
  const drawn = (/** @type {number | undefined} */ y) => (y === undefined || (isLog && y <= 0) ? null : y);
  if (!isFlat && stacking === "none")
    return visible.map(({ index, name, points }) => ({
      index,
      name,
      points: points.map(({ x, y }) => ({ x, y: drawn(y), value: y })),
    }));
  const places = isFlat
    ? categories.map((_, at) => at)
    : [...new Set(visible.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b);
  const heights = visible.map(({ points }) => sums(points));
  const wholes = new Map(places.map((x) => [x, heights.reduce((sum, each) => sum + Math.abs(each.get(x) ?? 0), 0)]));
  return visible.map(({ index, name }, at) => ({
    index,
    name,
    points: places.map((x) => {
      const value = heights[at]?.get(x);
      const share = stacking === "stacked100" ? (wholes.get(x) ?? 0) / 100 || 1 : 1;
      // A stacked area without a value counts as zero; without a bar there is nothing to draw.
      return { x, y: drawn(isFlat || value !== undefined ? value && value / share : 0), value };
    }),
  }));
}

/** @param {readonly import("./chart-plan.js").Point[]} points */
function sums(points) {
  /** @type {Map<number, number>} */
  const all = new Map();
  for (const { x, y } of points) if (y !== undefined) all.set(x, (all.get(x) ?? 0) + y);
  return all;
}
