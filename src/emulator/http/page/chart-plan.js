// What `render` asks for, from a result: which column is x, which are the measures, which make series of them. The rules are
// Kusto's documentation's; what it leaves to the one who draws is decided here.
import { isNumeric, numberOf, valueText } from "./values.js";

/**
 * @typedef {import("./values.js").Table} Table
 * @typedef {{ readonly x: number, readonly y: number | undefined }} Point
 * @typedef {{ readonly name: string, readonly points: readonly Point[] }} Series
 * @typedef {"line" | "area" | "column" | "bar" | "scatter" | "pie"} Shape
 * @typedef {{
 *   readonly shape: Shape,
 *   readonly stacking: "none" | "stacked" | "stacked100",
 *   readonly title: string,
 *   readonly xTitle: string,
 *   readonly yTitle: string,
 *   readonly xKind: import("./chart-labels.js").Kind,
 *   readonly yKind: import("./chart-labels.js").Kind,
 *   readonly categories: readonly string[],
 *   readonly series: readonly Series[],
 *   readonly hasLegend: boolean,
 *   readonly isLog: boolean,
 *   readonly yMin: number | undefined,
 *   readonly yMax: number | undefined,
 *   readonly xMin: number | undefined,
 *   readonly xMax: number | undefined,
 *   readonly notes: readonly string[],
 * }} Plan
 */

/** @type {Readonly<Record<string, Shape | undefined>>} */
const shapes = {
  timechart: "line",
  linechart: "line",
  areachart: "area",
  stackedareachart: "area",
  barchart: "bar",
  columnchart: "column",
  scatterchart: "scatter",
  piechart: "pie",
};

const mostSeries = 40;
const mostCategories = 300;
const mostSlices = 12;
const mostPoints = 20_000;

/**
 * How to draw a result; a text says why it cannot be, undefined that nobody asked for it.
 *
 * @param {Table} table
 * @param {Record<string, any> | undefined} visualization
 * @returns {Plan | string | undefined}
 */
export function chartPlan(table, visualization) {
  const kind = valueText(visualization?.Visualization).toLowerCase();
  if (!visualization || kind === "" || kind === "table") return undefined;
  const shape = shapes[kind];
  if (!shape) return `This page does not draw '${kind}'; it draws ${Object.keys(shapes).join(", ")}.`;
  if (table.rows.length === 0) return "There are no rows to draw.";
  const given = (/** @type {string} */ name) => listed(visualization[name]).map((each) => indexOf(table, each));
  const [wantedX] = given("XColumn");
  const x = wantedX ?? likelyX(table, kind, shape);
  const xType = table.columns[x]?.type ?? "";
  const wantedSeries = given("Series").filter((index) => index !== undefined);
  const wantedY = given("YColumns").filter((index) => index !== undefined);
  const measures =
    wantedY.length > 0
      ? wantedY
      : table.columns.flatMap(({ type }, index) =>
          isMeasure(type) && index !== x && !wantedSeries.includes(index) ? [index] : [],
        );
  if (measures.length === 0) return `'${kind}' needs a column of numbers beside '${table.columns[x]?.name}'.`;
  const groups = wantedSeries.length > 0 ? wantedSeries : likelySeries(table, x, measures);
  const isFlat = shape === "column" || shape === "bar" || shape === "pie";
  const xKind = isFlat || (xType !== "datetime" && !isMeasure(xType)) ? "category" : kindOf(xType);
  const gathered = gather(table, {
    x,
    xKind,
    measures: shape === "pie" ? measures.slice(0, 1) : measures,
    groups: shape === "pie" ? [] : groups,
  });
  if (shape === "pie" && gathered.series[0]?.points.some(({ y = 0 }) => y < 0))
    return "A pie has no slices of less than nothing.";
  const number = (/** @type {string} */ name) => numberOf(visualization[name], "real");
  const stacking =
    kind === "stackedareachart" ? "stacked" : stackingOf(shape, valueText(visualization.Kind).toLowerCase());
  const isLog = valueText(visualization.YAxis).toLowerCase() === "log";
  const shown = shape === "pie" ? sliced(gathered) : gathered;
  const plan = bounded(shown, visualization.Accumulate === true, stacking !== "none");
  if (!shown.series.some(({ points }) => points.some(({ y }) => y !== undefined && (!isLog || y > 0))))
    return "There are no numbers to draw.";
  return {
    ...plan,
    notes: [...plan.notes, ...leftOut(table, gathered, x, isLog)],
    shape,
    xKind,
    yKind: measures.every((index) => table.columns[index]?.type === "timespan") ? "timespan" : "number",
    stacking,
    title: valueText(visualization.Title),
    xTitle: valueText(visualization.XTitle) || (table.columns[x]?.name ?? ""),
    yTitle:
      valueText(visualization.YTitle) || (measures.length === 1 ? (table.columns[measures[0] ?? 0]?.name ?? "") : ""),
    hasLegend: valueText(visualization.Legend).toLowerCase() !== "hidden",
    isLog,
    yMin: number("Ymin"),
    yMax: number("Ymax"),
    xMin: xKind === "category" ? undefined : number("Xmin"),
    xMax: xKind === "category" ? undefined : number("Xmax"),
  };
}

