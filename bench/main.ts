import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Bench } from "tinybench";
import { recordsSuite } from "./records.ts";

// npm run bench [-- --suite records] [--seconds 3] [--json out.json]
// Every case of a suite runs in this one process; ratios travel between machines, absolute figures do not.

export interface Case {
  readonly name: string;
  readonly suite?: string;
  readonly corpus?: string;
  /** Records handled by one run. */
  readonly records?: number;
  readonly isSubject?: boolean;
  /** Does the work once and returns the packed bytes. */
  run(): number;
}

const suites: Record<string, Case[]> = { records: recordsSuite };

const { values } = parseArgs({
  options: { suite: { type: "string" }, json: { type: "string" }, seconds: { type: "string", default: "2" } },
});
const chosen = values.suite ? { [values.suite]: suites[values.suite] } : suites;
const results: object[] = [];

for (const [suite, cases] of Object.entries(chosen)) {
  if (!cases) throw new Error(`No suite ${suite}; there are ${Object.keys(suites).join(", ")}.`);
  const bench = new Bench({ time: Number(values.seconds) * 1_000, warmupTime: 500 });
  for (const c of cases) bench.add(c.name, () => void c.run());
  await bench.run();

  const medians = cases.map((c) => {
    const { result } = bench.getTask(c.name)!;
    if (!("latency" in result)) throw new Error(`${c.name}: ${result.state}`);
    return { nanoseconds: (result.latency.p50 * 1e6) / c.records!, spread: result.latency.rme };
  });
  const subject = medians[cases.findIndex((c) => c.isSubject)]!;
  const table = cases.map((c, i) => ({
    suite,
    case: c.name,
    corpus: c.corpus!,
    runtime: `node ${process.versions.node}`,
    unit: "ns/record",
    value: Math.round(medians[i]!.nanoseconds),
    ratio: Number((medians[i]!.nanoseconds / subject.nanoseconds).toFixed(2)),
    spreadPercent: Number(medians[i]!.spread.toFixed(1)),
    bytesOut: c.run(),
  }));
  results.push(...table);
  console.table(
    table.map(({ case: name, value, ratio, spreadPercent, bytesOut }) => ({
      name,
      value,
      ratio,
      spreadPercent,
      bytesOut,
    })),
  );
}

if (values.json) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
