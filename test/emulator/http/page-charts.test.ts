import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Emulator, startEmulator } from "../../../src/emulator/index.ts";
import { ask } from "../ask.ts";
import { type Browser, findBrowser, type Page, startBrowser } from "./browser.ts";

// What the page draws for `render`, in a real browser: by the library's own marks, and by the colours in the picture.

const path = findBrowser();
const skip = path ? false : "no browser: install chromium, or name one by CHROME_PATH";
const wide = { width: 1280, height: 900 };

let emulator: Emulator;
let browser: Browser | undefined;
let page: Page;

before(async () => {
  if (path === undefined) return;
  [emulator, browser] = await Promise.all([startEmulator({ databases: ["demo"] }), startBrowser(path)]);
  await ask(emulator, ".create table T (ts:datetime, who:string, n:long, r:real)");
  await ask(
    emulator,
    `.set-or-append T <| range i from 0 to 11 step 1 | project ts = datetime(2026-01-01) + i * 1h, who = strcat("w", i % 3),
      n = 9007199254740993 + i, r = iff(i == 5, real(null), todouble(i))`,
  );
  await ask(emulator, ".ingest inline into table T <| 2026-01-02,x,1,1.5");
  page = await browser.open(`${emulator.url}/`, wide);
  await page.until("document.querySelector('#database').value === 'demo'");
  await page.value('import("/page/chart-library.js").then(({ Chart }) => { window.Library = Chart; })');
});
after(async () => {
  await browser?.close();
  await emulator?.close();
});

const textsOf = (selector: string) =>
  page.value<string[]>(`[...document.querySelectorAll(${JSON.stringify(selector)})].map(({ innerText }) => innerText)`);
const countOf = (selector: string) =>
  page.value<number>(`document.querySelectorAll(${JSON.stringify(selector)}).length`);

/** Puts a text in the place of what is there, and runs it. */
async function run(text: string): Promise<void> {
  await page.value("document.querySelector('#result').replaceChildren()");
  await page.value(`(() => {
    const editor = document.querySelector("#editor textarea");
    editor.value = ${JSON.stringify(text)};
    editor.dispatchEvent(new Event("input"));
  })()`);
  await page.click("#run");
  await page.until(
    "document.querySelector('#result').childElementCount > 0 && !document.querySelector('#result[aria-busy]')",
  );
}

const drawing = 'window.Library.getChart(document.querySelector(".stage canvas"))';

/** A value of the library's chart that is shown: `chart` in the expression. */
const ofChart = <T>(expression: string) =>
  page.value<T>(`(() => {
    const chart = ${drawing};
    const metas = chart.getSortedVisibleDatasetMetas();
    return ${expression};
  })()`);

/** Runs a query and waits until its chart is drawn. */
async function draw(query: string): Promise<void> {
  await run(query);
  await page.until(`${drawing}?.chartArea?.width > 50`);
}

/** How many marks of each kind there are; those of null are none. */
const marks = `({
  line: metas.filter(({ dataset }) => dataset?.points.some(({ skip }) => !skip)).length,
  area: metas.filter((meta) => meta.$filler?.fill !== undefined && meta.$filler.fill !== false).length,
  dot: metas.flatMap(({ data }) => data).filter((each) => each.options.radius > 0 && !each.skip).length,
  box: metas.flatMap(({ data }) => data).filter((each) => Math.abs(each.base - (each.horizontal ? each.x : each.y)) > 0).length,
  slice: metas.flatMap(({ data }) => data).filter(({ circumference }) => circumference > 0).length,
})`;

/** Marks that are nowhere, or outside of the axes. */
const strayMarks = `metas.flatMap(({ data }) => data).filter((each) => !each.skip).filter(({ x, y, base = x }) => {
  const { left, right, top, bottom } = chart.chartArea;
  return !Number.isFinite(base) || !(x >= left - 1 && x <= right + 1 && y >= top - 1 && y <= bottom + 1);
}).map(({ x, y }) => x + ", " + y)`;

/** How many points of the picture have each of the page's first colours, by what the style sheet says they are. */
const colouredPixels = (count: number) => `Array.from({ length: ${count} }, (_, index) => {
  const { canvas, ctx } = chart;
  const hex = getComputedStyle(document.documentElement).getPropertyValue("--s" + (index + 1)).trim();
  const wanted = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const { data } = ctx.getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let at = 0; at < data.length; at += 4)
    if (data[at + 3] > 200 && wanted.every((part, each) => Math.abs(part - data[at + each]) < 12)) found++;
  return found;
})`;