/** @param {string} type */
const isMeasure = (type) => isNumeric(type) || type === "timespan";

/** @param {string} type @returns {Plan["xKind"]} */
const kindOf = (type) => (type === "datetime" ? "time" : type === "timespan" ? "timespan" : "number");

/** @param {unknown} names */
const listed = (names) =>
  valueText(names)
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");

/** @param {Table} table @param {string} wanted */
function indexOf({ columns }, wanted) {
  const index = columns.findIndex(({ name }) => name === wanted);
  return index === -1 ? undefined : index;
}

/** The first column, but for a line: its x is a time, or a number. @param {Table} table @param {string} kind @param {Shape} shape */
function likelyX({ columns }, kind, shape) {
  if (shape === "bar" || shape === "column" || shape === "pie") return 0;
  const time = columns.findIndex(({ type }) => type === "datetime");
  if (time !== -1 && (kind === "timechart" || !isMeasure(columns[0]?.type ?? ""))) return time;
  const number = columns.findIndex(({ type }) => isMeasure(type));
  return number === -1 || number === columns.findLastIndex(({ type }) => isMeasure(type)) ? 0 : number;
}

/** The first column that is neither x nor a measure. @param {Table} table @param {number} x @param {number[]} measures */
function likelySeries({ columns }, x, measures) {
  const index = columns.findIndex(
    ({ type }, at) => at !== x && !measures.includes(at) && !isMeasure(type) && type !== "datetime",
  );
  return index === -1 ? [] : [index];
}

/** @param {Shape} shape @param {string} kind @returns {Plan["stacking"]} */
function stackingOf(shape, kind) {
  if (shape !== "area" && shape !== "bar" && shape !== "column") return "none";
  return kind === "stacked" || kind === "stacked100" ? kind : "none";
}

/** @typedef {{ categories: string[], series: { name: string, points: Point[] }[], unplaced?: number }} Gathered */

/** Notes that count rows and values without a place on the axes. @param {Table} table @param {Gathered} gathered @param {number} x @param {boolean} isLog */
function leftOut({ columns, rows }, { series, unplaced = 0 }, x, isLog) {
  const notes = [];
  if (unplaced > 0) notes.push(`Not drawn: ${unplaced} of ${rows.length} rows, which have no ${columns[x]?.name}.`);
  const low = isLog ? series.flatMap(({ points }) => points).filter(({ y = 1 }) => y <= 0).length : 0;
  if (low > 0) notes.push(`Not drawn: values of zero or less, which a logarithmic axis has no place for: ${low}.`);
  return notes;
}

/**
 * @param {Table} table
 * @param {{ x: number, xKind: Plan["xKind"], measures: number[], groups: number[] }} roles
 * @returns {Gathered}
 */
function gather({ columns, rows }, { x, xKind, measures, groups }) {
  /** @type {Map<string, { name: string, points: Point[] }>} */
  const series = new Map();
  /** @type {Map<string, number>} */
  const categories = new Map();
  let unplaced = 0;
  for (const row of rows) {
    const group = groups.map((index) => valueText(row[index]) || "(empty)").join(", ");
    const at = placeOf(row[x], columns[x]?.type ?? "", xKind, categories);
    if (at === undefined) {
      unplaced++;
      continue;
    }
    for (const measure of measures) {
      const own = columns[measure]?.name ?? "";
      const name = group === "" ? own : measures.length === 1 ? group : `${group}: ${own}`;
      const found = series.get(name) ?? { name, points: [] };
      series.set(name, found);
      found.points.push({ x: at, y: numberOf(row[measure], columns[measure]?.type ?? "") });
    }
  }
  // The rows of an aggregate come in any order; the colours should not.
  const all = [...series.values()];
  if (groups.length > 0) all.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  for (const { points } of all) points.sort((a, b) => a.x - b.x);
  return { categories: [...categories.keys()], series: all, unplaced };
}

