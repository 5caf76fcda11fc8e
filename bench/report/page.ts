import { type Row, rowsFor, runtimesOf } from "../row.ts";
import type { Soak } from "../soak-result.ts";
import { figure, verdict } from "../tables.ts";
import { type Target, targetsOf } from "../targets.ts";
import { delayBars } from "./delay-bars.ts";
import { memoryPlot } from "./memory-plot.ts";
import { overviewBars } from "./overview-bars.ts";
import { raceBars, racesOf } from "./race-bars.ts";
import { colors, escaped } from "./svg.ts";

const about: Readonly<Record<string, string>> = {
  records: "Records to one gzip member, on one thread: what a sink does to a batch.",
  encode: "Records to the bytes of rows, without gzip.",
  gzip: "The bytes of rows to one gzip member. Native tools: user time of their own process.",
  raw: "Rows that are CSV or NDJSON already to one gzip member, on one thread: ours checks every row, node:zlib alone checks nothing.",
  pack: "What the caller's thread does with a record when workers do the rest.",
  workers: "A whole sink to nowhere, with 0, 1 and 2 workers.",
  numbers: "Doubles to the shortest text that reads back to the same double.",
};

const style = `
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: ${colors.ink}; background: #fff; max-width: 1400px; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; } h3 { font-size: 1rem; margin: 0 0 .3rem; }
p { max-width: 75ch; } svg { width: 100%; height: auto; font: 12px system-ui, sans-serif; display: block; }
.wide { max-width: 980px; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(600px, 1fr)); gap: 1.2rem 2rem; }
figure { margin: 0; border-top: 1px solid ${colors.line}; padding-top: .6rem; }
table { border-collapse: collapse; margin-top: 1rem; } th, td { text-align: left; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid ${colors.line}; }
th { font-weight: 600; } .met { color: ${colors.ours}; font-weight: 600; } .missed { color: ${colors.warning}; font-weight: 600; } .unknown { color: ${colors.faint}; }
summary { cursor: pointer; font-size: 1.25rem; font-weight: 600; margin-top: 2rem; }
`;

/** The report: one file that needs nothing else. Each runtime has its part, the one named first is open. */
export function page(rows: readonly Row[], soak: Soak | undefined): string {
  const parts = runtimesOf(rows).map((runtime, i) => {
    const part = runtimePart(rowsFor(runtime, rows));
    return `<details${i === 0 ? " open" : ""}><summary>${escaped(runtime)}</summary>${part}</details>`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Millrace benches</title><style>${style}</style></head>
<body><h1>Millrace beside its rivals</h1>
<p>Every case of a picture alternates with the others in one process; a value is the median of all runs. Longer bars are faster; ours are blue, and a rival that is FASTER than ours is orange. Ratios travel between machines, absolute figures do not.</p>
${parts.join("\n")}
${soak ? soakPart(soak) : ""}
</body></html>
`;
}

function runtimePart(rows: readonly Row[]): string {
  const overview = overviewBars(rows);
  const delays = delayBars(rows);
  return [
    `<h2>Targets</h2>${targetPart(targetsOf(rows))}`,
    overview ? `<h2>Records to gzip CSV: how many times faster</h2><div class="wide">${overview}</div>` : "",
    delays
      ? `<h2>Event-loop delay while a sink takes records, 99th percentile</h2><div class="wide">${delays}</div>`
      : "",
    ...Object.keys(about).map((suite) => suitePart(rows, suite)),
  ].join("\n");
}

function targetPart(targets: readonly Target[]): string {
  const lines = targets.map(({ what, rival, asks, found }) => {
    const kind = found === undefined ? "unknown" : found.isMet ? "met" : "missed";
    const cells = [what, rival, asks, found?.text ?? ""].map((cell) => `<td>${escaped(cell)}</td>`).join("");
    return `<tr>${cells}<td class="${kind}">${verdict(found)}</td></tr>`;
  });
  return `<table><tr><th>what</th><th>beside</th><th>asked</th><th>found</th><th></th></tr>${lines.join("")}</table>`;
}

function suitePart(rows: readonly Row[], suite: string): string {
  const races = racesOf(rows, suite);
  if (races.length === 0) return "";
  const panels = races.map((race) => {
    const title = `${race.corpus}: ${race.subject.case}`;
    return `<figure><h3>${escaped(title)}</h3>${raceBars(race, rows)}</figure>`;
  });
  return `<h2>${suite}</h2><p>${about[suite]}</p><div class="panels">${panels.join("\n")}</div>${figuresPart(rows, suite)}`;
}

/** What was measured beside the speed: a table of corpora. */
function figuresPart(rows: readonly Row[], suite: string): string {
  const figures = rows.filter((row) => row.suite === suite && row.case.includes(": "));
  if (figures.length === 0) return "";
  const names = [...new Set(figures.map((row) => row.case))];
  const corpora = [...new Set(figures.map((row) => row.corpus))];
  const cell = (name: string, corpus: string) => {
    const row = figures.find((r) => r.case === name && r.corpus === corpus);
    return `<td>${row ? `${figure(row.value)} ${row.unit}` : ""}</td>`;
  };
  const lines = names.map((name) => `<tr><td>${escaped(name)}</td>${corpora.map((c) => cell(name, c)).join("")}</tr>`);
  return `<table><tr><th></th>${corpora.map((c) => `<th>${escaped(c)}</th>`).join("")}</tr>${lines.join("")}</table>`;
}

function soakPart(soak: Soak): string {
  const { runtime, parallelism, batchMegabytes, records, rawBytes, batches, delayP99Ms } = soak;
  const workers = parallelism === 1 ? "1 worker" : `${parallelism} workers`;
  return `<h2>Memory while ${(rawBytes / 1e9).toFixed(1)} GB go through a ${batchMegabytes} MB batch limit</h2>
<p>${escaped(runtime)}, ${workers}: ${figure(records)} telemetry records in ${batches} batches to nowhere; event-loop delay p99 ${delayP99Ms.toFixed(2)} ms.</p>
<div class="wide">${memoryPlot(soak)}</div>`;
}