const charts = [
  {
    query: "T | where ts < datetime(2026-01-02) | summarize sum(n) by bin(ts, 2h), who | render timechart",
    has: { line: 3, dot: 12 },
    legend: ["w0", "w1", "w2"],
  },
  {
    query: "T | where ts < datetime(2026-01-02) | project ts, r | sort by ts asc | render linechart",
    has: { line: 1, dot: 11 },
    legend: [],
  },
  {
    query: "T | where who != 'x' | summarize A=count(), B=sum(r) by who | render columnchart",
    has: { box: 6 },
    legend: ["A", "B"],
  },
  {
    query:
      "T | where who != 'x' | summarize count() by who, n % 2 | project who, m=tostring(Column1), c=count_ | render barchart with (kind=stacked, title='Bars')",
    has: { box: 6 },
    legend: ["0", "1"],
  },
  { query: "T | summarize count() by who | render piechart", has: { slice: 4 }, legend: ["w0", "w1", "w2", "x"] },
  {
    query: "T | where ts < datetime(2026-01-02) | project n = n - 9007199254740993, r | render scatterchart",
    has: { dot: 11 },
    legend: [],
  },
  {
    query: "T | where who != 'x' | summarize sum(r) by bin(ts, 6h), who | render areachart with (kind=stacked100)",
    has: { area: 3, line: 3 },
    legend: ["w0", "w1", "w2"],
  },
] as const;

for (const { query, has, legend } of charts) {
  test(`a chart has its marks: ${query.slice(query.lastIndexOf("|") + 2)}`, { skip }, async () => {
    await draw(query);
    const found = await ofChart<Record<string, number>>(marks);
    for (const [mark, count] of Object.entries(has)) assert.equal(found[mark], count, mark);
    assert.deepEqual(await textsOf(".legend button"), [...legend]);
    // Nothing is drawn out of sight, or at NaN.
    assert.deepEqual(await ofChart(strayMarks), []);
    const pixels = await ofChart<number[]>(colouredPixels(Math.max(1, legend.length)));
    assert.ok(Math.min(...pixels) > 20, `points of each colour: ${pixels.join(", ")}`);
  });
}

test("bars stand side by side, or on each other", { skip }, async () => {
  const places = async () =>
    new Set(await ofChart<number[]>("metas.flatMap(({ data }) => data.map(({ y }) => y))")).size;
  const query =
    "T | where who != 'x' | summarize c = count() by who, m = tostring(n % 2) | project who, m, c | render barchart";
  await draw(query);
  assert.equal(await places(), 6);
  assert.deepEqual(await ofChart("[...new Set(metas.flatMap(({ data }) => data.map(({ base }) => base)))].length"), 1);
  await draw(`${query} with (kind=stacked)`);
  assert.equal(await places(), 3);
  assert.equal(await ofChart("metas[1].data.every(({ base }, at) => base === metas[0].data[at].x)"), true);
});

test("a chart tells its values to the pointer and to the arrow keys, hides a series, and shows its rows", {
  skip,
}, async () => {
  await draw("range x from 1 to 5 step 1 | extend a = x * 10, b = x | render linechart");
  await page.point(".stage canvas", 0.52, 0.5);
  await page.until("!document.querySelector('.tip').hidden");
  assert.deepEqual((await textsOf(".tip"))[0]!.split("\n"), ["x 3", "a: 30", "b: 3"]);
  await page.value("document.querySelector('.stage canvas').focus()");
  await page.press("ArrowRight");
  assert.deepEqual((await textsOf(".tip"))[0]!.split("\n"), ["x 4", "a: 40", "b: 4"]);
  await page.press("Escape");
  assert.equal(await page.value("document.querySelector('.tip').hidden"), true);
  assert.equal(await ofChart("chart.options.scales.y.max === undefined && chart.scales.y.max"), 50);
  await page.click(".legend button");
  assert.equal(await ofChart("metas.length"), 1);
  assert.equal(await ofChart("chart.scales.y.max"), 5, "what is hidden takes no room");
  assert.equal(await page.value("document.querySelector('.legend button').getAttribute('aria-pressed')"), "false");
  await page.click(".choice button:last-child");
  assert.equal(await page.value("document.querySelector('.chart').hidden"), true);
  assert.equal(await page.value("document.querySelector('.result-table').checkVisibility()"), true);
  assert.equal(await countOf(".result-table tbody tr"), 5, "all that a chart shows is in its table");
  await page.click(".choice button:first-child");
  await page.until("document.querySelector('.stage canvas').clientWidth > 50");
});