/** @param {unknown} value @param {string} type @param {Plan["xKind"]} kind @param {Map<string, number>} categories */
function placeOf(value, type, kind, categories) {
  if (kind !== "category") return numberOf(value, type);
  const name = valueText(value) || "(empty)";
  const place = categories.get(name) ?? categories.size;
  categories.set(name, place);
  return place;
}

/** The largest slices, and the others together. @param {Gathered} gathered @returns {Gathered} */
function sliced({ categories, series }) {
  const sums = new Map(
    categories.map((name, place) => [
      name,
      (series[0]?.points ?? []).reduce((sum, { x, y = 0 }) => (x === place ? sum + y : sum), 0),
    ]),
  );
  const order = [...sums].filter(([, sum]) => sum > 0).sort(([, a], [, b]) => b - a);
  const large = order.length > mostSlices ? order.slice(0, mostSlices - 1) : order;
  const others = order.slice(large.length);
  if (others.length > 0) large.push([`${others.length} others`, others.reduce((sum, [, each]) => sum + each, 0)]);
  return {
    categories: large.map(([name]) => name),
    series: large.map(([name, y], x) => ({ name, points: [{ x, y }] })),
  };
}

/** @param {Gathered} gathered @param {boolean} accumulates @param {boolean} isStacked */
function bounded({ categories, series }, accumulates, isStacked) {
  const notes = [];
  if (series.length > mostSeries) notes.push(`The first ${mostSeries} of ${series.length} series are drawn.`);
  if (categories.length > mostCategories)
    notes.push(`The first ${mostCategories} of ${categories.length} categories are drawn.`);
  const few = series.slice(0, mostSeries).map(({ name, points }) => ({
    name,
    points: accumulates ? summed(points) : points,
  }));
  const each = Math.max(100, Math.floor(mostPoints / Math.max(1, few.length)));
  if (few.some(({ points }) => points.length > each))
    notes.push(`Of long series, every so many points are drawn: ${each} of each.`);
  return {
    categories: categories.slice(0, mostCategories),
    series:
      isStacked && categories.length === 0
        ? thinnedAlike(few, each)
        : few.map(({ name, points }) => ({
            name,
            points: thinned(
              categories.length > mostCategories ? points.filter(({ x }) => x < mostCategories) : points,
              each,
            ),
          })),
    notes,
  };
}

/** @param {readonly Point[]} points */
function summed(points) {
  let sum = 0;
  return points.map(({ x, y }) => {
    sum += y ?? 0;
    return { x, y: y === undefined ? undefined : sum };
  });
}

/** Keeps the same places in all series: stacked series need a value of each. @param {Gathered["series"]} series @param {number} most */
function thinnedAlike(series, most) {
  const places = [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b);
  const stretch = Math.ceil(places.length / most);
  const kept = new Set(places.filter((_, index) => index % stretch === 0));
  return series.map(({ name, points }) => ({ name, points: points.filter(({ x }) => kept.has(x)) }));
}

/**
 * As many points that show the same: of every stretch its lowest and its highest.
 *
 * @param {readonly Point[]} points
 * @param {number} most
 */
function thinned(points, most) {
  if (points.length <= most) return points;
  const stretch = Math.ceil((2 * points.length) / most);
  /** @type {Point[]} */
  const kept = [];
  for (let from = 0; from < points.length; from += stretch) {
    const some = points.slice(from, from + stretch).filter(({ y }) => y !== undefined);
    const byHeight = some.toSorted((a, b) => (a.y ?? 0) - (b.y ?? 0));
    const ends = [...new Set([byHeight[0], byHeight.at(-1)])].filter((point) => point !== undefined);
    // A gap stays a gap.
    if (ends.length === 0) ends.push(...points.slice(from, from + 1));
    kept.push(...ends.sort((a, b) => a.x - b.x));
  }
  return kept;
}
