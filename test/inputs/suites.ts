import type { Tools, Verdict } from "./check-file.ts";
import { csvSpectrum, papaParse } from "./csv-suites.ts";
import { jsonSuite } from "./json-suite.ts";
import { type DataPackage, dataPackages } from "./packages.ts";

/** Cases that others have made for readers of the same formats, by the package that holds them. */
export interface Suite {
  readonly name: string;
  run(one: DataPackage, tools: Tools): Promise<Verdict[]>;
}

const suites: readonly Suite[] = [
  { name: "csv-spectrum", run: csvSpectrum },
  { name: "papaparse", run: papaParse },
  { name: "json-test-suite", run: jsonSuite },
];

export async function runSuites(only: string, tools: Tools, tell: (verdict: Verdict) => void): Promise<void> {
  for (const { name, run } of suites) {
    if (!name.includes(only)) continue;
    const one = dataPackages.find((each) => each.name === name)!;
    for (const verdict of await run(one, tools)) tell(verdict);
  }
}