test("what is read aloud names the chart, and the values are told outside of the picture", { skip }, async () => {
  await draw("range x from 1 to 5 step 1 | extend a = x, b = -x | render columnchart with (title='Up & down')");
  assert.deepEqual(
    await page.value(
      "(({ role, ariaLabel, tabIndex, parentElement }) => [role, ariaLabel, tabIndex, parentElement.role])(document.querySelector('.stage canvas'))",
    ),
    ["img", "Up & down: a, b. The arrow keys tell its values.", 0, null],
  );
  assert.equal(await page.value("document.querySelector('.tip').closest('[role=img]')"), null);
  await page.value("document.querySelector('.stage canvas').focus()");
  await page.press("ArrowRight");
  assert.deepEqual((await textsOf(".tip"))[0]!.split("\n"), ["1", "a: 1", "b: -1"]);
  assert.equal(await page.value("document.querySelector('.tip').role"), "status");
});

test("arrow keys go from slice to slice of a pie, and from dot to dot of a scatter chart", { skip }, async () => {
  const tip = async () => (await textsOf(".tip"))[0]!.split("\n");
  await draw("datatable(k:string, n:long)['a', 3, 'b', 1] | render piechart");
  await page.value("document.querySelector('.stage canvas').focus()");
  await page.press("ArrowRight");
  assert.deepEqual(await tip(), ["a", "75.0%: 3"]);
  await page.press("ArrowRight");
  await page.press("ArrowRight");
  assert.deepEqual(await tip(), ["b", "25.0%: 1"], "it ends at the last");
  await draw("datatable(x:real, y:real)[1, 5, 1, 7, 2, 6] | render scatterchart");
  await page.value("document.querySelector('.stage canvas').focus()");
  const told = [];
  for (let at = 0; at < 3; at++) {
    await page.press("ArrowRight");
    told.push(await tip());
  }
  assert.deepEqual(told, [
    ["x 1", "y: 5"],
    ["x 1", "y: 7"],
    ["x 2", "y: 6"],
  ]);
});

test("a chart takes the colours of the scheme, also when it changes", { skip }, async () => {
  await draw("range x from 1 to 50 step 1 | extend a = x, b = 50 - x | render areachart");
  const colours = () =>
    ofChart<unknown>(
      "[chart.data.datasets[0].borderColor, chart.options.scales.x.ticks.color, chart.options.scales.y.grid.color]",
    );
  assert.deepEqual(await colours(), ["#2563eb", "#5b6875", "#d9dfe5"]);
  await page.resize({ ...wide, dark: true });
  await page.until(`${drawing}.data.datasets[0].borderColor === "#6ea8fe"`);
  assert.deepEqual(await colours(), ["#6ea8fe", "#93a1af", "#2e3843"]);
  assert.ok(Math.min(...(await ofChart<number[]>(colouredPixels(2)))) > 20);
  await page.resize(wide);
});

test("charts that are gone are let go, whatever takes their place", { skip }, async () => {
  const alive = () => page.value("Object.keys(window.Library.instances).length");
  for (let at = 0; at < 3; at++) await draw("range x from 1 to 5 step 1 | extend a = x | render linechart");
  assert.equal(await alive(), 1);
  await run("T | where nope > 1");
  assert.equal(await alive(), 0);
});

const odd = [
  ["a single point of time", "print ts = datetime(2026-03-01), v = 5 | render timechart", 1],
  [
    "a point between gaps",
    "range x from 1 to 99 step 1 | extend v = iff(x == 50, 1.0, real(null)) | render linechart",
    1,
  ],
  [
    "numbers far from zero that differ little",
    "range x from 1 to 5 step 1 | extend v = 123456000 + x * 30 | render linechart",
    5,
  ],
  [
    "names with markup",
    `print n = "<img src=x onerror='document.title=1'>", ["<b>"] = 3 | render columnchart with (title="<i>t</i>")`,
    0,
  ],
  ["a name without end", "print n = strrep('name', 2000), v = 3 | render barchart", 0],
  ["60,000 points", "range x from 0 to 59999 step 1 | extend v = iff(x == 31234, 99.0, x % 7.0) | render linechart", 0],
] as const;
for (const [what, query, dots] of odd)
  test(`a chart draws ${what}`, { skip }, async () => {
    await draw(query);
    assert.equal((await ofChart<{ dot: number }>(marks)).dot, dots);
    assert.deepEqual(await ofChart(strayMarks), []);
    assert.ok((await ofChart<number[]>(colouredPixels(1)))[0]! > 5);
    for (const scale of ["x", "y"]) {
      const labels = await ofChart<string[]>(`chart.scales.${scale}.ticks.map(({ label }) => String(label))`);
      assert.equal(new Set(labels).size, labels.length, `labels tell ticks apart: ${labels.join(" ")}`);
      assert.ok(Math.max(...labels.map(({ length }) => length)) < 90, "a long name is shortened");
    }
    assert.equal(await page.value("document.documentElement.scrollWidth"), wide.width);
    assert.equal(await page.value("document.querySelectorAll('.chart img, .chart b:not(.tip b), .chart i').length"), 0);
    assert.equal(await page.value("document.title"), "Millrace emulator");
  });

