import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { before, test } from "node:test";
import { eventNames } from "../src/events.ts";
import { type Metric, metrics } from "../src/telemetry/metrics.ts";
import { mainScript } from "./cli/run-cli.ts";

// What an operator reads, builds on and looks at: the metrics and events that there are, in the words of the code.

const manual = readFileSync("docs/operations.md", "utf8");
const all = Object.entries<Metric>(metrics);
const rows = new Map<string, string[]>(
  [...manual.matchAll(/^\| `(millrace[.:][a-z_:.-]+)` \| (.*) \|$/gm)].map(([, name, rest]) => [
    name!,
    rest!.split(" | "),
  ]),
);

test("the manual's table of metrics is the code's", () => {
  for (const [name, { kind, unit, attributes }] of all) {
    const row = rows.get(name);
    assert.ok(row, `${name} is not in docs/operations.md`);
    assert.equal(row[0], `${kind}, \`${unit}\``, name);
    assert.deepEqual(
      [...row[1]!.matchAll(/`([a-z_]+)`/g)].map(([, each]) => each),
      attributes,
      name,
    );
    assert.equal(row.length, 4, `${name}: its meaning, and when to worry`);
  }
  const known = [...all.map(([name]) => name), ...eventNames] as string[];
  for (const [name, [first]] of rows)
    if (name.includes(":") || /^(counter|gauge|histogram),/.test(first!))
      assert.ok(known.includes(name), `there is no ${name}`);
});

test("the manual names every event", () => {
  for (const name of eventNames) assert.ok(rows.has(name), `${name} is not in docs/operations.md`);
});

/** As OpenTelemetry's Prometheus exporter writes names. */
function prometheusNames([name, { kind }]: [string, Metric]): string[] {
  const plain = name.replaceAll(".", "_");
  if (kind === "counter") return [`${plain}_total`];
  return kind === "gauge" ? [plain] : [`${plain}_bucket`, `${plain}_sum`, `${plain}_count`];
}

let scraped: string;

before(async () => {
  // The example with the sources of this moment, not with what was built last.
  const built = dirname(dirname(mainScript()));
  const script = join(built, "telemetry-prometheus.mjs");
  const text = readFileSync("examples/telemetry-prometheus.mjs", "utf8");
  writeFileSync(
    script,
    text
      .replace('"millrace"', '"./index.js"')
      .replace('"millrace/kusto"', '"./kusto.js"')
      .replace('"millrace/emulator"', '"./emulator/index.js"'),
  );
  const child = spawn(process.execPath, [script, "0"], { stdio: ["ignore", "pipe", "pipe"] });
  let err = "";
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  const closed = once(child, "close");
  const [url] = await Promise.race([
    once(createInterface(child.stdout), "line"),
    closed.then(() => Promise.reject(new Error(`it ended: ${err}`))),
  ]);
  scraped = await (await fetch(url)).text();
  assert.equal((await fetch(new URL("/", url))).status, 404);
  child.kill("SIGTERM");
  const [code] = await closed;
  assert.equal(err, "");
  assert.equal(code, 0);
});

function sample(name: string, having = ""): number {
  const line = scraped.split("\n").find((each) => each.startsWith(`${name}{`) && each.includes(having));
  assert.ok(line, `${name} is not in:\n${scraped}`);
  return Number(
    line
      .slice(line.lastIndexOf("}") + 1)
      .trim()
      .split(" ")[0],
  );
}

test("Prometheus can scrape the example", () => {
  const records = sample("millrace_records_delivered_total", 'table="Readings",database="iot"');
  assert.ok(records >= 500);
  assert.ok(sample("millrace_records_accepted_total") >= records);
  assert.ok(sample("millrace_records_rejected_total", 'dead_letter="true"') >= 1);
  assert.ok(sample("millrace_batch_landed_latency_count") >= 1);
  assert.equal(sample("millrace_batch_age_bucket", 'le="+Inf"'), sample("millrace_batch_age_count"));
  assert.ok(sample("millrace_batches_in_flight") >= 0);
  const names = new Set(all.flatMap(prometheusNames));
  const found = new Set([...scraped.matchAll(/^(millrace_\w+)\{/gm)].map(([, name]) => name!));
  assert.ok(found.size >= 20, [...found].join());
  for (const name of found) assert.ok(names.has(name), `${name} is not what the dashboard goes by`);
});

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

test("every query of the dashboard names a metric and attributes that exist", () => {
  const dashboard: { panels: Panel[]; templating: { list: { query: unknown }[] }; uid: string; schemaVersion: number } =
    JSON.parse(readFileSync("docs/grafana-dashboard.json", "utf8"));
  assert.ok(dashboard.uid && dashboard.schemaVersion > 30);
  const shown = new Set<string>();
  const byName = new Map(all.flatMap((each) => prometheusNames(each).map((name) => [name, each] as const)));
  const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  for (const query of [...queries, ...dashboard.templating.list.map((each) => JSON.stringify(each.query))]) {
    const named = [...query.matchAll(/millrace_\w+/g)].map(([name]) => name);
    assert.ok(named.length > 0 || query.includes("prometheus"), query);
    for (const name of named) {
      const metric = byName.get(name);
      assert.ok(metric, `${name} does not exist: ${query}`);
      shown.add(metric[0]);
      const allowed = ["table", "database", "le", ...metric[1].attributes];
      for (const [, labels] of query.matchAll(/\b(?:by|without) \(([^)]*)\)/g))
        for (const label of labels!.split(", ")) assert.ok(allowed.includes(label), `${label}: ${query}`);
    }
    assert.equal((query.match(/\(/g) ?? []).length, (query.match(/\)/g) ?? []).length, query);
  }
  const missing = all.map(([name]) => name).filter((name) => !shown.has(name));
  assert.deepEqual(missing, [], "every metric has its panel");
  const taken = new Set<string>();
  for (const { gridPos, title } of dashboard.panels)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        assert.ok(x < 24 && !taken.has(`${x},${y}`), `${title} lies upon another`);
        taken.add(`${x},${y}`);
      }
});