test("of a long series the highest point is drawn as well", { skip }, async () => {
  await draw(odd[5][1]);
  assert.equal(await ofChart("Math.max(...chart.data.datasets[0].data.map(({ y }) => y))"), 99);
  assert.match((await textsOf(".chart .note"))[0]!, /every so many points are drawn: 20000 of each/);
});

test("rows and values that have no place on the axes are counted below the chart", { skip }, async () => {
  await draw(
    "datatable(ts:datetime, v:long)[datetime(null), 1, datetime(2026-01-01), 0, datetime(2026-01-02), 3] | render timechart with (yaxis=log)",
  );
  assert.deepEqual(await textsOf(".chart .note"), [
    "Not drawn: 1 of 3 rows, which have no ts.",
    "Not drawn: values of zero or less, which a logarithmic axis has no place for: 1.",
  ]);
  assert.equal((await ofChart<{ dot: number }>(marks)).dot, 1);
});

test("stacked areas of more points than are drawn stand on each other, and rows of one name are one bar", {
  skip,
}, async () => {
  await draw(
    "range x from 0 to 24999 step 1 | mv-expand s = dynamic(['a', 'b']) to typeof(string) | project x, s, v = iff(s == 'a', 100.0 + x % 10, 7.0 + x % 3) | render stackedareachart",
  );
  const tops = "metas[1].data.map(({ y }) => chart.scales.y.getValueForPixel(y))";
  assert.ok(await ofChart("metas[0].data.length > 5000 && metas[0].data.length <= 10000"));
  assert.ok((await ofChart<number>(`Math.min(...${tops})`)) > 106.5, "none of them stands on nothing");
  await draw("datatable(k:string, v:long)['a', 3, 'b', 1, 'a', 4] | render columnchart");
  assert.deepEqual(await ofChart("chart.data.datasets[0].data.map(({ x, y }) => [x, y])"), [
    [0, 7],
    [1, 1],
  ]);
});

/** The arguments of the calls of a method of the canvas while the chart is drawn once more. */
const callsOf = (method: string) => `(() => {
  const calls = [];
  const own = chart.ctx.${method};
  chart.ctx.${method} = (...given) => {
    calls.push(given);
    own.apply(chart.ctx, given);
  };
  chart.draw();
  delete chart.ctx.${method};
  return calls;
})()`;

test("large slices say their share, and a line goes through the place that the tip describes", { skip }, async () => {
  await draw("datatable(k:string, n:long)['a', 74, 'b', 23, 'c', 3] | render piechart");
  assert.deepEqual(await ofChart(`${callsOf("fillText")}.map(([text]) => text)`), ["74%", "23%"]);
  await draw("range x from 1 to 5 step 1 | extend a = x | render linechart");
  const ends = `${callsOf("lineTo")}.filter(([, y]) => y === chart.chartArea.bottom).map(([x]) => x)`;
  assert.deepEqual(await ofChart(ends), []);
  await page.value("document.querySelector('.stage canvas').focus()");
  await page.press("ArrowRight");
  await page.press("ArrowRight");
  assert.deepEqual(await ofChart(ends), [await ofChart("metas[0].data[1].x")]);
});

test("axes end where render says, and a range that is none is left aside", { skip }, async () => {
  const ends = () => ofChart<number[]>("[chart.scales.x, chart.scales.y].flatMap(({ min, max }) => [min, max])");
  const query = "range x from 0 to 9 step 1 | extend v = x * 10 | render linechart";
  await draw(`${query} with (xmin=-3, xmax=12, ymin=-7, ymax=95)`);
  assert.deepEqual(await ends(), [-3, 12, -7, 95]);
  await draw(`${query} with (ymin=9, ymax=2)`);
  assert.deepEqual(await ends(), [0, 9, 0, 100]);
  await draw(`${query} with (yaxis=log, ymin=0, ymax=200)`);
  assert.deepEqual((await ends()).slice(2), [10, 90]);
  await draw(`${query} with (xmin=9, xmax=1)`);
  assert.deepEqual((await ends()).slice(0, 2), [0, 9]);
  await draw("print x = 5, v = 1 | render linechart");
  assert.deepEqual((await ends()).slice(0, 2), [4, 6], "a single point stands in the middle");
});

test("a logarithmic axis of many powers of ten shows these alone", { skip }, async () => {
  await draw("range i from 0 to 9 step 1 | project i, v = pow(10, i) * 2 | render linechart with (yaxis=log)");
  const at = await ofChart<number[]>("chart.scales.y.ticks.map(({ value }) => value)");
  assert.ok(at.length >= 4 && at.every((each) => Number.isInteger(Math.log10(each))), at.join(" "));
});

test("shares of a stack are of what is shown, and the tip tells values", { skip }, async () => {
  await draw(
    "datatable(k:string, a:long, b:long, c:long)['x', 1, 1, 2, 'y', 0, 0, 5] | render columnchart with (kind=stacked100)",
  );
  const heights = () => ofChart<number[][]>("chart.data.datasets.map(({ data }) => data.map(({ y }) => y))");
  assert.deepEqual(await heights(), [
    [25, 0],
    [25, 0],
    [50, 100],
  ]);
  assert.equal(await ofChart("chart.scales.y.max"), 100);
  await page.click(".legend button:nth-child(3)");
  assert.deepEqual(await heights(), [
    [50, 0],
    [50, 0],
  ]);
  await page.value("document.querySelector('.stage canvas').focus()");
  await page.press("ArrowRight");
  assert.deepEqual((await textsOf(".tip"))[0]!.split("\n"), ["x", "a: 1", "b: 1"]);
  await draw("datatable(k:string, a:long, b:long)['x', 1, long(null)] | render columnchart");
  await page.value("document.querySelector('.stage canvas').focus()");
  await page.press("ArrowRight");
  await page.point(".stage canvas", 0.5, 0.5);
  await page.until("!document.querySelector('.tip').hidden");
  assert.deepEqual((await textsOf(".tip"))[0]!.split("\n"), ["x", "a: 1"], "a null is no value");
});

test("where there is nothing to draw, that is said above the table", { skip }, async () => {
  for (const query of ["T | take 0 | render timechart", "print x = 1, v = real(null) | render linechart"]) {
    await run(query);
    assert.match((await textsOf("#result .note"))[0]!, /no rows to draw|no numbers to draw/);
    assert.equal(await countOf("canvas"), 0);
  }
});

const axes = [
  [
    "milliseconds",
    "range i from 0 to 9 step 1 | project ts = datetime(2026-02-28 23:59:59.990) + i * 3ms, v = i | render timechart",
  ],
  [
    "seconds",
    "range i from 0 to 9 step 1 | project ts = datetime(2026-02-28 23:59:30) + i * 7s, v = i | render timechart",
  ],
  ["hours", "range i from 0 to 9 step 1 | project ts = datetime(2026-02-28 20:00) + i * 1h, v = i | render timechart"],
  ["days", "range i from 0 to 9 step 1 | project ts = datetime(2025-12-20) + i * 3d, v = i | render timechart"],
  ["months", "range i from 0 to 9 step 1 | project ts = datetime(2025-05-20) + i * 41d, v = i | render timechart"],
  [
    "all years that there are",
    "print v = 1, ts = dynamic(['0001-01-01', '9999-12-31']) | mv-expand ts to typeof(datetime) | project ts, v | render timechart",
  ],
  ["short timespans", "range i from 0 to 9 step 1 | project d = i * 1ms, v = i * 13s | render linechart"],
  ["long timespans", "range i from 0 to 9 step 1 | project d = i * 17h, v = i * -400d | render linechart"],
  [
    "decimals",
    "range i from 0 to 9 step 1 | project d = i * decimal(0.0000123), v = i * decimal(1e20) | render linechart",
  ],
  [
    "a logarithmic axis",
    "range i from 0 to 9 step 1 | project i, v = pow(10, i * 3) | render linechart with (yaxis=log)",
  ],
  ["long names", "range i from 0 to 59 step 1 | project n = strcat('the category ', i), v = i | render columnchart"],
] as const;
for (const [what, query] of axes)
  test(`labels of ${what} have room beside each other, from 320 to 1600 pixels`, { skip }, async () => {
    for (const width of [320, 480, 1000, 1600]) {
      await page.resize({ width, height: 900 });
      await draw(query);
      await page.until(`Math.abs(${drawing}.width - document.querySelector(".stage").clientWidth) < 1`);
      // Where each line of a label begins and ends along its axis, in the letters of the picture.
      const labels = await ofChart<Record<"x" | "y", (readonly [text: string, from: number, to: number])[][]>>(
        `Object.fromEntries(["x", "y"].map((axis) => {
          const scale = chart.scales[axis];
          const { family, size } = scale.options.ticks.font;
          chart.ctx.font = size + "px " + family;
          return [axis, scale.ticks.map(({ label }, at) => [label].flat().map((line) => {
            const isBeside = axis === "y" || scale.labelRotation !== 0;
            const half = (isBeside ? size : chart.ctx.measureText(line).width) / 2;
            return [line, scale.getPixelForTick(at) - half, scale.getPixelForTick(at) + half];
          }))];
        }))`,
      );
      for (const axis of ["x", "y"] as const) {
        const texts = labels[axis].map((lines) => lines.map(([text]) => text).join(" "));
        const told = `${width} pixels, ${axis}: ${texts.join(" | ")}`;
        assert.ok(texts.length >= 2, told);
        for (const line of [0, 1]) {
          const inOrder = labels[axis].flatMap((lines) => lines.slice(line, line + 1)).sort((a, b) => a[1] - b[1]);
          for (const [at, [, from]] of inOrder.slice(1).entries())
            assert.ok(from > inOrder[at]![2], `${told}: line ${line}, after '${inOrder[at]![0]}'`);
        }
        assert.equal(new Set(texts).size, texts.length, told);
      }
      assert.equal(await page.value("document.documentElement.scrollWidth"), width);
      assert.deepEqual(await ofChart(strayMarks), []);
    }
    await page.resize(wide);
  });

test("forty series have forty looks, and names that are long break in the legend", { skip }, async () => {
  await page.resize({ width: 320, height: 900 });
  await draw(
    "range x from 1 to 3 step 1 | mv-expand s = range(1, 45) to typeof(long) | project x, s = strcat(strrep('long', 30), s), v = s | render linechart",
  );
  assert.equal(
    await ofChart("new Set(chart.data.datasets.map(({ borderColor, borderDash }) => borderColor + borderDash)).size"),
    40,
  );
  assert.equal(
    await page.value("new Set([...document.querySelectorAll('.legend svg')].map(({ outerHTML }) => outerHTML)).size"),
    40,
  );
  assert.equal(
    await page.value("document.querySelector('.legend').scrollWidth - document.querySelector('.legend').clientWidth"),
    0,
  );
  assert.equal((await textsOf(".chart .note"))[0], "The first 40 of 45 series are drawn.");
  await page.value("document.querySelector('.stage canvas').focus()");
  await page.press("ArrowRight");
  assert.match((await textsOf(".tip"))[0]!, /^x 1\n(long){30}40: 40\n(.*\n)*and 28 more$/, "the highest are told");
  assert.ok(
    await page.value(
      "document.querySelector('.tip').getBoundingClientRect().right <= document.querySelector('.stage').getBoundingClientRect().right",
    ),
  );
  assert.equal(await page.value("document.documentElement.scrollWidth"), 320);
  await page.resize(wide);
});

test("without its library a result is shown as a table, and what is missing is said", { skip }, async () => {
  const other = await browser!.open(`${emulator.url}/`, wide);
  await other.until("document.querySelector('#database').value === 'demo'");
  await other.block("*/chart-library.js");
  await other.value(
    "(() => { const editor = document.querySelector('#editor textarea'); editor.value = 'print x = 1, y = 2 | render linechart'; editor.dispatchEvent(new Event('input')); })()",
  );
  await other.click("#run");
  await other.until("document.querySelector('#result .note')");
  assert.match(await other.value("document.querySelector('#result .note').innerText"), /chart library did not load/);
  assert.equal(await other.value("document.querySelector('.result-table').checkVisibility()"), true);
});

test("all that while nothing broke, and nobody else was asked for anything", { skip }, () => {
  assert.deepEqual(page.complaints, []);
  assert.deepEqual(
    page.requested.filter((url) => !url.startsWith(`${emulator.url}/`)),
    [],
  );
});
